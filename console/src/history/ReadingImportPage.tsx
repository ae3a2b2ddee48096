import { DownloadOutlined } from "@ant-design/icons";
import { Alert, App, Button, Progress, type TableColumnsType } from "antd";
import { type JSX, useEffect, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { post, remove } from "../api/client";
import { useChange, usePages, useResource } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { fileOf } from "../codes/use";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { save } from "../parts/files";
import { Listing } from "../parts/Listing";
import { Loaded, Page, Panel } from "../parts/Page";
import { useComplain } from "../parts/Problem";
import { isUnderWay, PATH, type ReadingImport, type ReadingPreview, type RefusedReading, type Settings, shareOf } from "./imports";
import { ImportTag } from "./ReadingImportsPage";
import { SettingsPanel } from "./SettingsPanel";

const FOLLOW_MS = 1000;

/** One file of readings: its columns are said, it is tried, brought in, followed, and its refused rows are listed. */
export default function ReadingImportPage(): JSX.Element {
  const { id } = useParams();
  const t = useText();
  const [busy, setBusy] = useState(true);
  const info = useResource<ReadingImport>(`${PATH}/${id ?? ""}`, {}, { everyMs: busy ? FOLLOW_MS : 10_000 });
  const running = info.data !== undefined && isUnderWay(info.data);
  if (info.data && running !== busy) setBusy(running);
  if (!info.data) return <Page title={t.history.title}><Loaded query={info} rows={8}>{() => null}</Loaded></Page>;
  return <Import key={info.data.id} info={info.data} />;
}

function Import({ info }: { info: ReadingImport }): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const { modal } = App.useApp();
  const [again, setAgain] = useState(false);
  const [preview, setPreview] = useState<ReadingPreview | null>(null);
  const path = `${PATH}/${info.id}`;
  const look = useChange((settings: Settings | null) => post<ReadingPreview>(`${path}/preview`, { settings }), [], setPreview);
  const start = useChange((settings: Settings) => post<ReadingImport>(`${path}/start`, settings), ["readings"], () => { setAgain(false); });
  const act = useChange((what: string) => post(`${path}/${what}`, {}), ["readings"]);
  const drop = useChange(() => remove(path), ["readings"], () => void navigate("/readings/imports"));
  const running = isUnderWay(info);
  const dry = info.settings?.dry_run === true;
  const maps = info.state === "uploading" || again;
  const first = look.mutate;
  useEffect(() => { if (maps) first(null); }, [maps, first]);
  const ask = (what: string, text: string, run: () => Promise<unknown>): void => { void modal.confirm({ title: what, content: text, okText: what, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => run().catch(() => undefined) }); };
  const cancel = <Button onClick={() => { ask(t.history.cancel, t.history.cancelText, () => act.mutateAsync("cancel")); }}>{t.history.cancel}</Button>;
  return (
    <Page
      title={info.file_name} lead={<ImportTag info={info} />} text={<Link to="/readings/imports">{t.history.title}</Link>}
      actions={running ? <><Button onClick={() => { act.mutate("pause"); }}>{t.history.pause}</Button>{cancel}</>
        : info.state === "paused" ? <><Button type="primary" onClick={() => { act.mutate("resume"); }}>{t.history.resume}</Button>{cancel}</>
        : <Button onClick={() => { ask(t.history.remove, t.history.removeText, () => drop.mutateAsync(undefined)); }}>{t.history.remove}</Button>}
    >
      <div className="stack">
        {info.state !== "uploading" && <Outcome info={info} />}
        {maps && preview && <SettingsPanel info={info} preview={preview} busy={start.isPending} look={(settings) => { look.mutate(settings); }} start={(settings) => { start.mutate(settings); }} />}
        {!maps && !running && (dry || info.state === "failed") && (
          <div className="row wrap">
            <Button onClick={() => { setAgain(true); }}>{t.history.again}</Button>
            {dry && info.state === "done" && info.settings && <Button type="primary" loading={start.isPending} disabled={info.readings === 0} onClick={() => { start.mutate({ ...(info.settings as Settings), dry_run: false }); }}>{t.history.start}</Button>}
          </div>
        )}
        {info.refused > 0 && <Refused key={`${info.started_ms ?? 0}`} info={info} />}
      </div>
    </Page>
  );
}

function Outcome({ info }: { info: ReadingImport }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const dry = info.settings?.dry_run === true;
  const share = shareOf(info);
  const said = info.error && words.problem(info.error.code, info.error.message, info.error.hint);
  const tiles = [["readings", dry ? t.history.wouldStore : t.history.stored, info.readings], ["refused", t.history.refused, info.refused]] as const;
  return (
    <Panel>
      <div className="stack" data-testid="outcome">
        {(isUnderWay(info) || info.state === "paused") && <Progress percent={share === null ? 0 : Math.floor(share * 100)} status={info.state === "paused" ? "normal" : "active"} aria-label={t.history.rows} />}
        <div className="small quiet num">{info.total === null ? t.history.rowsDone(f.number(info.rows)) : t.history.ofRows(f.number(info.rows), f.number(info.total))}{info.started_ms !== null && info.ended_ms !== null && ` · ${t.history.took(f.duration(info.ended_ms - info.started_ms))}`}</div>
        <div className="tiles" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(150px, 100%), 1fr))" }}>
          {tiles.map(([name, label, count]) => <div key={name} className="tile" data-count={name}><div className="label">{label}</div><div className="tile-value" style={name === "refused" && count > 0 ? { color: "var(--warn)" } : {}}>{f.number(count)}</div></div>)}
        </div>
        {said && <Alert type="error" showIcon title={said.title} description={said.hint} />}
        {info.state === "done" && info.refused === 0 && <Alert type="success" showIcon title={dry ? t.history.triedAll : t.history.allDone} />}
        {info.state === "done" && info.refused > 0 && <Alert type="warning" showIcon title={t.history.someRefused(f.number(info.refused))} />}
      </div>
    </Panel>
  );
}

function Refused({ info }: { info: ReadingImport }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const zh = usePreferences().language === "zh";
  const complain = useComplain();
  const rows = usePages<RefusedReading>(`${PATH}/${info.id}/refused`, { limit: 100 }, isUnderWay(info) ? { everyMs: 3000 } : {});
  const { refetch } = rows;
  useEffect(() => { void refetch(); }, [refetch, info.state]); // the list of the run before, or of its middle, may be held
  const why = (one: RefusedReading): string => (zh && one.reason_zh) || one.reason;
  const columns: TableColumnsType<RefusedReading> = [
    { key: "row", title: t.history.row, align: "right", width: 90, render: (_, one) => <span className="num">{f.number(one.row)}</span> },
    { key: "column", title: t.history.column, render: (_, one) => one.column ?? "" },
    { key: "cell", title: t.history.cell, render: (_, one) => <span className="mono small">{one.cell ?? ""}</span> },
    { key: "reason", title: t.history.reason, render: (_, one) => why(one) },
  ];
  const take = (): void => { fileOf(`${PATH}/${info.id}/refused/file`).then((file) => { save(`refused-${info.file_name.replace(/\.\w+$/, "")}.csv`, file); }, complain); };
  return (
    <Panel title={t.history.report} extra={<Button size="small" icon={<DownloadOutlined />} onClick={take}>{t.history.reportFile}</Button>} flush>
      <Loaded query={rows}>
        {({ items }) => (
          <Listing
            inside size="small" items={items} columns={columns} rowKey={(one) => `${one.row}-${one.column ?? ""}-${one.code}`}
            card={(one) => <div className="inset"><div className="row spread"><span className="mono small cut">{one.cell ?? ""}</span><span className="small quiet num">{t.history.row} {f.number(one.row)}</span></div><div>{one.column && <span className="quiet">{one.column}: </span>}{why(one)}</div></div>}
            more={rows.hasNextPage ? () => void rows.fetchNextPage() : null} loadingMore={rows.isFetchingNextPage}
          />
        )}
      </Loaded>
    </Panel>
  );
}
