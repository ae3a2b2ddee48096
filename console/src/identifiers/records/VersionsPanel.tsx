import { App, Button, Input, Modal } from "antd";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type JSX, useState } from "react";

import { get, request } from "../../api/client";
import type { IdentifierRecord, IdentifierVersion, IdentifierVersions, TemplateField } from "../../api/identifiers";
import { useChange } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Loaded, Panel } from "../../parts/Page";
import { FieldValue } from "../fields/FieldValue";
import { useFieldLabel } from "../fields/TemplateForm";
import { usePersonName } from "./use";

/** All versions of an identifier: who changed what, and how each is brought back. */
export function VersionsPanel({ identifier, current, writable, fields }: { identifier: string; current: number | null; writable: boolean; fields: Map<string, TemplateField> }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const person = usePersonName();
  const [restoring, setRestoring] = useState<IdentifierVersion | null>(null);
  const versions = useInfiniteQuery({
    queryKey: ["identifiers", "versions", identifier],
    queryFn: ({ pageParam, signal }) => get<IdentifierVersions>("/identifiers/record/versions", { identifier, before: pageParam }, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (last) => (last.more ? (last.items.at(-1)?.version ?? null) : null),
    select: (data) => data.pages.flatMap((page) => page.items),
  });
  return (
    <Panel title={t.identifiers.versions} flush>
      <Loaded query={versions}>
        {(items) => (
          <div className="insets" data-testid="versions">
            {items.map((one) => (
              <div key={one.version} className="inset" style={{ paddingInline: 16 }} data-version={one.version}>
                <div className="row spread wrap">
                  <span><b>{t.identifiers.version(one.version)}</b> · {t.identifiers.operations[one.operation]} <span className="quiet">· {person(one.who) || t.identifiers.nobody} · <span className="num">{f.time(one.at_ms)}</span></span>{one.reason && <span style={{ display: "block" }}>{one.reason}</span>}</span>
                  {writable && one.version !== current && one.operation !== "remove" && <Button size="small" onClick={() => { setRestoring(one); }}>{t.identifiers.restore}</Button>}
                </div>
                {one.changes.length > 0 && <details open={one.version === current}><summary className="small">{t.identifiers.fields} ({one.changes.length})</summary><Changes version={one} fields={fields} /></details>}
              </div>
            ))}
            {versions.hasNextPage && <div className="inset" style={{ textAlign: "center" }}><Button loading={versions.isFetchingNextPage} onClick={() => void versions.fetchNextPage()}>{t.identifiers.moreVersions}</Button></div>}
          </div>
        )}
      </Loaded>
      {restoring && <RestoreBox identifier={identifier} current={current} version={restoring.version} close={() => { setRestoring(null); }} />}
    </Panel>
  );
}

function Changes({ version, fields }: { version: IdentifierVersion; fields: Map<string, TemplateField> }): JSX.Element {
  const t = useText();
  const label = useFieldLabel();
  const own: Record<string, string> = { links: t.identifiers.links, template: t.identifiers.template };
  return (
    <table className="differences">
      <tbody>
        {version.changes.map((change) => {
          const field = fields.get(change.field);
          return (
            <tr key={change.field}>
              <th scope="row">{field ? label(field) : own[change.field] ?? change.field}</th>
              {change.withheld ? <td className="quiet" colSpan={2}>{t.identifiers.withheldChange}</td> : <>
                <td>{change.before !== null && change.before !== undefined && <del><FieldValue field={field} value={change.before} /></del>}</td>
                <td>{change.after !== null && change.after !== undefined && <ins><FieldValue field={field} value={change.after} /></ins>}</td>
              </>}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function RestoreBox({ identifier, current, version, close }: { identifier: string; current: number | null; version: number; close: () => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [reason, setReason] = useState("");
  const restore = useChange(
    () => request<IdentifierRecord>("POST", "/identifiers/record/restore", { query: { identifier }, body: { version, reason: reason.trim() }, ...(current !== null && { etag: `"${current}"` }) }),
    ["identifiers"], () => { void message.success(t.identifiers.restored); close(); },
  );
  return (
    <Modal open onCancel={close} title={`${t.identifiers.restore}: ${t.identifiers.version(version)}`} okText={t.identifiers.restore} cancelText={t.common.cancel} confirmLoading={restore.isPending} onOk={() => { restore.mutate(undefined); }}>
      <p className="quiet" style={{ marginBlockEnd: 12 }}>{t.identifiers.restoreText}</p>
      <Input.TextArea rows={2} maxLength={500} value={reason} placeholder={t.identifiers.reason} aria-label={t.identifiers.reason} onChange={(event) => { setReason(event.target.value); }} autoFocus />
    </Modal>
  );
}
