import { type TableColumnsType, Tag } from "antd";
import type { JSX } from "react";

import type { VehicleForward } from "../api/model";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { Listing } from "../parts/Listing";
import { Empty } from "../parts/Page";

/** Public platforms that this node forwards to. */
export function Forwards({ targets }: { targets: readonly VehicleForward[] }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const state = (one: VehicleForward): JSX.Element => {
    const said = one.code ? words.problem(one.code, one.message, one.hint) : null;
    return (
      <div style={{ whiteSpace: "normal", maxWidth: 420 }}>
        <span className="mark" data-forward={one.connected ? "up" : "down"}><i className={`dot ${one.connected ? "on" : "off"}`} />{one.connected ? t.vehicles.up : one.code ? t.vehicles.down : t.vehicles.trying}</span>
        {one.connected && one.since_ms !== null && <div className="small quiet">{t.vehicles.since(f.time(one.since_ms))}</div>}
        {said && <div><div>{said.title}</div><div className="small quiet">{said.hint}</div></div>}
      </div>
    );
  };
  const counts = (one: VehicleForward): string => [`${t.vehicles.forwarded} ${f.number(one.forwarded)}`, `${t.vehicles.reissued} ${f.number(one.reissued)}`, `${t.vehicles.givenUp} ${f.number(one.given_up)}`].join(" · ");
  const lock = (one: VehicleForward): JSX.Element => <Tag {...(one.secured ? {} : { color: "warning" })}>{one.secured ? t.vehicles.secured : t.vehicles.plain}</Tag>;
  const columns: TableColumnsType<VehicleForward> = [
    { key: "name", title: t.vehicles.name, render: (_, one) => <span className="row wrap"><span className="mono">{one.name}</span>{lock(one)}</span> },
    { key: "state", title: t.vehicles.link, render: (_, one) => state(one) },
    { key: "forwarded", title: t.vehicles.forwarded, align: "right", render: (_, one) => <span className="num">{f.number(one.forwarded)}</span> },
    { key: "reissued", title: t.vehicles.reissued, align: "right", render: (_, one) => <span className="num">{f.number(one.reissued)}</span> },
    { key: "given", title: t.vehicles.givenUp, align: "right", render: (_, one) => <span className="num" style={one.given_up > 0 ? { color: "var(--warn)" } : {}}>{f.number(one.given_up)}</span> },
  ];
  if (targets.length === 0) return <div className="panel"><Empty title={t.vehicles.noForwards} text={t.vehicles.noForwardsText} /></div>;
  return (
    <Listing
      items={targets} columns={columns} rowKey={(one) => one.name}
      card={(one) => <div className="card" style={{ cursor: "default" }}><div className="row wrap"><b className="mono" style={{ wordBreak: "break-all" }}>{one.name}</b>{lock(one)}</div>{state(one)}<div className="small quiet num">{counts(one)}</div></div>}
    />
  );
}

/** How many messages were refused since the role started, and what to do about each reason. */
export function Refusals({ counts }: { counts: Readonly<Record<string, number>> }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const rows = Object.entries(counts).map(([reason, count]) => ({ reason, count })).filter((one) => one.count > 0).sort((a, b) => b.count - a.count);
  const said = (reason: string): readonly [string, string] => t.vehicles.refused[reason] ?? [reason.replaceAll("_", " "), ""];
  if (rows.length === 0) return <div className="panel"><Empty title={t.vehicles.noRefusals} text={t.vehicles.noRefusalsText} /></div>;
  return (
    <Listing
      items={rows} rowKey={(one) => one.reason}
      columns={[
        { key: "reason", title: t.vehicles.reason, render: (_, one) => <div style={{ whiteSpace: "normal" }}><div>{said(one.reason)[0]}</div><div className="small quiet">{said(one.reason)[1]}</div></div> },
        { key: "count", title: t.vehicles.count, align: "right", width: 140, render: (_, one) => <span className="num">{f.number(one.count)}</span> },
      ]}
      card={(one) => <div className="card" style={{ cursor: "default" }}><div className="row spread"><b>{said(one.reason)[0]}</b><span className="num">{f.number(one.count)}</span></div><div className="small quiet">{said(one.reason)[1]}</div></div>}
    />
  );
}
