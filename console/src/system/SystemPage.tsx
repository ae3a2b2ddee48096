import { Table, Tag } from "antd";
import type { JSX } from "react";

import type { Overview, RoleStats, SystemState } from "../api/model";
import { useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
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
            <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(248px, 1fr))" }}>{s.roles.map((role) => <RoleCard key={`${role.role}/${role.instance}`} role={role} />)}</div>
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
  if (system.problems.length === 0) return null;
  return (
    <Panel title={t.system.problems}>
      <div className="stack tight">
        {system.problems.map((p, i) => <div key={`${p.code}${i}`} className="notice" role="alert"><div className="row spread wrap"><b>{p.message}</b><span className="small faint num">{t.system.since} {f.time(p.since_ms)}</span></div>{p.hint && <div className="quiet">{p.hint}</div>}<div className="small mono faint">{p.code}</div></div>)}
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

const Figure = ({ name, value }: { name: string; value: string }): JSX.Element => <><dt className="mono small" style={{ lineHeight: "22px" }} title={name}>{name}</dt><dd className="num">{value}</dd></>;

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
  const overview = useResource<Overview>("/overview", {}, { everyMs: 5000 });
  return (
    <Panel title={t.system.disk}>
      <Loaded query={overview} rows={2}>
        {({ storage: s }) => {
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

function Settings({ system }: { system: SystemState }): JSX.Element {
  const t = useText();
  return (
    <Panel title={t.system.settings} flush>
      <Table size="small" pagination={false} rowKey="name" dataSource={system.settings} scroll={{ x: "max-content", y: 480 }} columns={[
        { title: t.system.setting, dataIndex: "name", render: (name: string, s) => <><span className="mono">{name}</span>{s.source && s.source !== "default" && <Tag style={{ marginInlineStart: 8 }}>{s.source}</Tag>}</> },
        { title: t.system.value, dataIndex: "value", render: (value: unknown) => <span className="mono">{typeof value === "string" ? value : JSON.stringify(value)}</span> },
        { title: "", dataIndex: "description", render: (text: string) => <span className="quiet" style={{ display: "block", maxWidth: 560, whiteSpace: "normal" }}>{text}</span> },
      ]} />
    </Panel>
  );
}
