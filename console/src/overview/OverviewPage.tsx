import { Button } from "antd";
import type { JSX } from "react";
import { Link } from "react-router";

import { type Alarm, type Overview, PRIORITIES, type SystemState } from "../api/model";
import { useList, useMay, useResource } from "../api/queries";
import { AlarmLine } from "../alarms/AlarmLine";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { PriorityMark } from "../parts/Marks";
import { Empty, Loaded, Page, Panel } from "../parts/Page";
import { Sparkline } from "../parts/Sparkline";

/** What is on and what is wrong, at one look. */
export default function OverviewPage(): JSX.Element {
  const t = useText();
  const overview = useResource<Overview>("/overview", {}, { everyMs: 2000 });
  return (
    <Page title={t.overview.title}>
      <Loaded query={overview} rows={10}>
        {(o) => (
          <div className="grid overview">
            {o.devices.total === 0 && <div className="whole"><Welcome /></div>}
            <div className="stack"><Alarms overview={o} />{o.rates && <Rates rates={o.rates} />}</div>
            <div className="stack"><Devices overview={o} />{o.rates && <Problems />}<Knocking overview={o} />{o.storage && <Storage storage={o.storage} />}</div>
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Welcome(): JSX.Element {
  const t = useText();
  const engineer = useMay("devices:write");
  return (
    <Panel><Empty title={t.overview.welcome} text={t.overview.welcomeText}>
      {engineer && <Link to="/devices?new=1"><Button type="primary" size="large">{t.devices.add}</Button></Link>}
    </Empty></Panel>
  );
}

function Alarms({ overview }: { overview: Overview }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const newest = useList<Alarm>("/alarms", { active: true, limit: 6 }, { everyMs: 5000 });
  const { active, unacknowledged, by_priority: counts } = overview.alarms;
  return (
    <Panel flush title={t.overview.alarms} extra={<Link to="/alarms">{t.overview.allAlarms}</Link>}>
      <div className="row wrap" style={{ gap: 24, padding: "12px 16px", borderBottom: "1px solid var(--line)" }}>
        <div className="figure" data-testid="active-alarms">{f.number(active)}<small>{[t.overview.active, unacknowledged > 0 && t.overview.unacknowledged(unacknowledged)].filter(Boolean).join(" · ")}</small></div>
        <div className="row wrap" style={{ gap: 16 }}>
          {PRIORITIES.map((p) => (
            <Link key={p} to={`/alarms?priority=${p}`} className="row num" style={{ color: "inherit", gap: 6, opacity: counts[p] ? 1 : 0.45 }}>
              <PriorityMark priority={p} hollow={!counts[p]} /> <b>{f.number(counts[p] ?? 0)}</b> <span className="quiet small">{t.alarms.priorities[p]}</span>
            </Link>
          ))}
        </div>
      </div>
      <Loaded query={newest}>
        {(alarms) => alarms.length ? <>{alarms.map((alarm) => <AlarmLine key={alarm.id} alarm={alarm} />)}</> : <Empty title={t.overview.calm} text={t.overview.calmText} />}
      </Loaded>
    </Panel>
  );
}

function Devices({ overview: { devices } }: { overview: Overview }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const line = (status: string, text: string, count: number, dot: string): JSX.Element => (
    <Link className="row spread" style={{ color: "inherit" }} to={`/devices?status=${status}`}><span className="mark"><i className={`dot ${dot}`} />{text}</span><b className="num">{f.number(count)}</b></Link>
  );
  return (
    <Panel title={t.overview.devices} extra={<Link to="/devices">{f.number(devices.total)}</Link>}>
      <div className="stack tight">
        {line("online", t.overview.online, devices.online, "on")}
        {line("offline", t.overview.offline, devices.offline, devices.offline ? "off" : "never")}
        {line("never", t.overview.neverSeen, devices.never, "never")}
      </div>
    </Panel>
  );
}

function Problems(): JSX.Element {
  const t = useText();
  const words = useNodeWords();
  const system = useResource<SystemState>("/system", {}, { everyMs: 5000 });
  const lost = system.data?.roles.filter((role) => role.state !== "running").length ?? 0;
  const problems = system.data?.problems ?? [];
  return (
    <Panel title={t.overview.problems} extra={<Link to="/system">{t.nav.system}</Link>}>
      <Loaded query={system} rows={2}>
        {() => problems.length + lost === 0
          ? <div><div className="mark"><i className="dot ok" />{t.overview.noProblems}</div><div className="quiet small" style={{ marginTop: 4 }}>{t.overview.noProblemsText}</div></div>
          : <div className="stack tight">
              {lost > 0 && <div className="mark"><i className="dot off" />{t.overview.lost(lost)}</div>}
              {problems.slice(0, 3).map((p) => { const said = words.problem(p.code, p.message, p.hint); return <div key={p.code + p.message} className="notice"><b>{said.title}</b><div className="quiet small">{said.hint}</div></div>; })}
            </div>}
      </Loaded>
    </Panel>
  );
}

function Rates({ rates }: { rates: NonNullable<Overview["rates"]> }): JSX.Element {
  const t = useText();
  const f = useFormat();
  return (
    <Panel title={t.overview.rates} extra={<span className="small faint">{t.overview.window}</span>}>
      <div className="grid two">
        <div><div className="figure">{f.rate(rates.points_per_s)}<small>{t.overview.points}</small></div><Sparkline times={rates.history.time_ms} values={rates.history.points_per_s} label={t.overview.points} format={f.rate} /></div>
        <div><div className="figure">{f.rate(rates.messages_per_s)}<small>{t.overview.messages}</small></div><Sparkline times={rates.history.time_ms} values={rates.history.messages_per_s} label={t.overview.messages} format={f.rate} /></div>
      </div>
    </Panel>
  );
}

function Knocking({ overview }: { overview: Overview }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const letters = overview.dead_letters.count;
  const arrivals = overview.arrivals.count;
  const line = (to: string, name: string, count: number | null, some: string, none: string): JSX.Element => (
    <Link to={to} style={{ color: "inherit" }}>
      <div className="row spread"><span>{name}</span><b className="num">{count === null ? "–" : f.number(count)}</b></div>
      <div className="small quiet">{count ? some : none}</div>
    </Link>
  );
  return (
    <Panel>
      <div className="stack tight">
        {line("/dead-letters", t.overview.deadLetters, letters, t.overview.deadLettersSome, t.overview.deadLettersNone)}
        {line("/devices?tab=arrivals", t.overview.arrivals, arrivals, t.overview.arrivalsSome, t.overview.arrivalsNone)}
      </div>
    </Panel>
  );
}

function Storage({ storage }: { storage: NonNullable<Overview["storage"]> }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const used = storage.disk_total_bytes ? 1 - storage.disk_free_bytes / storage.disk_total_bytes : 0;
  return (
    <Panel title={t.overview.storage}>
      <div className="figure">{storage.points === null ? "–" : f.compact(storage.points)}<small>{t.overview.stored}</small></div>
      <div className="small quiet" style={{ marginBottom: 8 }}>{storage.bytes === null ? "" : f.bytes(storage.bytes)}{storage.points && storage.bytes ? ` · ${t.overview.bytesPerPoint((storage.bytes / storage.points).toFixed(1))}` : ""}</div>
      <div className="bar"><i style={{ width: `${used * 100}%`, ...(used > 0.9 && { background: "var(--warn)" }) }} /></div>
      <div className="small quiet" style={{ marginTop: 6 }}>{t.overview.diskFree(f.bytes(storage.disk_free_bytes), f.bytes(storage.disk_total_bytes))}</div>
    </Panel>
  );
}
