import { Button, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";

import type { Drill, DrillKind, DrillPage } from "../../api/identifiers";
import { useMay, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded, Page, Panel } from "../../parts/Page";
import { Sparkline } from "../../parts/Sparkline";
import { DrillDrawer } from "./DrillDrawer";
import { RehearseBox } from "./RehearseBox";

const COLOURS: Record<Drill["state"], string> = { running: "processing", passed: "success", missed: "warning", failed: "error" };
export const KINDS: readonly DrillKind[] = ["failover", "restore"];

export function DrillTag({ drill }: { drill: Drill }): JSX.Element {
  const t = useText();
  return <Tag color={COLOURS[drill.state]} data-drill={drill.state}>{t.drills.states[drill.state]}</Tag>;
}

/** Drills of the register: the last of each kind beside its aims, how they went so far, and a rehearsal to start. */
export default function DrillsPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const runs = useMay("drills:run");
  const [asked, setAsked] = useState(false);
  const [openId, setOpenId] = useState<string | null>(null);
  const drills = useResource<DrillPage>("/identifiers/drills", { limit: 100 }, { everyMs: 2000 });
  const running = drills.data?.running ?? false;
  const seconds = (n: number | null | undefined): string => (n === null || n === undefined ? "—" : t.drills.seconds(f.number(Math.round(n * 100) / 100)));
  const start = runs && <Button type="primary" disabled={running} onClick={() => { setAsked(true); }}>{running ? t.drills.busy : t.drills.start}</Button>;
  const columns: TableColumnsType<Drill> = [
    { key: "kind", title: t.drills.kind, render: (_, one) => <button type="button" className="plain" style={{ fontWeight: 600 }} onClick={() => { setOpenId(one.id); }}>{t.drills.kinds[one.kind]}</button> },
    { key: "live", render: (_, one) => <span className="quiet">{one.live ? t.drills.live : t.drills.rehearsal}</span> },
    { key: "state", title: t.drills.state, render: (_, one) => <DrillTag drill={one} /> },
    { key: "rto", title: t.drills.rto, align: "right", render: (_, one) => <span className="num">{seconds(one.measured?.rto_s)}</span> },
    { key: "rpo", title: t.drills.rpo, align: "right", render: (_, one) => <span className="num">{typeof one.measured?.rpo_records === "number" ? t.drills.records(f.number(one.measured.rpo_records)) : "—"}</span> },
    { key: "begun", title: t.drills.at, render: (_, one) => <span className="num quiet">{f.time(one.begun_ms)}</span> },
  ];
  const open = drills.data?.items.find((one) => one.id === openId);
  return (
    <Page title={t.drills.title} text={t.drills.text} actions={start}>
      <Loaded query={drills}>
        {({ items }) => items.length === 0 ? <div className="panel"><Empty title={t.drills.empty} text={t.drills.emptyText}>{start}</Empty></div> : (
          <div className="stack">
            <div style={{ display: "grid", gap: 16, gridTemplateColumns: "repeat(auto-fit, minmax(min(340px, 100%), 1fr))" }}>
              {KINDS.map((kind) => <Last key={kind} kind={kind} drills={items.filter((one) => one.kind === kind)} open={setOpenId} seconds={seconds} />)}
            </div>
            <div>
              <h2 style={{ fontSize: 14, fontWeight: 600, margin: "4px 0 8px" }}>{t.drills.history}</h2>
              <Listing
                items={items} columns={columns} rowKey={(one) => one.id} onOpen={(one) => { setOpenId(one.id); }} more={null} loadingMore={false}
                card={(one) => <button type="button" className="card" onClick={() => { setOpenId(one.id); }}><span className="row spread"><b>{t.drills.kinds[one.kind]}</b><DrillTag drill={one} /></span><span className="small quiet num" style={{ display: "block" }}>{t.drills.rto} {seconds(one.measured?.rto_s)} · {f.time(one.begun_ms)}</span></button>}
              />
            </div>
            <Panel title={t.drills.how}>
              <pre className="mono small" style={{ margin: 0, overflowX: "auto" }}>{"millwright identifiers drill failover --rto-s 60 --rpo-records 1000\nmillwright identifiers drill restore --rto-s 300"}</pre>
              <p className="small quiet" style={{ marginBlock: "8px 0" }}>{t.drills.howText}</p>
            </Panel>
          </div>
        )}
      </Loaded>
      {asked && <RehearseBox close={() => { setAsked(false); }} begun={(drill) => { setAsked(false); setOpenId(drill.id); }} />}
      {open && <DrillDrawer drill={open} close={() => { setOpenId(null); }} />}
    </Page>
  );
}

function Last({ kind, drills, open, seconds }: { kind: DrillKind; drills: Drill[]; open: (id: string) => void; seconds: (n: number | null | undefined) => string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const last = drills.find((one) => one.state !== "running");
  const measured = drills.filter((one) => typeof one.measured?.rto_s === "number").slice(0, 30).reverse();
  if (!last) return <Panel title={t.drills.last[kind]}><b>{t.drills.never}</b><p className="small quiet" style={{ margin: 0 }}>{t.drills.neverText}</p></Panel>;
  const records = last.measured?.rpo_records;
  return (
    <Panel title={t.drills.last[kind]} extra={<DrillTag drill={last} />}>
      <div className="row wrap" style={{ gap: 32, alignItems: "flex-start" }}>
        <Figure label={t.drills.rto} value={seconds(last.measured?.rto_s)} aim={t.drills.aim(seconds(last.aims.rto_s))} bad={last.missed?.includes("rto") ?? false} />
        <Figure label={t.drills.rpo} value={typeof records === "number" ? t.drills.records(f.number(records)) : "—"} aim={t.drills.aim(t.drills.records(f.number(last.aims.rpo_records ?? 0)))} bad={last.missed?.includes("rpo") ?? false} />
      </div>
      {measured.length > 1 && <div style={{ marginBlockStart: 12 }}><div className="small quiet">{t.drills.trend}</div><Sparkline height={64} times={measured.map((one) => one.begun_ms)} values={measured.map((one) => one.measured?.rto_s ?? null)} label={t.drills.trend} format={(value) => seconds(value)} /></div>}
      <div className="row spread small" style={{ marginBlockStart: 12 }}><span className="quiet num">{f.time(last.begun_ms)}</span><button type="button" className="plain" onClick={() => { open(last.id); }}>{t.drills.steps}</button></div>
    </Panel>
  );
}

function Figure({ label, value, aim, bad }: { label: string; value: string; aim: string; bad: boolean }): JSX.Element {
  return (
    <div>
      <div className="small quiet">{label}</div>
      <div className="num" style={{ fontSize: 22, lineHeight: "30px", fontWeight: 600, ...(bad && { color: "var(--warn)" }) }}>{value}</div>
      <div className="small faint num">{aim}</div>
    </div>
  );
}
