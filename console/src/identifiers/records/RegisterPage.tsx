import { Alert, App, Button, Input, Segmented, Select } from "antd";
import { useQueryClient } from "@tanstack/react-query";
import { type JSX, useMemo, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";

import { post, ProblemError, request } from "../../api/client";
import type { IdentifierRecord, PrefixInfo, RecordLink, TemplateInfo } from "../../api/identifiers";
import { useChange, useList } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { useText, useTitle } from "../../i18n";
import { Loaded, Page, Panel } from "../../parts/Page";
import { wordsOf } from "../../parts/Problem";
import { useSettled } from "../../parts/settled";
import { TemplateForm } from "../fields/TemplateForm";
import { useFieldCheck } from "../fields/useFieldCheck";
import { type Entered, enteredOf } from "../fields/values";
import { recordPath } from "./address";
import { LinkFields } from "./LinkFields";
import { kindsFor, linksToSend, registerName, type Suffix, suffixToSend } from "./register";
import { SuffixFields } from "./SuffixFields";
import { useDocument, useRecord, useStanding } from "./use";

/** Registers an identifier by a template, or changes one. */
export default function RegisterPage(): JSX.Element {
  const t = useText();
  const [parameters] = useSearchParams();
  const identifier = parameters.get("identifier") ?? "";
  const changing = parameters.get("change") === "yes";
  const record = useRecord(changing ? identifier : "");
  if (!changing) return <New key={identifier} first={identifier} />;
  return <Page title={t.identifiers.changeTitle(identifier)} text={<Link to={recordPath(identifier)}>{identifier}</Link>}><Loaded query={record} rows={8}>{(found) => <Change key={found.name} record={found} />}</Loaded></Page>;
}

function New({ first }: { first: string }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const navigate = useNavigate();
  const { message } = App.useApp();
  const zh = usePreferences().language === "zh";
  const templates = useList<TemplateInfo>("/identifier-templates", { published: true, retired: false, limit: 200 });
  const prefixes = useList<PrefixInfo>("/prefixes", { side: "holder", state: "active", limit: 200 });
  const [way, setWay] = useState<"made" | "whole">(first === "" ? "made" : "whole");
  const [identifier, setIdentifier] = useState(first);
  const [prefix, setPrefix] = useState<string | null>(null);
  const [suffix, setSuffix] = useState<Suffix>({ kind: "serial", before: "", digits: 8, gtin: "", extension: 0 });
  const [chosen, setChosen] = useState<string | null>(null);
  const [entered, setEntered] = useState<Entered>({});
  const [links, setLinks] = useState<RecordLink[]>([]);
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const settled = useSettled(identifier.trim(), 300);
  const standing = useStanding(way === "whole" ? settled : "");
  const template = templates.data?.find((one) => one.id === chosen);
  const fields = useMemo(() => template?.document.fields ?? [], [template]);
  const check = useFieldCheck(chosen ?? "", fields, entered, { version: template?.version ?? null, enabled: template !== undefined });
  const wrong = [...new Set([...check.problems.map((one) => one.field), ...check.faults])];
  const held = prefixes.data?.find((one) => one.id === prefix) ?? prefixes.data?.[0];
  const kinds = held ? kindsFor(held.system) : [];
  const kind = kinds.includes(suffix.kind) ? suffix.kind : kinds[0];
  const add = useChange(
    () => post<IdentifierRecord>("/identifiers", {
      ...(way === "whole" ? { identifier: identifier.trim() } : held && kind ? { prefix: registerName(held), suffix: suffixToSend({ ...suffix, kind }, held.system) } : {}),
      template_id: chosen, template_version: template?.version ?? null, fields: check.fields, links: linksToSend(links), reason: reason.trim(),
    }), ["identifiers"], (made) => { void message.success(t.identifiers.saved(made.identifier)); void navigate(recordPath(made.identifier)); },
  );
  const named = way === "whole" ? identifier.trim() !== "" : held !== undefined && kind !== undefined && (kind !== "serial" || held.system !== "gs1" || suffix.gtin !== "");
  const submit = (): void => { setTried(true); if (named && (wrong.length === 0 || check.checking)) add.mutate(undefined); }; // what was typed just now is checked by the node anyway
  const said = standing.data ? `${t.identifiers.standing[standing.data.standing]}${standing.data.prefix ? `, ${t.identifiers.below(standing.data.prefix)}` : ""}` : "";
  const why = standing.error instanceof ProblemError ? ((zh && (standing.error.problem.data["why_zh"] as string | undefined)) || standing.error.problem.detail) : "";
  return (
    <Page title={t.identifiers.formTitle} text={<Link to="/identifiers">{t.identifiers.title}</Link>}>
      <div className="stack" style={{ maxWidth: 960 }}>
        <Panel title={t.identifiers.identifier}>
          <div className="stack">
            <Segmented value={way} onChange={setWay} options={[{ value: "made", label: t.identifiers.made }, { value: "whole", label: t.identifiers.whole }]} />
            {way === "whole" ? (
              <div>
                <Input className="mono" value={identifier} maxLength={2048} autoFocus spellCheck={false} placeholder={t.identifiers.wholeHint} aria-label={t.identifiers.identifier} status={standing.error || (standing.data && standing.data.standing !== "free") ? "error" : ""} onChange={(event) => { setIdentifier(event.target.value); }} />
                <div className="small" aria-live="polite" style={{ minHeight: 22, color: standing.data?.standing === "free" ? "var(--ok)" : "var(--critical)" }}>{settled === identifier.trim() ? said || why : ""} {standing.data?.standing === "registered" || standing.data?.standing === "removed" ? <Link to={recordPath(settled)}>{t.identifiers.open}</Link> : null}</div>
              </div>
            ) : (
              <Loaded query={prefixes}>
                {(list) => <SuffixFields prefixes={list} held={held} choose={setPrefix} suffix={suffix} change={setSuffix} />}
              </Loaded>
            )}
          </div>
        </Panel>
        <Panel title={t.identifiers.fields}>
          <Loaded query={templates}>
            {(list) => (
              <div className="stack">
                {list.length === 0 ? <Alert type="info" showIcon title={t.identifiers.noTemplates} description={<>{t.identifiers.noTemplatesText} <Link to="/identifier-templates">{t.identifiers.toTemplates}</Link></>} /> : (
                  <Select allowClear virtual={false} aria-label={t.identifiers.template} placeholder={t.identifiers.noTemplate} value={chosen} onChange={(next) => { setChosen(next ?? null); setTried(false); }} style={{ maxWidth: 420 }} options={list.map((one) => ({ value: one.id, label: `${title({ ...one.document, name: one.name })} · ${t.identifiers.version(one.version)}` }))} />
                )}
                {template && <TemplateForm fields={fields} entered={entered} change={setEntered} faults={check.faults} problems={check.problems.filter((one) => tried || entered[one.field] !== undefined)} />}
              </div>
            )}
          </Loaded>
        </Panel>
        <Panel title={t.identifiers.links}><LinkFields links={links} change={setLinks} /></Panel>
        <Foot reason={reason} setReason={setReason} wrong={tried ? wrong.length : 0} error={check.error} busy={add.isPending} submit={submit} disabled={!named} text={t.identifiers.submit} />
      </div>
    </Page>
  );
}

function Change({ record }: { record: IdentifierRecord }): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { message } = App.useApp();
  const document = useDocument(record.template);
  const [moved, setMoved] = useState<number | null>(null);
  const newest = useList<TemplateInfo>("/identifier-templates", { published: true, limit: 200 }).data?.find((one) => one.id === record.template?.id);
  const version = moved ?? record.template?.version ?? null;
  const fields = useMemo(() => (moved !== null ? newest?.document.fields : document.data?.fields) ?? [], [moved, newest, document.data]);
  const [edited, setEdited] = useState<Entered | null>(null);
  const entered = useMemo(() => edited ?? enteredOf(fields, record.fields), [edited, fields, record.fields]);
  const [links, setLinks] = useState<RecordLink[]>(record.links);
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const check = useFieldCheck(record.template?.id ?? "", fields, entered, { version, enabled: fields.length > 0 });
  // What is withheld stays as it is and is not typed again: that it is missing here is no problem.
  const problems = check.problems.filter((one) => !(one.field in record.withheld) || check.fields[one.field] !== undefined);
  const wrong = [...new Set([...problems.map((one) => one.field), ...check.faults])];
  const save = useChange(() => {
    const gone = Object.keys(record.fields).filter((name) => check.fields[name] === undefined && fields.some((field) => field.name === name));
    return request<IdentifierRecord>("PATCH", "/identifiers/record", {
      query: { identifier: record.identifier }, etag: `"${record.version}"`,
      body: { fields: { ...check.fields, ...Object.fromEntries(gone.map((name) => [name, null])) }, links: linksToSend(links), ...(moved !== null && { template_version: moved }), reason: reason.trim() },
    });
  }, [], (saved) => {
    void message.success(t.identifiers.changedDone);
    void client.invalidateQueries({ queryKey: ["identifiers"] }).then(() => navigate(recordPath(saved.identifier)));
  });
  const submit = (): void => { setTried(true); if (wrong.length === 0 || check.checking) save.mutate(undefined); };
  return (
    <div className="stack" style={{ maxWidth: 960 }}>
      {newest && record.template && newest.version > record.template.version && moved === null && <div><Button onClick={() => { setMoved(newest.version); }}>{t.identifiers.newVersion(newest.version)}</Button></div>}
      {fields.length > 0 && <Panel title={t.identifiers.fields}><TemplateForm fields={fields} entered={entered} change={setEdited} faults={check.faults} problems={problems} kept={Object.keys(record.withheld)} /></Panel>}
      <Panel title={t.identifiers.links}><LinkFields links={links} change={setLinks} /></Panel>
      <Foot reason={reason} setReason={setReason} wrong={tried ? wrong.length : 0} error={check.error} busy={save.isPending} submit={submit} disabled={record.template !== null && document.isPending} text={t.identifiers.save} />
    </div>
  );
}

function Foot({ reason, setReason, wrong, error, busy, submit, disabled, text }: { reason: string; setReason: (text: string) => void; wrong: number; error: unknown; busy: boolean; submit: () => void; disabled: boolean; text: string }): JSX.Element {
  const t = useText();
  return (
    <div className="stack tight">
      {wrong > 0 && <Alert type="warning" showIcon title={t.identifiers.incomplete(wrong)} />}
      {error !== null && error !== undefined && <Alert type="error" showIcon title={wordsOf(error, t).title} description={wordsOf(error, t).hint} />}
      <div className="row wrap">
        <Input style={{ flex: "1 1 240px" }} maxLength={500} value={reason} placeholder={t.identifiers.reason} aria-label={t.identifiers.reason} onChange={(event) => { setReason(event.target.value); }} />
        <Button type="primary" loading={busy} disabled={disabled} onClick={submit}>{text}</Button>
      </div>
    </div>
  );
}
