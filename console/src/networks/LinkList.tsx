import type { TableColumnsType } from "antd";
import type { JSX } from "react";

import type { SiteLink } from "../api/model";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Latencies, msOf, StateDot } from "./marks";

/** Whom the site talks to, and how good the way is. */
export function LinkList({ links }: { links: readonly SiteLink[] }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const loss = (l: SiteLink): string => (l.loss_pct === null ? "–" : `${f.number(l.loss_pct)} %`);
  const columns: TableColumnsType<SiteLink> = [
    { title: t.networks.peer, key: "peer", render: (_, l) => <><span className="num" style={{ fontWeight: 500 }}>{l.peer}</span>{l.names.length > 0 && <div className="small">{l.names.join(", ")}</div>}{l.mac && <div className="small faint num">{l.mac}</div>}</> },
    { title: t.networks.role, key: "role", render: (_, l) => <>{t.networks.roles[l.role]}<div className="small faint">IPv{l.family}{l.interface && ` · ${l.interface}`}</div></> },
    { title: t.networks.state, key: "state", render: (_, l) => <><StateDot state={l.state} words={t.networks.states} />{l.since_ms > 0 && <div className="small faint">{t.networks.since} {f.time(l.since_ms)}</div>}</> },
    { title: t.networks.latency, key: "latency", align: "right", render: (_, l) => <span className="num">{msOf(l.latency_ms, f.number)}</span> },
    { title: "", key: "recent", render: (_, l) => <Latencies link={l} label={`${t.networks.latency} ${l.peer}`} /> },
    { title: t.networks.jitter, key: "jitter", align: "right", render: (_, l) => <span className="num">{msOf(l.jitter_ms, f.number)}</span> },
    { title: t.networks.loss, key: "loss", align: "right", render: (_, l) => <span className="num">{loss(l)}</span> },
    { title: t.networks.by, key: "by", render: (_, l) => <span className="small quiet">{t.networks.methods[l.method]}</span> },
    { title: t.networks.what, key: "what", render: (_, l) => <span className="small">{l.protocols.join(", ") || "–"}</span> },
  ];
  return (
    <Listing
      inside items={links} columns={columns} rowKey={(l) => l.peer} size="small"
      card={(l) => (
        <div style={{ padding: 12 }}>
          <div className="row spread"><b className="num">{l.peer}</b><StateDot state={l.state} words={t.networks.states} /></div>
          <div className="small quiet">{t.networks.roles[l.role]}{l.names.length > 0 && ` · ${l.names.join(", ")}`}{l.protocols.length > 0 && ` · ${l.protocols.join(", ")}`}</div>
          <div className="row spread small"><span className="num">{t.networks.latency} {msOf(l.latency_ms, f.number)} · {t.networks.loss} {loss(l)}</span><Latencies link={l} label={`${t.networks.latency} ${l.peer}`} /></div>
        </div>
      )}
    />
  );
}
