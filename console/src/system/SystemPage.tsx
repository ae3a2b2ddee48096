import { Table, Tag } from "antd";
import type { JSX } from "react";

import type { Overview, RoleStats, SystemState } from "../api/model";
import { useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { Listing } from "../parts/Listing";
import { Loaded, Page, Panel } from "../parts/Page";
import { useNow } from "../parts/now";
import { Authority } from "./Authority";

/** The node from inside: its processes, streams, disk, problems and settings. */
export default function SystemPage(): JSX.Element {
  const t = useText();
  const system = useResource<SystemState>("/system", {}, { everyMs: 2000 });
  return (
    <Page title={t.system.title} text={system.data && `${t.brand.name} ${system.data.version}`} actions={<><a href="/metrics" target="_blank" rel="noreferrer">{t.system.metrics}</a><a href="/openapi.json" target="_blank" rel="noreferrer">{t.system.openapi}</a></>}>
      <Loaded query={system} rows={10}>
        {(s) => (
          <div className="stack">
            <Problems system={s} />
            <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(216px, 1fr))" }}>{s.roles.map((role) => <RoleCard key={`${role.role}/${role.instance}`} role={role} />)}</div>
            <div className="grid two"><Streams system={s} /><Disk /></div>
            <Authority />
            {s.settings.length > 0 && <Settings system={s} />}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Problems({ system }: { system: SystemState }): JSX.Element | null {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  if (system.problems.length === 0) return null;
  return (
    <Panel title={t.system.problems}>
      <div className="stack tight">
        {system.problems.map((p) => ({ ...p, said: words.problem(p.code, p.message, p.hint) })).map((p, i) => <div key={`${p.code}${i}`} className="notice" role="alert"><div className="row spread wrap"><b>{p.said.title}</b><span className="small faint num">{t.system.since} {f.time(p.since_ms)}</span></div>{p.said.hint && <div className="quiet">{p.said.hint}</div>}<div className="small mono faint">{p.code}</div></div>)}
      </div>
    </Panel>
  );
}

const RATES = ["messages_in", "messages_acked", "points_stored", "dead_letters", "requests"] as const;

function RoleCard({ role }: { role: RoleStats }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(1000);
  const running = role.state === "running";
  const uptime = now - role.started_ms;
  const rates = RATES.filter((name) => role.rates?.[name] !== undefined);
  const gauges = Object.entries(role.gauges).filter(([name]) => !name.includes(".")).slice(0, 8);
  return (
    <Panel
      title={t.system.roleNames[role.role] ?? role.role}
      extra={<span className="mark" style={running ? undefined : { color: "var(--warn)", fontWeight: 600 }}><i className={`dot ${running ? "ok" : "off"}`} />{t.system.states[role.state]}</span>}
    >
      <dl className="role-facts">
        <dt>{t.system.cpu}</dt><dd className="num">{role.cpu_percent === undefined ? "–" : f.percent(role.cpu_percent / 100)}</dd>
        <dt>{t.system.memory}</dt><dd className="num">{f.bytes(role.rss_bytes)}</dd>
        <dt>{t.system.uptime}</dt><dd className="num">{f.duration(uptime)}</dd>
        <dt>{t.system.process}</dt><dd className="num quiet">{role.pid}</dd>
        {rates.map((name) => <Figure key={name} name={name} value={`${f.rate(role.rates?.[name] ?? 0)}/s`} />)}
        {gauges.map(([name, value]) => <Figure key={name} name={name} value={name.endsWith("_ms") ? f.duration(value) : f.value(value)} />)}
      </dl>
    </Panel>
  );
}

function Figure({ name, value }: { name: string; value: string }): JSX.Element {
  const known = useText().system.figures[name];
  return <><dt {...(!known && { className: "mono small" })} title={name}>{known ?? name}</dt><dd className="num">{value}</dd></>;
}

function Streams({ system }: { system: SystemState }): JSX.Element {
  const t = useText();
  const f = useFormat();
  return (
    <Panel title={t.system.streams} flush>
      <Table size="small" pagination={false} rowKey="name" dataSource={system.streams} scroll={{ x: "max-content" }} columns={[
        { title: t.common.name, dataIndex: "name", render: (name: string) => <span className="mono">{name}</span> },
        { title: t.system.messages, dataIndex: "messages", align: "right", render: (n: number) => <span className="num">{f.number(n)}</span> },
        { title: t.system.size, dataIndex: "bytes", align: "right", render: (n: number) => <span className="num">{f.bytes(n)}</span> },
      ]} />
    </Panel>
  );
}

function Disk(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const overview = useResource<Overview>("/overview");
  return (
    <Panel title={t.system.disk}>
      <Loaded query={overview} rows={2}>
        {({ storage: s }) => {
          if (s === null) return null;
          const used = s.disk_total_bytes ? 1 - s.disk_free_bytes / s.disk_total_bytes : 0;
          return <>
            <div className="figure">{f.percent(1 - used)}<small>{t.overview.diskFree(f.bytes(s.disk_free_bytes), f.bytes(s.disk_total_bytes))}</small></div>
            <div className="bar" style={{ margin: "8px 0" }}><i style={{ width: `${used * 100}%`, ...(used > 0.9 && { background: "var(--warn)" }) }} /></div>
            <div className="quiet num">{s.points === null ? "–" : f.number(s.points)} {t.overview.stored}{s.bytes === null ? "" : ` · ${f.bytes(s.bytes)}`}</div>
          </>;
        }}
      </Loaded>
    </Panel>
  );
}

type Setting = SystemState["settings"][number];

function Settings({ system }: { system: SystemState }): JSX.Element {
  const t = useText();
  const words = useNodeWords();
  const origin = (s: Setting): JSX.Element | null => s.source === "default" ? null : <Tag style={{ margin: 0 }} title={s.source}>{s.source.startsWith("environment") ? t.system.fromEnvironment : t.system.fromFile}</Tag>;
  const value = (s: Setting): JSX.Element => <span className="mono" style={{ overflowWrap: "anywhere" }}>{typeof s.value === "string" ? s.value : JSON.stringify(s.value)}</span>;
  return (
    <Panel title={t.system.settings} flush>
      <div style={{ maxHeight: 520, overflow: "auto" }}><Listing
        items={system.settings} rowKey={(s) => s.name} size="small" inside columns={[
          { key: "name", title: t.system.setting, render: (_, s) => <span className="row"><span className="mono">{s.name}</span>{origin(s)}</span> },
          { key: "value", title: t.system.value, render: (_, s) => <div style={{ maxWidth: 280, whiteSpace: "normal" }}>{value(s)}</div> },
          { key: "text", title: t.system.meaning, render: (_, s) => <span className="quiet" style={{ display: "block", minWidth: 280, maxWidth: 560, whiteSpace: "normal" }}>{words.setting(s.name, s.description)}</span> },
        ]}
        card={(s) => <div className="inset"><div className="row spread"><span className="mono">{s.name}</span>{origin(s)}</div><div>{value(s)}</div><div className="small quiet">{words.setting(s.name, s.description)}</div></div>}
      /></div>
    </Panel>
  );
}
