import { Table, Tag } from "antd";
import type { JSX } from "react";
import { Link } from "react-router";

import type { Command, ConnectionHealth, Edge, FieldConnection } from "../api/model";
import { useList, useMay } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { StateMark } from "../connectors/StateMark";

/** Each part of what is desired of an edge: how much of it is in force there, and why the rest is not. */
export function Sections({ edge }: { edge: Edge }): JSX.Element | null {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const sections = edge.status?.sections ?? [];
  if (sections.length === 0) return null;
  return (
    <Table
      size="small" pagination={false} rowKey="name" dataSource={[...sections]}
      columns={[
        { key: "name", title: t.edges.section, render: (_, one) => t.edges.sections[one.name] ?? one.name },
        { key: "count", title: t.edges.inForce, align: "right", render: (_, one) => <span className="num" style={one.in_force < one.desired ? { color: "var(--warn)" } : {}}>{f.number(one.in_force)} / {f.number(one.desired)}</span> },
        { key: "why", title: t.edges.why, render: (_, one) => (one.refused ?? []).map((each) => {
          const said = words.problem(each.code, each.message, each.hint ?? "");
          return <div key={each.id} className="small" style={{ whiteSpace: "normal" }}><b>{each.what}</b> · {said.title}{said.hint && <div className="faint">{said.hint}</div>}</div>;
        }) },
      ]}
    />
  );
}

/** The connections that run at an edge. */
export function ConnectionsAt({ id }: { id: string }): JSX.Element | null {
  const t = useText();
  const f = useFormat();
  const may = useMay("connectors:read");
  const connections = useList<FieldConnection>("/connectors", {}, { everyMs: 5000, enabled: may });
  const health = useList<ConnectionHealth>("/connectors/health", {}, { everyMs: 3000, enabled: may });
  const there = (connections.data ?? []).filter((one) => one.edge_id === id);
  if (there.length === 0) return null;
  const byId = new Map((health.data ?? []).map((one) => [one.connection_id, one]));
  return (
    <section aria-label={t.edges.connections}>
      <h3>{t.edges.connections}</h3>
      {there.map((one) => (
        <div key={one.id} className="row spread small" style={{ padding: "4px 0" }}>
          <Link to={`/connectors?connection=${one.id}`}>{one.name}</Link>
          <span className="row"><span className="num quiet">{t.connectors.perSecond(f.rate(byId.get(one.id)?.samples_per_s ?? 0))}</span><StateMark connection={one} health={byId.get(one.id)} /></span>
        </div>
      ))}
    </section>
  );
}

/** The newest commands to devices at an edge. */
export function CommandsAt({ id }: { id: string }): JSX.Element | null {
  const t = useText();
  const f = useFormat();
  const may = useMay("commands:read");
  const commands = useList<Command>("/commands", { edge_id: id, limit: 10 }, { everyMs: 3000, enabled: may });
  const found = commands.data ?? [];
  if (found.length === 0) return null;
  return (
    <section aria-label={t.edges.commands}>
      <h3>{t.edges.commands}</h3>
      {found.map((one) => (
        <div key={one.id} className="row spread small" style={{ padding: "4px 0" }}>
          <span><Link to={`/devices/${one.device_id}`}>{one.device_name}</Link> {one.name}{one.kind === "write" && <span className="num"> = {String(one.value)}</span>}</span>
          <span className="row"><span className="faint">{f.time(one.asked_ms)}</span><Tag>{t.commands.states[one.state]}</Tag></span>
        </div>
      ))}
    </section>
  );
}
