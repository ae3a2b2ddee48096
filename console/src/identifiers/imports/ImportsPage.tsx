import { InboxOutlined } from "@ant-design/icons";
import { Progress, type TableColumnsType, Tag, Upload } from "antd";
import { type JSX, useState } from "react";
import { Link, useNavigate } from "react-router";

import { post } from "../../api/client";
import type { ImportInfo, ImportState } from "../../api/identifiers";
import { useChange, usePages } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded, Page } from "../../parts/Page";
import { sendFile } from "./mapping";

export const FILES = ".csv,.txt,.xlsx,.arrow,.parquet";
const COLOURS: Partial<Record<ImportState, string>> = { waiting: "processing", running: "processing", done: "success", failed: "error", cancelled: "warning" };

export function ImportTag({ info }: { info: ImportInfo }): JSX.Element {
  const t = useText();
  const colour = COLOURS[info.state];
  return <span><Tag {...(colour && { color: colour })} data-import={info.state}>{t.imports.states[info.state]}</Tag>{info.settings?.dry_run && <Tag>{t.imports.tried}</Tag>}</span>;
}

/** Imports of identifiers, and where a new one begins. */
export default function ImportsPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const navigate = useNavigate();
  const imports = usePages<ImportInfo>("/identifiers/imports", { limit: 50 }, { everyMs: 5000 });
  const [sent, setSent] = useState<{ bytes: number; of: number } | null>(null);
  const begin = useChange(async (file: File) => {
    const made = await post<ImportInfo>("/identifiers/imports", { file_name: file.name });
    setSent({ bytes: 0, of: file.size });
    // What breaks off goes on from the import's own page.
    await sendFile(made.id, file, 0, (bytes) => { setSent({ bytes, of: file.size }); }).catch(() => null);
    return made;
  }, ["identifiers"], (made) => { setSent(null); void navigate(`/identifiers/imports/${made.id}`); });
  const open = (one: ImportInfo): void => { void navigate(`/identifiers/imports/${one.id}`); };
  const columns: TableColumnsType<ImportInfo> = [
    { key: "file", title: t.imports.file, render: (_, one) => <button type="button" className="plain" style={{ fontWeight: 600 }} onClick={() => { open(one); }}>{one.file_name}</button> },
    { key: "state", title: t.imports.state, render: (_, one) => <ImportTag info={one} /> },
    { key: "rows", title: t.imports.rows, align: "right", render: (_, one) => <span className="num">{f.number(one.rows)}</span> },
    { key: "registered", title: t.imports.registered, align: "right", render: (_, one) => <span className="num">{f.number(one.registered + one.changed)}</span> },
    { key: "refused", title: t.imports.refused, align: "right", render: (_, one) => <span className="num">{f.number(one.refused)}</span> },
    { key: "who", title: t.imports.who, render: (_, one) => one.who_name },
    { key: "begun", title: t.imports.begun, render: (_, one) => <span className="num quiet">{f.time(one.created_ms)}</span> },
  ];
  return (
    <Page title={t.imports.title} text={<><Link to="/identifiers">{t.identifiers.title}</Link> · {t.imports.text}</>}>
      <div className="stack">
        <Upload.Dragger accept={FILES} maxCount={1} showUploadList={false} disabled={begin.isPending} beforeUpload={(file) => { begin.mutate(file); return false; }}>
          <p><InboxOutlined style={{ fontSize: 32, color: "var(--quiet)" }} /></p>
          <p>{sent ? t.imports.sending(`${f.bytes(sent.bytes)} / ${f.bytes(sent.of)}`) : t.imports.choose}</p>
          {sent && <Progress percent={Math.round((sent.bytes / Math.max(1, sent.of)) * 100)} style={{ maxWidth: 320, margin: "0 auto" }} />}
        </Upload.Dragger>
        <Loaded query={imports}>
          {({ items }) => items.length === 0 ? <div className="panel"><Empty title={t.imports.empty} text={t.imports.emptyText} /></div> : (
            <Listing
              items={items} columns={columns} rowKey={(one) => one.id} onOpen={open}
              card={(one) => <button type="button" className="card" onClick={() => { open(one); }}><span className="row spread"><b className="cut">{one.file_name}</b><ImportTag info={one} /></span><span className="small quiet num" style={{ display: "block" }}>{t.imports.rowsDone(f.number(one.rows))} · {t.imports.refused} {f.number(one.refused)} · {f.time(one.created_ms)}</span></button>}
              more={imports.hasNextPage ? () => void imports.fetchNextPage() : null} loadingMore={imports.isFetchingNextPage}
            />
          )}
        </Loaded>
      </div>
    </Page>
  );
}
