import { Button, Segmented, type TableColumnsType } from "antd";
import type { JSX, ReactNode } from "react";
import { Link, useNavigate } from "react-router";

import type { VehicleTerminal } from "../api/model";
import { usePages } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { SearchField, useFilters } from "../parts/filters";
import { Listing } from "../parts/Listing";
import { PresenceMark } from "../parts/Marks";
import { useNow } from "../parts/now";
import { Empty, Loaded } from "../parts/Page";

/** Vehicles: there or not, since when and why, through whom, and from where. */
export function Terminals({ add }: { add: ReactNode }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const go = useNavigate();
  const now = useNow(10_000);
  const [filters, set] = useFilters();
  const [q, status] = [filters.get("q"), filters.get("status")];
  const vehicles = usePages<VehicleTerminal>("/vehicles/terminals", { q, status, limit: 50 }, { everyMs: 5000 });
  const why = (one: VehicleTerminal): JSX.Element | null => {
    const { online, reason, since_ms: since } = one.device.presence;
    if (since === null) return null;
    return <div className="small quiet" style={{ whiteSpace: "normal" }}>{t.vehicles.since(f.time(since))}{!online && reason && <> · {words.presence(reason)}</>}</div>;
  };
  const way = (one: VehicleTerminal): JSX.Element => one.platform_id
    ? <Link to={`/devices/${one.platform_id}`}>{t.vehicles.byPlatform(one.platform ?? one.platform_id)}</Link>
    : <span>{t.vehicles.ownTerminal}</span>;
  const heard = (one: VehicleTerminal): string => { const at = one.link?.heard_ms || one.device.presence.last_seen_ms; return at ? f.ago(at, now) : "–"; };
  const columns: TableColumnsType<VehicleTerminal> = [
    { key: "name", title: t.devices.device, render: (_, one) => <div style={{ maxWidth: 260 }}><Link className="cut" style={{ display: "block", fontWeight: 500 }} to={`/devices/${one.device.id}`}>{one.device.title ?? one.device.name}</Link>{one.vin && one.vin !== (one.device.title ?? one.device.name) && <div className="small quiet mono cut">{one.vin}</div>}</div> },
    { key: "state", title: t.common.status, render: (_, one) => <><PresenceMark presence={one.device.presence} disabled={one.device.disabled} />{why(one)}</> },
    { key: "way", title: t.vehicles.by, render: (_, one) => way(one) },
    { key: "from", title: t.vehicles.from, render: (_, one) => <span className="mono small">{one.link?.peer ?? "–"}</span> },
    { key: "edition", title: t.vehicles.edition, render: (_, one) => <span className="num">{one.link?.edition ?? "–"}</span> },
    { key: "heard", title: t.vehicles.lastHeard, render: (_, one) => <span className="num nowrap">{heard(one)}</span> },
    { key: "messages", title: t.vehicles.messages, align: "right", render: (_, one) => <span className="num">{one.link ? f.number(one.link.messages) : "–"}</span> },
    { key: "alarms", title: t.alarms.title, align: "right", render: (_, one) => one.device.alarms_active ? <Link to={`/devices/${one.device.id}?tab=alarms`} className="num" style={{ color: "var(--high)", fontWeight: 600 }}>▲ {one.device.alarms_active}</Link> : <span className="faint">–</span> },
  ];
  return (
    <div className="stack" style={{ gap: 12 }}>
      <div className="row wrap">
        <SearchField hint={t.devices.searchHint} value={q ?? ""} search={(text) => { set({ q: text }); }} />
        <Segmented value={status ?? ""} onChange={(value) => { set({ status: value || null }); }} options={[{ value: "", label: t.common.all }, { value: "online", label: t.devices.online }, { value: "offline", label: t.devices.offline }, { value: "never", label: t.devices.never }]} />
      </div>
      <Loaded query={vehicles} rows={6}>
        {({ items }) => items.length === 0
          ? <div className="panel">{q || status
              ? <Empty title={t.vehicles.noMatch} text={t.vehicles.noMatchText}><Button onClick={() => { set({ q: null, status: null }); }}>{t.devices.clear}</Button></Empty>
              : <Empty title={t.vehicles.noVehicles} text={t.vehicles.noVehiclesText}>{add}<Link to="/devices?tab=arrivals"><Button>{t.vehicles.arrivals}</Button></Link></Empty>}</div>
          : <Listing
              items={items} columns={columns} rowKey={(one) => one.device.id} onOpen={(one) => void go(`/devices/${one.device.id}`)} more={vehicles.hasNextPage ? () => void vehicles.fetchNextPage() : null} loadingMore={vehicles.isFetchingNextPage}
              card={(one) => (
                <Link className="card" to={`/devices/${one.device.id}`}>
                  <div className="row spread"><b className="cut">{one.device.title ?? one.device.name}</b><PresenceMark presence={one.device.presence} disabled={one.device.disabled} /></div>
                  {one.vin && one.vin !== (one.device.title ?? one.device.name) && <div className="small quiet mono cut">{one.vin}</div>}
                  {why(one)}
                  <div className="row spread small quiet"><span className="cut">{one.platform_id ? t.vehicles.byPlatform(one.platform ?? one.platform_id) : t.vehicles.ownTerminal}</span><span className="num nowrap">{heard(one)}</span></div>
                </Link>
              )}
            />}
      </Loaded>
    </div>
  );
}
