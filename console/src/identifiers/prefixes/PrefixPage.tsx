import { DownOutlined, WarningOutlined } from "@ant-design/icons";
import { Alert, Button, Dropdown, Tag } from "antd";
import { type JSX, useState } from "react";
import { Link, useParams } from "react-router";

import type { PrefixDetail } from "../../api/identifiers";
import { useMay, useResource } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { HistorySection } from "../../audit/History";
import { useFormat, useText } from "../../i18n";
import { Loaded, Page, Panel } from "../../parts/Page";
import { MeasuresBanner } from "../emergency/MeasureParts";
import { ApplicationBox } from "./ApplicationBox";
import { CertificationPanel } from "./CertificationPanel";
import { DelegationPanel } from "./DelegationPanel";
import { DocumentsPanel } from "./DocumentsPanel";
import { FilingsPanel } from "./FilingsPanel";
import { HandleKeysPanel } from "./HandleKeysPanel";
import { StateTag } from "./StateTag";
import { SayBox, StepBox } from "./StepBox";
import { offered, type Step, STEPS } from "./steps";
import { Timeline } from "./Timeline";

/** As the register names it: with its code system, but for handles. */
const nameOf = (prefix: PrefixDetail): string => (prefix.system === "handle" ? prefix.prefix : `${prefix.system.toUpperCase()}:${prefix.prefix}`);

/** The case of one prefix: what it is, how it stands, what may be done next, and all that happened. */
export default function PrefixPage(): JSX.Element {
  const { id } = useParams();
  const t = useText();
  const prefix = useResource<PrefixDetail>(`/prefixes/${id ?? ""}`, {}, { everyMs: 10_000 });
  if (!prefix.data) return <Page title={t.prefixes.prefix}><Loaded query={prefix} rows={8}>{() => null}</Loaded></Page>;
  return <Case prefix={prefix.data} />;
}

function Case({ prefix }: { prefix: PrefixDetail }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const zh = usePreferences().language === "zh";
  const applies = useMay("prefixes:apply");
  const [step, setStep] = useState<Step | null>(null);
  const [editing, setEditing] = useState(false);
  const { first, rest } = offered(prefix);
  const held = ["approved", "active", "suspended", "expired"].includes(prefix.state);
  const edits = prefix.allowed.includes("change") || (applies && held && prefix.allowed.includes("withdraw"));
  const closed = prefix.state === "rejected" || prefix.state === "withdrawn";
  const { form } = prefix;
  const actions = <>
    {edits && <Button onClick={() => { setEditing(true); }}>{t.prefixes.steps.change}</Button>}
    {[...first].reverse().map((one, place) => <Button key={one} type={place === first.length - 1 && prefix.state !== "active" ? "primary" : "default"} onClick={() => { setStep(one); }}>{t.prefixes.steps[one]}</Button>)}
    {rest.length > 0 && (
      <Dropdown trigger={["click"]} menu={{ items: rest.map((key) => ({ key, label: t.prefixes.steps[key], danger: STEPS[key].danger ?? false })), onClick: ({ key }) => { setStep(key as Step); } }}>
        <Button aria-label={t.prefixes.moreSteps}>{t.common.more} <DownOutlined /></Button>
      </Dropdown>
    )}
  </>;
  return (
    <Page title={prefix.prefix} lead={<><StateTag state={prefix.state} /><Tag>{t.prefixes.systems[prefix.system]}</Tag></>} text={<Link to="/prefixes">{t.prefixes.title}</Link>} actions={actions}>
      <div className="stack">
        {prefix.granted_ms !== null && <MeasuresBanner prefix={nameOf(prefix)} />}
        <div className="notice" data-testid="what-next" style={closed || prefix.state === "active" ? { borderInlineStartColor: "var(--line)" } : {}}>
          <div>{t.prefixes.next[prefix.state]}</div>
          <div className="small quiet">{[prefix.registrar_name ? t.prefixes.decidedBy(prefix.registrar_name) : prefix.state === "draft" ? t.prefixes.goesTo : "", prefix.parent ? t.prefixes.derived(prefix.parent) : ""].filter(Boolean).join(" · ")}</div>
        </div>
        {prefix.warnings.length > 0 && <Alert type="warning" showIcon icon={<WarningOutlined />} title={t.prefixes.warnings} description={<ul style={{ margin: 0, paddingInlineStart: 18 }}>{prefix.warnings.map((one) => <li key={one.text}>{zh ? one.text_zh : one.text}</li>)}</ul>} />}
        <div className="case">
          <div className="stack">
            <Panel title={t.prefixes.form}>
              <dl className="facts">
                <dt>{t.prefixes.applicant}</dt><dd>{prefix.organisation_name || prefix.organisation_id}</dd>
                <dt>{t.prefixes.creditCode}</dt><dd className="mono">{form.credit_code || "–"}</dd>
                <dt>{t.prefixes.contact}</dt><dd>{[form.contact.name, form.contact.telephone, form.contact.email].filter(Boolean).join(" · ") || "–"}</dd>
                <dt>{t.prefixes.industry}</dt><dd>{form.industry || "–"}</dd>
                <dt>{t.prefixes.use}</dt><dd style={{ whiteSpace: "pre-wrap" }}>{form.use || "–"}</dd>
                {prefix.granted_ms === null ? <><dt>{t.prefixes.formUntil}</dt><dd className="num">{form.until_ms === null ? t.prefixes.noEnd : f.date(form.until_ms)}</dd></> : <>
                  <dt>{t.prefixes.granted}</dt><dd className="num">{f.date(prefix.granted_ms)}</dd>
                  <dt>{t.prefixes.until}</dt><dd className="num">{prefix.until_ms === null ? t.prefixes.noEnd : f.date(prefix.until_ms)}{prefix.renewal && <Tag color="processing" style={{ marginInlineStart: 8 }}>{t.prefixes.renewalAsked}</Tag>}</dd>
                </>}
              </dl>
            </Panel>
            {prefix.parts.length > 0 && (
              <Panel title={t.prefixes.parts}>
                <table className="differences"><tbody>
                  {prefix.parts.map((part) => <tr key={`${part.name}${part.value}`}><th scope="row">{zh ? part.label_zh : part.label}</th><td className="mono" style={{ minWidth: 56 }}>{part.value}</td><td className="quiet">{(zh ? part.meaning_zh : part.meaning) ?? ""}</td></tr>)}
                </tbody></table>
              </Panel>
            )}
            <DocumentsPanel prefix={prefix} />
            {(prefix.certification !== null || prefix.allowed.includes("certify") || held) && <CertificationPanel prefix={prefix} />}
            {(held || prefix.filings.length > 0) && <FilingsPanel prefix={prefix} />}
            {held && <DelegationPanel prefix={prefix} />}
            {held && prefix.system === "handle" && prefix.allowed.includes("withdraw") && <HandleKeysPanel prefix={prefix} />}
          </div>
          <Panel title={t.prefixes.course}>
            <div className="stack">
              <Timeline steps={prefix.history} />
              {!closed && <SayBox prefix={prefix} />}
            </div>
          </Panel>
        </div>
        <HistorySection kind="prefix" id={prefix.id} />
      </div>
      {step && <StepBox key={step} prefix={prefix} step={step} close={() => { setStep(null); }} />}
      {editing && <ApplicationBox prefix={prefix} close={() => { setEditing(false); }} />}
    </Page>
  );
}
