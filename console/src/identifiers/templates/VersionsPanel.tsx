import { DownloadOutlined } from "@ant-design/icons";
import { Button, Select } from "antd";
import { type JSX, useState } from "react";

import type { TemplateDocument, TemplateInfo, TemplateVersion } from "../../api/identifiers";
import { useResource } from "../../api/queries";
import { valueWords } from "../../audit/words";
import { fileOf } from "../../codes/use";
import { useFormat, useText } from "../../i18n";
import { save } from "../../parts/files";
import { Empty, Loaded, Panel } from "../../parts/Page";
import { useComplain } from "../../parts/Problem";
import { useFieldLabel } from "../fields/TemplateForm";
import { differencesOf } from "./document";

const DRAFT = 0;

/** Published versions, and what any two of them, or the draft, differ in. */
export function VersionsPanel({ template }: { template: TemplateInfo }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const complain = useComplain();
  const versions = useResource<TemplateVersion[]>(`/identifier-templates/${template.id}/versions`);
  const [chosen, setChosen] = useState<{ before: number | null; after: number | null }>({ before: null, after: null });
  return (
    <Loaded query={versions}>
      {(list) => {
        if (list.length === 0) return <div className="panel"><Empty title={t.templates.noVersions} /></div>;
        const after = chosen.after ?? (template.draft ? DRAFT : list[0]?.version ?? DRAFT);
        const before = chosen.before ?? (template.draft ? list[0]?.version : list[1]?.version) ?? after;
        const documentOf = (version: number): TemplateDocument => (version === DRAFT ? template.draft : list.find((one) => one.version === version)?.document) ?? template.document;
        const options = [...(template.draft ? [{ value: DRAFT, label: t.templates.draftOption }] : []), ...list.map((one) => ({ value: one.version, label: t.templates.version(one.version) }))];
        const take = (version: number): void => { fileOf(`/identifier-templates/${template.id}/document`, { version }).then((file) => { save(`${template.name}-v${version}.json`, file); }, complain); };
        return (
          <div className="stack">
            <Panel flush>
              <div className="insets">
                {list.map((one) => (
                  <div key={one.version} className="inset row spread" style={{ paddingInline: 16 }}>
                    <span><b>{t.templates.version(one.version)}</b><span className="small quiet" style={{ display: "block" }}>{t.templates.by(one.published_by, f.time(one.published_ms))} · {t.templates.fields(one.document.fields?.length ?? 0)}</span></span>
                    <Button size="small" icon={<DownloadOutlined />} aria-label={`${t.templates.exportJson}: ${t.templates.version(one.version)}`} onClick={() => { take(one.version); }}>JSON</Button>
                  </div>
                ))}
              </div>
            </Panel>
            {options.length > 1 && (
              <Panel title={<span className="row wrap">{t.templates.compare}<Select size="small" aria-label={t.templates.compare} value={before} options={options} virtual={false} onChange={(next) => { setChosen({ ...chosen, before: next }); }} />{t.templates.with}<Select size="small" aria-label={t.templates.with} value={after} options={options} virtual={false} onChange={(next) => { setChosen({ ...chosen, after: next }); }} /></span>}>
                <Differences before={documentOf(before)} after={documentOf(after)} />
              </Panel>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

function Differences({ before, after }: { before: TemplateDocument; after: TemplateDocument }): JSX.Element {
  const t = useText();
  const label = useFieldLabel();
  const found = differencesOf(before, after);
  const kinds = { added: t.templates.added, removed: t.templates.removed, changed: t.templates.changedField, moved: t.templates.movedField };
  if (found.length === 0) return <p className="quiet">{t.templates.same}</p>;
  return (
    <table className="differences" data-testid="differences">
      <tbody>
        {found.map((one) => (
          <tr key={`${one.field?.number ?? "document"}${one.kind}`} data-difference={one.kind}>
            <th scope="row">{one.field ? <>{label(one.field)} <span className="mono small quiet">{one.field.name}</span></> : t.templates.document}</th>
            <td className="nowrap quiet">{kinds[one.kind]}</td>
            <td>{one.changes.map((change) => <div key={change.key}><span className="quiet">{t.templates.attributes[change.key] ?? change.key}</span> <del>{valueWords(change.before)}</del> <ins>{valueWords(change.after)}</ins></div>)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
