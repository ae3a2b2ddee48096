import { DownloadOutlined } from "@ant-design/icons";
import { Alert, App, Button } from "antd";
import { type JSX, useState } from "react";

import { post, remove } from "../api/client";
import { useChange, usePages } from "../api/queries";
import { fileOf } from "../codes/use";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { save } from "../parts/files";
import { Loaded, Panel } from "../parts/Page";
import { useComplain } from "../parts/Problem";
import { type ExportRun, EXPORTS, isBusy, type ReadingExport } from "./exports";
import { RunTag } from "./ReadingExportsPage";

/** The runs of one export: run it, follow it, have its files. */
export function ExportRuns({ info, busy, gone }: { info: ReadingExport; busy: boolean; gone: () => void }): JSX.Element {
  const t = useText();
  const { modal } = App.useApp();
  const path = `${EXPORTS}/${info.id}`;
  const runs = usePages<ExportRun>(`${path}/runs`, { limit: 20 }, { everyMs: busy ? 1000 : 5000 });
  const run = useChange(() => post(`${path}/run`, {}), ["readings"]);
  const drop = useChange(() => remove(path).then(gone), ["readings"]);
  const ask = (): void => { void modal.confirm({ title: t.exports.remove, content: t.exports.removeText, okText: t.exports.remove, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(undefined).catch(() => undefined) }); };
  return (
    <Panel title={t.exports.runs} extra={<div className="row"><Button size="small" danger disabled={busy} onClick={ask}>{t.exports.remove}</Button><Button size="small" type="primary" disabled={busy} loading={run.isPending} onClick={() => { run.mutate(undefined); }}>{t.exports.run}</Button></div>} flush>
      <Loaded query={runs}>
        {({ items }) => (
          <div className="insets" data-testid="runs">
            {items.length === 0 && <div className="inset quiet">{t.exports.noRuns}</div>}
            {items.map((one) => <Run key={one.id} run={one} />)}
            {runs.hasNextPage && <div className="inset"><Button size="small" loading={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>{t.common.loadMore}</Button></div>}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Run({ run }: { run: ExportRun }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const complain = useComplain();
  const [taking, setTaking] = useState(false);
  const cancel = useChange(() => post(`${EXPORTS}/runs/${run.id}/cancel`, {}), ["readings"]);
  const said = run.error && words.problem(run.error.code, run.error.message, run.error.hint);
  const take = (): void => {
    setTaking(true);
    fileOf(`${EXPORTS}/runs/${run.id}/file`).then((file) => { save(run.file_name, file); }, complain).finally(() => { setTaking(false); });
  };
  return (
    <div className="inset">
      <div className="row spread wrap">
        <span className="row"><RunTag run={run} /><span className="small quiet">{t.exports.causes[run.cause]}</span><span className="small num">{run.from_ms !== null && run.to_ms !== null && `${f.time(run.from_ms)} – ${f.time(run.to_ms)}`}</span></span>
        {run.has_file && <Button size="small" icon={<DownloadOutlined />} loading={taking} onClick={take}>{t.exports.download}</Button>}
        {isBusy(run) && <Button size="small" loading={cancel.isPending} onClick={() => { cancel.mutate(undefined); }}>{t.exports.cancel}</Button>}
      </div>
      <div className="small quiet num">
        {t.exports.rowsOf} {f.number(run.readings)}{run.series_total !== null && ` · ${t.exports.made(f.number(run.series), f.number(run.series_total))}`}{run.file_bytes > 0 && ` · ${f.bytes(run.file_bytes)}`}{run.ended_ms !== null && ` · ${f.time(run.ended_ms)}`}
      </div>
      {run.sha256 && <div className="small faint mono cut" title={run.sha256}>{t.exports.digest} {run.sha256}</div>}
      {said && <Alert type="error" showIcon title={said.title} description={said.hint} />}
    </div>
  );
}
