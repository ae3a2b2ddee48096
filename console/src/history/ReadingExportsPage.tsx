import { PlusOutlined } from "@ant-design/icons";
import { Button, Drawer, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { usePages } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { ExportForm } from "./ExportForm";
import { ExportRuns } from "./ExportRuns";
import { type ExportRun, EXPORTS, isBusy, type ReadingExport } from "./exports";

const COLOURS: Record<string, string> = { waiting: "processing", running: "processing", done: "success", failed: "error", cancelled: "warning" };

export function RunTag({ run }: { run: ExportRun }): JSX.Element {
  const t = useText();
  const colour = COLOURS[run.state];
  return <Tag {...(colour && { color: colour })} data-run={run.state}>{t.exports.states[run.state]}</Tag>;
}

/** Exports of history: what each makes and when; one is opened for its runs, their files, and its settings. */
export default function ReadingExportsPage(): JSX.Element {
  const { id } = useParams();
  const t = useText();
  const f = useFormat();
  const phone = usePhone();
  const navigate = useNavigate();
  const [adding, setAdding] = useState(false);
  const exports_ = usePages<ReadingExport>(EXPORTS, { limit: 100 }, { everyMs: 3000 });
  const open = (one: ReadingExport): void => { void navigate(`/readings/exports/${one.id}`); };
  const chosen = exports_.data?.items.find((one) => one.id === id);
  const close = (): void => { setAdding(false); void navigate("/readings/exports"); };
  const next = (one: ReadingExport): string => !one.enabled ? t.exports.off : one.next_ms === null ? t.exports.byHand : f.time(one.next_ms);
  const columns: TableColumnsType<ReadingExport> = [
    { key: "name", title: t.exports.name, render: (_, one) => <button type="button" className="plain" style={{ fontWeight: 600 }} onClick={() => { open(one); }}>{one.name}</button> },
    { key: "when", title: t.exports.when, render: (_, one) => t.exports.whens[one.settings.schedule?.every ?? "hand"] },
    { key: "window", title: t.exports.window, render: (_, one) => t.exports.windows[one.settings.window?.kind === "previous" ? one.settings.window.unit ?? "day" : one.settings.window?.kind ?? "day"] },
    { key: "format", title: t.exports.format, render: (_, one) => t.exports.formats[one.settings.format ?? "csv"] },
    { key: "next", title: t.exports.next, render: (_, one) => <span className="num quiet">{next(one)}</span> },
    { key: "last", title: t.exports.last, render: (_, one) => one.last_run && <span className="row"><RunTag run={one.last_run} /><span className="num quiet">{f.time(one.last_run.ended_ms ?? one.last_run.created_ms)}</span></span> },
    { key: "owner", title: t.exports.owner, render: (_, one) => one.who_name },
  ];
  return (
    <Page title={t.exports.title} text={<><Link to="/devices">{t.devices.title}</Link> · {t.exports.text}</>} actions={<Button type="primary" icon={<PlusOutlined />} onClick={() => { setAdding(true); }}>{t.exports.add}</Button>}>
      <Loaded query={exports_}>
        {({ items }) => items.length === 0 ? <div className="panel"><Empty title={t.exports.empty} text={t.exports.emptyText} /></div> : (
          <Listing
            items={items} columns={columns} rowKey={(one) => one.id} onOpen={open}
            card={(one) => <button type="button" className="card" onClick={() => { open(one); }}><span className="row spread"><b className="cut">{one.name}</b>{one.last_run && <RunTag run={one.last_run} />}</span><span className="small quiet" style={{ display: "block" }}>{t.exports.whens[one.settings.schedule?.every ?? "hand"]} · {t.exports.formats[one.settings.format ?? "csv"]} · {next(one)}</span></button>}
            more={exports_.hasNextPage ? () => void exports_.fetchNextPage() : null} loadingMore={exports_.isFetchingNextPage}
          />
        )}
      </Loaded>
      <Drawer open={adding || chosen !== undefined} onClose={close} title={chosen?.name ?? t.exports.add} size={phone ? "100%" : 720} destroyOnHidden>
        {chosen && <ExportRuns key={chosen.id} info={chosen} busy={isBusy(chosen.last_run)} gone={close} />}
        {(adding || chosen) && <ExportForm key={`${chosen?.id ?? "new"}-${chosen?.changed_ms ?? 0}`} info={chosen ?? null} saved={(one) => { setAdding(false); open(one); }} />}
      </Drawer>
    </Page>
  );
}
