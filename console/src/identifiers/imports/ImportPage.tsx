import { DownloadOutlined } from "@ant-design/icons";
import { Alert, App, Button, Progress, type TableColumnsType, Upload } from "antd";
import { type JSX, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { post, remove } from "../../api/client";
import type { ImportInfo, ImportSettings, RefusedRow } from "../../api/identifiers";
import { useChange, usePages, useResource } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { fileOf } from "../../codes/use";
import { useFormat, useText } from "../../i18n";
import { save } from "../../parts/files";
import { Listing } from "../../parts/Listing";
import { Loaded, Page, Panel } from "../../parts/Page";
import { useComplain } from "../../parts/Problem";
import { useNodeWords } from "../../i18n/node";
import { FILES, ImportTag } from "./ImportsPage";
import { MapPanel } from "./MapPanel";
import { sendFile, shareOf } from "./mapping";

const FOLLOW_MS = 1000;

/** One import: its columns are said, it is tried, registered, followed, and its refused rows are listed. */
export default function ImportPage(): JSX.Element {
  const { id } = useParams();
  const t = useText();
  const [busy, setBusy] = useState(true);
  const info = useResource<ImportInfo>(`/identifiers/imports/${id ?? ""}`, {}, { everyMs: busy ? FOLLOW_MS : 10_000 });
  const running = info.data?.state === "waiting" || info.data?.state === "running";
  if (info.data && running !== busy) setBusy(running);
  if (!info.data) return <Page title={t.imports.title}><Loaded query={info} rows={8}>{() => null}</Loaded></Page>;
  return <Import key={info.data.id} info={info.data} />;
}

function Import({ info }: { info: ImportInfo }): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const { modal } = App.useApp();
  const [again, setAgain] = useState(false);
  const path = `/identifiers/imports/${info.id}`;
  const start = useChange((settings: ImportSettings) => post<ImportInfo>(`${path}/start`, settings), ["identifiers"], () => { setAgain(false); });
  const cancel = useChange(() => post(`${path}/cancel`), ["identifiers"]);
  const drop = useChange(() => remove(path), ["identifiers"], () => void navigate("/identifiers/imports"));
  const running = info.state === "waiting" || info.state === "running";
  const dry = info.settings?.dry_run === true;
  // The same that the node lets begin: what is new, what was only tried, and what failed.
  const maps = info.state === "uploading" || again;
  const ask = (what: string, text: string, run: () => Promise<unknown>): void => { void modal.confirm({ title: what, content: text, okText: what, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => run().catch(() => undefined) }); };
  return (
    <Page
      title={info.file_name} lead={<ImportTag info={info} />} text={<Link to="/identifiers/imports">{t.imports.title}</Link>}
      actions={running ? <Button onClick={() => { ask(t.imports.cancel, t.imports.cancelText, () => cancel.mutateAsync(undefined)); }}>{t.imports.cancel}</Button> : <Button onClick={() => { ask(t.imports.remove, t.imports.removeText, () => drop.mutateAsync(undefined)); }}>{t.imports.remove}</Button>}
    >
      <div className="stack">
        {info.state === "uploading" && info.file_bytes === 0 ? <SendPanel info={info} /> : <>
          {info.state !== "uploading" && <Outcome info={info} />}
          {maps && <MapPanel info={info} busy={start.isPending} start={(settings) => { start.mutate(settings); }} />}
          {!maps && !running && (dry || info.state === "failed") && (
            <div className="row wrap">
              <Button onClick={() => { setAgain(true); }}>{t.imports.again}</Button>
              {dry && info.state === "done" && info.settings && <Button type="primary" loading={start.isPending} disabled={info.registered + info.changed === 0} onClick={() => { if (info.settings) start.mutate({ ...info.settings, dry_run: false }); }}>{t.imports.register}</Button>}
            </div>
          )}
          {!running && !dry && info.registered + info.changed > 0 && <div><Link to="/identifiers"><Button type="primary">{t.imports.toRecords}</Button></Link></div>}
          {info.state === "uploading" && <SendPanel info={info} />}
          {info.refused > 0 && <Refused key={`${info.started_ms ?? 0}`} info={info} />}
        </>}
      </div>
    </Page>
  );
}

/** Sends the file, or what is missing of it. */
function SendPanel({ info }: { info: ImportInfo }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { message } = App.useApp();
  const [sent, setSent] = useState(info.file_bytes);
  const send = useChange((file: File) => sendFile(info.id, file, info.file_bytes, setSent), ["identifiers"]);
  const take = (file: File): false => {
    if (file.name !== info.file_name || file.size < info.file_bytes) void message.error(t.imports.otherFile);
    else if (file.size > info.file_bytes) send.mutate(file);
    return false;
  };
  return (
    <div className="row wrap small quiet">
      <span>{send.isPending ? t.imports.sending(f.bytes(sent)) : `${t.imports.received(f.bytes(info.file_bytes))} ${t.imports.sendAgain}`}</span>
      <Upload accept={FILES} maxCount={1} showUploadList={false} beforeUpload={take}><Button size="small" loading={send.isPending}>{t.imports.choose}</Button></Upload>
    </div>
  );
}

function Outcome({ info }: { info: ImportInfo }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const dry = info.settings?.dry_run === true;
  const share = shareOf(info);
  const running = info.state === "waiting" || info.state === "running";
  const names = dry ? t.imports.would : t.imports;
  const ended = info.state === "done";
  return (
    <Panel>
      <div className="stack" data-testid="outcome">
        {running && <Progress percent={share === null ? 0 : Math.floor(share * 100)} status="active" aria-label={t.imports.rows} />}
        <div className="small quiet num">{info.total === null ? t.imports.rowsDone(f.number(info.rows)) : t.imports.ofRows(f.number(info.rows), f.number(info.total))}{info.started_ms !== null && info.ended_ms !== null && ` · ${t.imports.took(f.duration(info.ended_ms - info.started_ms))}`}</div>
        <div className="tiles" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(150px, 100%), 1fr))" }}>
          {(["registered", "changed", "unchanged", "refused"] as const).map((name) => <div key={name} className="tile" data-count={name}><div className="label">{names[name]}</div><div className="tile-value" style={name === "refused" && info.refused > 0 ? { color: "var(--warn)" } : {}}>{f.number(info[name])}</div></div>)}
        </div>
        {info.error && <Alert type="error" showIcon title={words.problem(info.error.code, info.error.message, info.error.hint ?? "").title} description={words.problem(info.error.code, info.error.message, info.error.hint ?? "").hint} />}
        {ended && info.refused === 0 && <Alert type="success" showIcon title={dry ? t.imports.triedAll : t.imports.allDone} />}
        {ended && info.refused > 0 && <Alert type="warning" showIcon title={t.imports.someRefused(f.number(info.refused))} />}
        {info.state === "cancelled" && !dry && <Alert type="info" showIcon title={t.imports.goOn} />}
      </div>
    </Panel>
  );
}

function Refused({ info }: { info: ImportInfo }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const zh = usePreferences().language === "zh";
  const complain = useComplain();
  const running = info.state === "waiting" || info.state === "running";
  const rows = usePages<RefusedRow>(`/identifiers/imports/${info.id}/refused`, { limit: 100 }, running ? { everyMs: 3000 } : {});
  const why = (one: RefusedRow): string => (zh && one.reason_zh) || one.reason;
  const columns: TableColumnsType<RefusedRow> = [
    { key: "line", title: t.imports.line, align: "right", width: 80, render: (_, one) => <span className="num">{f.number(one.line)}</span> },
    { key: "identifier", title: t.imports.identifier, render: (_, one) => <span className="mono small">{one.identifier ?? ""}</span> },
    { key: "cell", title: t.imports.cell, render: (_, one) => one.column || one.field || "" },
    { key: "reason", title: t.imports.reason, render: (_, one) => why(one) },
  ];
  const take = (): void => { fileOf(`/identifiers/imports/${info.id}/refused/file`).then((file) => { save(`refused-${info.file_name.replace(/\.\w+$/, "")}.csv`, file); }, complain); };
  return (
    <Panel title={t.imports.report} extra={<Button size="small" icon={<DownloadOutlined />} onClick={take}>{t.imports.reportFile}</Button>} flush>
      <Loaded query={rows}>
        {({ items }) => (
          <Listing
            inside size="small" items={items} columns={columns} rowKey={(one) => `${one.row}-${one.column ?? ""}-${one.field ?? ""}-${one.code}`}
            card={(one) => <div className="inset"><div className="row spread"><span className="mono small cut">{one.identifier ?? ""}</span><span className="small quiet num">{t.imports.line} {f.number(one.line)}</span></div><div>{(one.column ?? one.field) && <span className="quiet">{one.column || one.field}: </span>}{why(one)}</div></div>}
            more={rows.hasNextPage ? () => void rows.fetchNextPage() : null} loadingMore={rows.isFetchingNextPage}
          />
        )}
      </Loaded>
    </Panel>
  );
}
