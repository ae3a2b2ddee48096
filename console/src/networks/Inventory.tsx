import { Button, type TableColumnsType } from "antd";
import type { JSX } from "react";

import { post } from "../api/client";
import type { NetworkInterface, NetworkNeighbour, NetworkReport, SiteDetail, SiteNetwork, SpokenProtocol } from "../api/model";
import { useChange, useMay } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";

/** What is spoken with whom. */
export function Protocols({ report }: { report: NetworkReport }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const traffic = (p: SpokenProtocol): string => `↓ ${f.bytes(p.bytes_in)} ↑ ${f.bytes(p.bytes_out)}`;
  const how = (p: SpokenProtocol): string => `${p.transport}${p.port ? `/${p.port}` : ""}${p.family ? ` · IPv${p.family}` : ""}`;
  const columns: TableColumnsType<SpokenProtocol> = [
    { title: t.networks.protocol, key: "p", render: (_, p) => <><b>{p.protocol}</b><div className="small faint num">{how(p)}</div></> },
    { title: t.networks.peer, key: "peer", render: (_, p) => <span className="num">{p.peer}</span> },
    { title: t.networks.direction, key: "d", render: (_, p) => <>{t.networks.directions[p.direction]}<div className="small faint">{t.networks.sources[p.source]}</div></> },
    { title: t.networks.throughput, key: "b", align: "right", render: (_, p) => <span className="num">{traffic(p)}</span> },
  ];
  if (report.protocols.length === 0) return <div className="panel-body quiet">{t.networks.noProtocols}</div>;
  return <Listing inside size="small" items={report.protocols.slice(0, 200)} columns={columns} rowKey={(p) => [p.peer, p.protocol, p.port, p.direction, p.source].join(" ")} card={(p) => <div style={{ padding: 12 }}><div className="row spread"><b>{p.protocol}</b><span className="num">{p.peer}</span></div><div className="small quiet">{t.networks.directions[p.direction]} · {how(p)} · {traffic(p)}</div></div>} />;
}

export function Interfaces({ report }: { report: NetworkReport }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const state = (i: NetworkInterface): JSX.Element => <span className="mark"><i className={`dot ${i.up && i.carrier ? "ok" : "never"}`} />{i.up && i.carrier ? t.networks.up : t.networks.down}</span>;
  const speed = (i: NetworkInterface): string => [i.speed_mbps ? `${f.number(i.speed_mbps)} Mbit/s` : "", i.duplex ? t.networks[i.duplex] : "", `MTU ${f.number(i.mtu)}`].filter(Boolean).join(" · ");
  const rate = (bps: number | null): string => (bps === null ? "–" : `${f.number(Math.round(bps / 100) / 10)} kbit/s`);
  const errors = (i: NetworkInterface): string => `${f.number(i.rx_errors + i.tx_errors)}, ${f.number(i.rx_dropped + i.tx_dropped)}`;
  const addresses = (i: NetworkInterface): JSX.Element => <>{i.addresses.map((a) => <div key={a.address} className="num small">{a.address}/{a.prefix}</div>)}</>;
  const columns: TableColumnsType<NetworkInterface> = [
    { title: t.networks.interface, key: "n", render: (_, i) => <><b>{i.name}</b><div className="small faint num">{i.mac}</div></> },
    { title: t.networks.state, key: "s", render: (_, i) => state(i) },
    { title: t.networks.addresses, key: "a", render: (_, i) => addresses(i) },
    { title: t.networks.speed, key: "v", render: (_, i) => <span className="small">{speed(i)}</span> },
    { title: t.networks.throughput, key: "t", align: "right", render: (_, i) => <span className="num small">↓ {rate(i.rx_bps)}<br />↑ {rate(i.tx_bps)}</span> },
    { title: t.networks.errors, key: "e", align: "right", render: (_, i) => <span className="num">{errors(i)}</span> },
  ];
  const gateways = report.routes.filter((r) => r.prefix === 0);
  return (
    <>
      <Listing inside size="small" items={report.interfaces} columns={columns} rowKey={(i) => i.name} card={(i) => <div style={{ padding: 12 }}><div className="row spread"><b>{i.name}</b>{state(i)}</div>{addresses(i)}<div className="small quiet">{speed(i)}</div></div>} />
      <div className="panel-body small quiet">
        {gateways.map((r) => <div key={`${r.gateway}${r.interface}`} className="num">{r.family === 4 ? t.networks.way4 : t.networks.way6}: {r.gateway ? `${t.networks.via} ${r.gateway}` : t.networks.direct} ({r.interface})</div>)}
        {report.dns.length > 0 && <div className="num">{t.networks.dns}: {report.dns.join(", ")}</div>}
        {report.listening.length > 0 && <div className="num">{t.networks.listening}: {report.listening.map((l) => `${l.protocol} ${l.transport}/${l.port}`).filter((x, i, all) => all.indexOf(x) === i).join(", ")}</div>}
      </div>
    </>
  );
}

export function Neighbours({ site, report }: { site: SiteNetwork; report: NetworkReport }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const may = useMay("network:write");
  const know = useChange((body: { macs?: string[]; all?: boolean }) => post<SiteDetail>(`/networks/${site.id}/neighbours/known`, body), ["networks"]);
  const mark = (n: NetworkNeighbour): JSX.Element => (n.known === false ? <span style={{ color: "var(--high)" }}>{t.networks.unknown}</span> : <span className="quiet">{n.known ? t.networks.known : "–"}</span>);
  const button = (n: NetworkNeighbour): JSX.Element | null => (may && n.known === false ? <Button size="small" loading={know.isPending} onClick={() => { know.mutate({ macs: [n.mac] }); }}>{t.networks.belongs}</Button> : null);
  const columns: TableColumnsType<NetworkNeighbour> = [
    { title: t.networks.address, key: "a", render: (_, n) => <span className="num">{n.address}{n.router && <span className="small faint"> {t.networks.router}</span>}</span> },
    { title: "MAC", key: "m", render: (_, n) => <span className="num small">{n.mac || "–"}</span> },
    { title: t.networks.interface, key: "i", dataIndex: "interface" },
    { title: t.networks.state, key: "s", render: (_, n) => t.networks.neighbourStates[n.state] },
    { title: t.networks.first, key: "f", render: (_, n) => (n.first_ms ? f.time(n.first_ms) : "–") },
    { title: t.networks.known, key: "k", render: (_, n) => <span className="row">{mark(n)}{button(n)}</span> },
  ];
  if (report.neighbours.length === 0) return <div className="panel-body quiet">{t.networks.noNeighbours}</div>;
  return (
    <>
      {may && site.unknown_neighbours > 1 && <div className="panel-body" style={{ paddingBlockEnd: 0 }}><Button size="small" onClick={() => { know.mutate({ all: true }); }}>{t.networks.allBelong}</Button></div>}
      <Listing inside size="small" items={report.neighbours.slice(0, 500)} columns={columns} rowKey={(n) => `${n.address} ${n.interface}`} card={(n) => <div style={{ padding: 12 }}><div className="row spread"><b className="num">{n.address}</b>{mark(n)}</div><div className="row spread small quiet"><span className="num">{n.mac} · {n.interface}</span>{button(n)}</div></div>} />
    </>
  );
}
