import { Alert, Button, Checkbox, InputNumber, Segmented, Select } from "antd";
import { type JSX, useState } from "react";
import { Link } from "react-router";

import type { ImportColumn, ImportInfo, ImportSettings, PrefixInfo, TemplateInfo } from "../../api/identifiers";
import { useList, useResource } from "../../api/queries";
import { useText, useTitle } from "../../i18n";
import { Loaded, Panel } from "../../parts/Page";
import { useFieldLabel } from "../fields/TemplateForm";
import { registerName, type Suffix, suffixToSend } from "../records/register";
import { SuffixFields } from "../records/SuffixFields";
import { FIELDS, faultsOf, IDENTIFIER, isFine, LINKS, type Mapping, mappingOf } from "./mapping";

const EXISTING = ["refuse", "update", "skip"] as const;

/** What the columns are, and what is done with rows that are registered already. */
export function MapPanel({ info, busy, start }: { info: ImportInfo; busy: boolean; start: (settings: ImportSettings) => void }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const label = useFieldLabel();
  const before = info.settings;
  const templates = useList<TemplateInfo>("/identifier-templates", { published: true, retired: false, limit: 200 });
  const prefixes = useList<PrefixInfo>("/prefixes", { side: "holder", state: "active", limit: 200 });
  const [chosen, setChosen] = useState<string | null>(before?.template_id ?? null);
  const [said, setSaid] = useState<Mapping>(before?.columns ?? {});
  const [made, setMade] = useState(before?.suffix !== null && before?.suffix !== undefined);
  const [prefix, setPrefix] = useState<string | null>(null);
  const [suffix, setSuffix] = useState<Suffix>({ kind: before?.suffix?.kind ?? "serial", before: before?.suffix?.before ?? "", digits: before?.suffix?.digits ?? 8, gtin: before?.suffix?.gtin ?? "", extension: before?.suffix?.extension ?? 0 });
  const [existing, setExisting] = useState<(typeof EXISTING)[number]>(before?.existing ?? "refuse");
  const [whole, setWhole] = useState(before?.whole_batches ?? false);
  const [rows, setRows] = useState(before?.batch_size ?? 5000);
  const template = templates.data?.find((one) => one.id === (chosen ?? templates.data[0]?.id));
  const columns = useResource<ImportColumn[]>(`/identifiers/imports/${info.id}/columns`, { template_id: template?.id ?? null }, { enabled: template !== undefined, keep: true });
  const fields = template?.document.fields ?? [];
  const mapping = mappingOf(columns.data ?? [], said);
  const faults = faultsOf(mapping, fields, made);
  const held = prefixes.data?.find((one) => one.id === prefix) ?? prefixes.data?.find((one) => registerName(one) === before?.prefix) ?? prefixes.data?.[0];
  const ready = template !== undefined && columns.data !== undefined && isFine(faults) && (!made || held !== undefined);
  const linkKinds = Object.entries(t.identifiers.linkTypes);
  const used = new Set(Object.values(mapping));
  const options = (current: string) => [
    { value: "", label: <span className="quiet">{t.imports.nothing}</span>, title: t.imports.nothing },
    ...(made ? [] : [{ value: IDENTIFIER, label: t.imports.identifier, title: t.imports.identifier }]),
    { label: t.imports.fieldGroup, title: t.imports.fieldGroup, options: fields.map((field) => ({ value: FIELDS + field.name, label: `${label(field)}${field.required ? " *" : ""}`, title: field.name, disabled: used.has(FIELDS + field.name) && current !== FIELDS + field.name })) },
    { label: t.imports.linkGroup, title: t.imports.linkGroup, options: linkKinds.map(([value, text]) => ({ value: LINKS + value, label: text, title: value })) },
  ];
  const settings = (dry: boolean): ImportSettings => ({
    template_id: template?.id ?? "", template_version: template?.version ?? null, columns: mapping, prefix: made && held ? registerName(held) : null, suffix: made && held ? suffixToSend(suffix, held.system) : null,
    existing, batch_size: rows, whole_batches: whole, dry_run: dry, reason: "",
  });
  const choose = (name: string, current: string): JSX.Element => <Select virtual={false} aria-label={`${t.imports.target}: ${name}`} style={{ width: "100%", minWidth: 180 }} value={current} onChange={(target) => { setSaid({ ...said, [name]: target }); }} options={options(current)} status={faults.twice.includes(current) ? "error" : ""} />;
  return (
    <Panel title={t.imports.map}>
      <Loaded query={templates}>
        {(list) => list.length === 0 ? <Alert type="info" showIcon title={t.identifiers.noTemplates} description={<Link to="/identifier-templates">{t.identifiers.toTemplates}</Link>} /> : (
          <div className="stack">
            <div className="row wrap">
              <span>{t.imports.chooseTemplate}</span>
              <Select virtual={false} aria-label={t.imports.template} style={{ minWidth: 220 }} value={template?.id ?? null} onChange={(next) => { setChosen(next); setSaid({}); }} options={list.map((one) => ({ value: one.id, label: `${title({ ...one.document, name: one.name })} · ${t.identifiers.version(one.version)}` }))} />
            </div>
            <p className="small quiet">{t.imports.mapText}</p>
            <Loaded query={columns}>
              {(found) => (
                <table className="differences mapping">
                  <thead><tr><th>{t.imports.column}</th><th>{t.imports.samples}</th><th>{t.imports.target}</th></tr></thead>
                  <tbody>{found.map((one) => <tr key={one.name} data-column={one.name}><th scope="row"><b>{one.name}</b></th><td className="mono small quiet">{one.samples.slice(0, 3).join(" · ")}</td><td>{choose(one.name, mapping[one.name] ?? "")}</td></tr>)}</tbody>
                </table>
              )}
            </Loaded>
            <div>
              <Checkbox checked={made} onChange={(event) => { setMade(event.target.checked); if (event.target.checked) setSaid({ ...said, ...Object.fromEntries(Object.entries(mapping).filter(([, target]) => target === IDENTIFIER).map(([name]) => [name, ""])) }); }}>{t.imports.makeIds}</Checkbox>
              <div className="small quiet" style={{ marginInlineStart: 24 }}>{t.imports.makeIdsText}</div>
              {made && <div style={{ marginBlockStart: 8 }}><SuffixFields prefixes={prefixes.data ?? []} held={held} choose={setPrefix} suffix={suffix} change={setSuffix} /></div>}
            </div>
            <div className="row wrap">
              <span>{t.imports.existing}</span>
              <Segmented value={existing} onChange={setExisting} options={EXISTING.map((value) => ({ value, label: t.imports.existings[value] }))} />
            </div>
            <div className="row wrap" title={t.imports.wholeText}>
              <Checkbox checked={whole} onChange={(event) => { setWhole(event.target.checked); }}>{t.imports.whole}</Checkbox>
              <label className="row small quiet">{t.imports.partRows}<InputNumber size="small" min={1} max={10_000} precision={0} value={rows} onChange={(next) => { setRows(next ?? 5000); }} style={{ width: 84 }} /></label>
            </div>
            {columns.data && !isFine(faults) && <Alert type="warning" showIcon title={[faults.noIdentifier ? t.imports.noIdentifier : "", faults.missing.length > 0 ? t.imports.missing(faults.missing.map(label).join(", ")) : "", ...faults.twice.map((target) => t.imports.twice(target === IDENTIFIER ? t.imports.identifier : target.slice(FIELDS.length)))].filter(Boolean).join(" · ")} />}
            <div className="row wrap">
              <Button type="primary" disabled={!ready} loading={busy} onClick={() => { start(settings(true)); }}>{t.imports.tryIt}</Button>
              <Button disabled={!ready} loading={busy} onClick={() => { start(settings(false)); }}>{t.imports.register}</Button>
            </div>
          </div>
        )}
      </Loaded>
    </Panel>
  );
}
