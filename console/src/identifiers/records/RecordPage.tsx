import { DownOutlined, EyeOutlined, LockOutlined } from "@ant-design/icons";
import { Alert, App, Button, Dropdown, Input, Modal, Segmented, Tag, Tooltip } from "antd";
import { type JSX, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";

import { post, ProblemError, request } from "../../api/client";
import type { IdentifierRecord, Revealed, TemplateField } from "../../api/identifiers";
import { useChange, useMay } from "../../api/queries";
import { CarrierPanel } from "../../codes/CarrierPanel";
import { useFormat, useText, useTitle } from "../../i18n";
import { CopyButton } from "../../parts/Copy";
import { Empty, Loaded, Page, Panel } from "../../parts/Page";
import { emergencyPath } from "../emergency/measures";
import { MeasuresBanner } from "../emergency/MeasureParts";
import { FieldValue } from "../fields/FieldValue";
import { useFieldLabel } from "../fields/TemplateForm";
import { codePath, isWebAddress, publicPath, registerPath } from "./address";
import { useDocument, useOrganisationName, usePersonName, useRecord, useStanding } from "./use";
import { VersionsPanel } from "./VersionsPanel";

/** One identifier: what of its record one may see, its label, and all that it was before. */
export default function RecordPage(): JSX.Element {
  const t = useText();
  const [parameters] = useSearchParams();
  const identifier = (parameters.get("identifier") ?? "").trim();
  const record = useRecord(identifier);
  const code = record.error instanceof ProblemError ? record.error.problem.code : "";
  const title = record.data?.identifier ?? (identifier || t.identifiers.record);
  if (code === "identifiers.removed") return <Removed key={identifier} identifier={identifier} />;
  if (code === "identifiers.unknown") return <Unknown identifier={identifier} />;
  if (!record.data || record.error) return <Page title={title} text={<Link to="/identifiers">{t.identifiers.title}</Link>}><Loaded query={{ ...record, data: undefined }} rows={8}>{() => null}</Loaded></Page>;
  return <Shown key={record.data.name} record={record.data} />;
}

function Shown({ record }: { record: IdentifierRecord }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const navigate = useNavigate();
  const label = useFieldLabel();
  const title = useTitle();
  const holder = useOrganisationName();
  const person = usePersonName();
  const templates = useMay("templates:read");
  const reveals = useMay("identifiers:reveal");
  const emergency = useMay("identifiers:emergency");
  const document = useDocument(record.template);
  const [removing, setRemoving] = useState(false);
  const [revealed, setRevealed] = useState<Record<string, unknown>>({});
  const [asking, setAsking] = useState(false);
  const fields = document.data?.fields ?? [];
  const byName = new Map<string, TemplateField>(fields.map((field) => [field.name, field]));
  // In the template's order; then what it does not know.
  const names = [...fields.map((field) => field.name), ...Object.keys(record.fields).filter((name) => !byName.has(name)), ...Object.keys(record.withheld).filter((name) => !byName.has(name))];
  const shown = names.filter((name) => name in record.fields || name in record.withheld);
  const sealed = Object.values(record.withheld).includes("sealed");
  const closed = t.identifiers.prefixClosed[record.prefix_state];
  return (
    <Page
      title={record.identifier} text={<Link to="/identifiers">{t.identifiers.title}</Link>} lead={<><Tag>{record.system} {record.kind}</Tag><Tag>{t.identifiers.version(record.version)}</Tag></>}
      actions={<>
        <a href={publicPath(record.identifier)} target="_blank" rel="noreferrer"><Button>{t.identifiers.publicPage}</Button></a>
        {record.writable && <Button type="primary" onClick={() => void navigate(`${registerPath(record.identifier)}&change=yes`)}>{t.identifiers.edit}</Button>}
        <Dropdown trigger={["click"]} menu={{ items: [{ key: "code", label: t.identifiers.codePage }, ...(record.own && emergency ? [{ key: "emergency", label: t.emergency.menu }] : []), ...(record.writable ? [{ key: "remove", label: t.identifiers.remove, danger: true }] : [])], onClick: ({ key }) => { if (key === "code") void navigate(codePath(record.identifier)); else if (key === "emergency") void navigate(emergencyPath("identifier", record.identifier)); else setRemoving(true); } }}><Button>{t.common.more} <DownOutlined /></Button></Dropdown>
      </>}
    >
      <div className="stack">
        <MeasuresBanner identifier={record.identifier} />
        {closed && <Alert type="warning" showIcon title={closed} />}
        <div className="codes">
          <div className="stack">
            <Panel title={record.template ? <>{t.identifiers.fields} <span className="quiet" style={{ fontWeight: 400 }}>{templates ? <Link to={`/identifier-templates/${record.template.id}`}>{title({ ...record.template })}</Link> : title({ ...record.template })} · {t.identifiers.version(record.template.version)}</span></> : t.identifiers.fields} extra={sealed && reveals && record.own && Object.keys(revealed).length === 0 && <Button size="small" icon={<EyeOutlined />} onClick={() => { setAsking(true); }}>{t.identifiers.reveal}</Button>}>
              {shown.length === 0 ? <p className="quiet">{t.identifiers.noFields}</p> : (
                <dl className="facts" data-testid="fields">
                  {shown.map((name) => {
                    const field = byName.get(name);
                    const withheld = record.withheld[name];
                    return [
                      <dt key={`${name}t`}>{field ? label(field) : name}{field && (field.visibility ?? "public") !== "public" && <Tooltip title={t.templates.visibilityTexts[field.visibility ?? "public"]}><LockOutlined tabIndex={0} style={{ marginInlineStart: 6 }} aria-label={t.templates.visibilities[field.visibility ?? "public"]} /></Tooltip>}</dt>,
                      <dd key={`${name}d`} data-value={name}>{name in revealed ? <><FieldValue field={field} value={revealed[name]} /> <Tag color="warning">{t.identifiers.revealed}</Tag></> : withheld ? <span className="quiet"><LockOutlined /> {t.identifiers.withheld[withheld]}</span> : <FieldValue field={field} value={record.fields[name]} />}</dd>,
                    ];
                  })}
                </dl>
              )}
            </Panel>
            <Panel title={t.identifiers.links} flush>
              {record.links.length === 0 ? <p className="quiet panel-text">{t.identifiers.noLinks}</p> : (
                <div className="insets">
                  {record.links.map((link, place) => (
                    <div key={place} className="inset" style={{ paddingInline: 16 }}>
                      <div>{isWebAddress(link.href) ? <a href={link.href} target="_blank" rel="noreferrer">{link.title || link.href}</a> : link.title}<span className="small quiet"> · {t.identifiers.linkTypes[link.linkType] ?? link.linkType}{(link.hreflang ?? []).length > 0 && ` · ${(link.hreflang ?? []).join(", ")}`}</span></div>
                      <div className="small quiet mono" style={{ overflowWrap: "anywhere" }}>{link.href}</div>
                    </div>
                  ))}
                </div>
              )}
            </Panel>
            {record.values.length > 0 && (
              <Panel title={t.identifiers.other}>
                <table className="differences"><thead><tr><th>{t.identifiers.index}</th><th>{t.identifiers.type}</th><th>{t.identifiers.data}</th></tr></thead><tbody>
                  {record.values.map((one) => <tr key={one.index}><td className="num">{one.index}</td><td className="mono small">{one.type}{!one.public && <Tag style={{ marginInlineStart: 6 }}>{t.identifiers.restricted}</Tag>}</td><td className="mono small">{textOfData(one.data)}</td></tr>)}
                </tbody></table>
              </Panel>
            )}
          </div>
          <div className="stack">
            <Panel>
              <dl className="facts">
                <dt>{t.identifiers.identifier}</dt><dd className="row"><span className="mono" style={{ overflowWrap: "anywhere" }}>{record.identifier}</span><CopyButton text={record.identifier} /></dd>
                {record.name !== record.identifier && <><dt>Handle</dt><dd className="mono">{record.name}</dd></>}
                <dt>{t.identifiers.prefix}</dt><dd className="mono">{record.prefix}</dd>
                <dt>{t.identifiers.holder}</dt><dd>{holder(record.organisation_id)}</dd>
                {typeof record.registered_ms === "number" && <><dt>{t.identifiers.registered}</dt><dd className="num">{f.time(record.registered_ms)}</dd></>}
                {typeof record.changed_ms === "number" && <><dt>{t.identifiers.changed}</dt><dd><span className="num">{f.time(record.changed_ms)}</span> <span className="quiet">{record.changed_by ? t.identifiers.by(person(record.changed_by)) : ""}</span></dd></>}
              </dl>
            </Panel>
            <Carrier identifier={record.identifier} />
          </div>
        </div>
        {record.own && <VersionsPanel identifier={record.identifier} current={record.version} writable={record.writable} fields={byName} />}
      </div>
      {removing && <RemoveBox record={record} close={() => { setRemoving(false); }} />}
      {asking && <RevealBox record={record} close={() => { setAsking(false); }} done={setRevealed} />}
    </Page>
  );
}

const textOfData = (data: unknown): string => {
  const value = typeof data === "object" && data !== null && "value" in data ? (data as { value: unknown }).value : data;
  return typeof value === "string" ? value : JSON.stringify(value);
};

function Carrier({ identifier }: { identifier: string }): JSX.Element {
  const t = useText();
  const [form, setForm] = useState<"canonical" | "link">("canonical");
  return (
    <div className="stack tight">
      <Segmented block value={form} onChange={setForm} aria-label={t.identifiers.carrierOf} options={(["canonical", "link"] as const).map((value) => ({ value, label: t.identifiers.carrierForms[value] }))} />
      <CarrierPanel text={form === "canonical" ? identifier : `${location.origin}${publicPath(identifier)}`} />
    </div>
  );
}

function RemoveBox({ record, close }: { record: IdentifierRecord; close: () => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [reason, setReason] = useState("");
  const drop = useChange(() => request("DELETE", "/identifiers/record", { query: { identifier: record.identifier, reason: reason.trim() }, etag: `"${record.version}"` }), ["identifiers"], () => { void message.success(t.common.deleted); close(); });
  return (
    <Modal open onCancel={close} title={`${t.identifiers.remove}: ${record.identifier}`} okText={t.identifiers.remove} cancelText={t.common.cancel} okButtonProps={{ danger: true }} confirmLoading={drop.isPending} onOk={() => { drop.mutate(undefined); }}>
      <p className="quiet" style={{ marginBlockEnd: 12 }}>{t.identifiers.removeText}</p>
      <Input.TextArea rows={2} maxLength={500} value={reason} placeholder={t.identifiers.reason} aria-label={t.identifiers.reason} onChange={(event) => { setReason(event.target.value); }} autoFocus />
    </Modal>
  );
}

function RevealBox({ record, close, done }: { record: IdentifierRecord; close: () => void; done: (fields: Record<string, unknown>) => void }): JSX.Element {
  const t = useText();
  const [reason, setReason] = useState("");
  const reveal = useChange(() => post<Revealed>(`/identifiers/record/reveal?identifier=${encodeURIComponent(record.identifier)}`, { reason: reason.trim() }), [], (found) => { done(found.fields); close(); });
  return (
    <Modal open onCancel={close} title={t.identifiers.reveal} okText={t.identifiers.reveal} cancelText={t.common.cancel} confirmLoading={reveal.isPending} okButtonProps={{ disabled: reason.trim() === "" }} onOk={() => { reveal.mutate(undefined); }}>
      <p className="quiet" style={{ marginBlockEnd: 12 }}>{t.identifiers.revealText}</p>
      <Input.TextArea rows={2} maxLength={500} value={reason} placeholder={t.identifiers.revealReason} aria-label={t.identifiers.revealReason} onChange={(event) => { setReason(event.target.value); }} autoFocus />
    </Modal>
  );
}

function Removed({ identifier }: { identifier: string }): JSX.Element {
  const t = useText();
  const registers = useMay("identifiers:register");
  return (
    <Page title={identifier} text={<Link to="/identifiers">{t.identifiers.title}</Link>}>
      <div className="stack">
        <Alert type="warning" showIcon title={t.identifiers.removedTitle} description={t.identifiers.removedText} />
        <VersionsPanel identifier={identifier} current={null} writable={registers} fields={new Map()} />
      </div>
    </Page>
  );
}

function Unknown({ identifier }: { identifier: string }): JSX.Element {
  const t = useText();
  const registers = useMay("identifiers:register");
  const standing = useStanding(identifier);
  return (
    <Page title={identifier} text={<Link to="/identifiers">{t.identifiers.title}</Link>}>
      <div className="panel">
        <Empty title={t.identifiers.notRegistered} text={t.identifiers.notRegisteredText}>
          {registers && standing.data?.standing === "free" && <Link to={registerPath(identifier)}><Button type="primary">{t.identifiers.registerThis}</Button></Link>}
          <a href={publicPath(identifier)} target="_blank" rel="noreferrer"><Button>{t.identifiers.openPublic}</Button></a>
          <Link to={codePath(identifier)}><Button>{t.identifiers.codePage}</Button></Link>
        </Empty>
      </div>
    </Page>
  );
}
