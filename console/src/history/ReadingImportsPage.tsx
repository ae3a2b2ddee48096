import { InboxOutlined } from "@ant-design/icons";
import { Progress, type TableColumnsType, Tag, Upload } from "antd";
import { type JSX, useState } from "react";
import { Link, useNavigate } from "react-router";

import { post } from "../api/client";
import { useChange, usePages } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page } from "../parts/Page";
import { FILES, PATH, type ReadingImport, sendFile } from "./imports";

const COLOURS: Record<string, string> = { waiting: "processing", running: "processing", done: "success", failed: "error", cancelled: "warning", paused: "warning" };

export function ImportTag({ info }: { info: ReadingImport }): JSX.Element {
  const t = useText();
  const colour = COLOURS[info.state];
  return <span><Tag {...(colour && { color: colour })} data-import={info.state}>{t.history.states[info.state]}</Tag>{info.settings?.dry_run && <Tag>{t.history.tried}</Tag>}</span>;
}

/** Files of readings that were brought in, and where a new one begins. */
export default function ReadingImportsPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const navigate = useNavigate();
  const imports = usePages<ReadingImport>(PATH, { limit: 50 }, { everyMs: 5000 });
  const [sent, setSent] = useState<{ bytes: number; of: number } | null>(null);
  const begin = useChange(async (file: File) => {
    const made = await post<ReadingImport>(PATH, { file_name: file.name });
    setSent({ bytes: 0, of: file.size });
    await sendFile(made.id, file, 0, (bytes) => { setSent({ bytes, of: file.size }); });
    return made;
  }, ["readings"], (made) => { setSent(null); void navigate(`/readings/imports/${made.id}`); });
  const open = (one: ReadingImport): void => { void navigate(`/readings/imports/${one.id}`); };
  const columns: TableColumnsType<ReadingImport> = [
    { key: "file", title: t.history.file, render: (_, one) => <button type="button" className="plain" style={{ fontWeight: 600 }} onClick={() => { open(one); }}>{one.file_name}</button> },
    { key: "state", title: t.history.state, render: (_, one) => <ImportTag info={one} /> },
    { key: "rows", title: t.history.rows, align: "right", render: (_, one) => <span className="num">{f.number(one.rows)}</span> },
    { key: "readings", title: t.history.readings, align: "right", render: (_, one) => <span className="num">{f.number(one.readings)}</span> },
    { key: "refused", title: t.history.refused, align: "right", render: (_, one) => <span className="num">{f.number(one.refused)}</span> },
    { key: "who", title: t.history.who, render: (_, one) => one.who_name },
    { key: "begun", title: t.history.begun, render: (_, one) => <span className="num quiet">{f.time(one.created_ms)}</span> },
  ];
  return (
    <Page title={t.history.title} text={<><Link to="/devices">{t.devices.title}</Link> · {t.history.text}</>}>
      <div className="stack">
        <Upload.Dragger accept={FILES} maxCount={1} showUploadList={false} disabled={begin.isPending} beforeUpload={(file) => { begin.mutate(file); return false; }}>
          <p><InboxOutlined style={{ fontSize: 32, color: "var(--quiet)" }} /></p>
          <p>{sent ? t.history.sending(`${f.bytes(sent.bytes)} / ${f.bytes(sent.of)}`) : t.history.choose}</p>
          {sent && <Progress percent={Math.round((sent.bytes / Math.max(1, sent.of)) * 100)} style={{ maxWidth: 320, margin: "0 auto" }} />}
        </Upload.Dragger>
        <Loaded query={imports}>
          {({ items }) => items.length === 0 ? <div className="panel"><Empty title={t.history.empty} text={t.history.emptyText} /></div> : (
            <Listing
              items={items} columns={columns} rowKey={(one) => one.id} onOpen={open}
              card={(one) => <button type="button" className="card" onClick={() => { open(one); }}><span className="row spread"><b className="cut">{one.file_name}</b><ImportTag info={one} /></span><span className="small quiet num" style={{ display: "block" }}>{t.history.rowsDone(f.number(one.rows))} · {t.history.refused} {f.number(one.refused)} · {f.time(one.created_ms)}</span></button>}
              more={imports.hasNextPage ? () => void imports.fetchNextPage() : null} loadingMore={imports.isFetchingNextPage}
            />
          )}
        </Loaded>
      </div>
    </Page>
  );
}
