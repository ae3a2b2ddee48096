import type { TableColumnsType } from "antd";
import type { JSX, ReactNode } from "react";
import { Link, useNavigate } from "react-router";

import type { VehiclePlatform } from "../api/model";
import { useList } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { Listing } from "../parts/Listing";
import { PresenceMark } from "../parts/Marks";
import { useNow } from "../parts/now";
import { Empty, Loaded } from "../parts/Page";

/** Platforms that forward their vehicles to this node. */
export function Platforms({ add }: { add: ReactNode }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const go = useNavigate();
  const now = useNow(10_000);
  const platforms = useList<VehiclePlatform>("/vehicles/platforms", {}, { everyMs: 5000 });
  const why = (one: VehiclePlatform): JSX.Element | null => {
    const { online, reason, since_ms: since } = one.device.presence;
    return since === null ? null : <div className="small quiet" style={{ whiteSpace: "normal" }}>{t.vehicles.since(f.time(since))}{!online && reason && <> · {words.presence(reason)}</>}</div>;
  };
  const there = (one: VehiclePlatform): JSX.Element => <span className="num">{t.vehicles.of(f.number(one.vehicles_online), f.number(one.vehicles))}</span>;
  const heard = (one: VehiclePlatform): string => { const at = one.link?.heard_ms || one.device.presence.last_seen_ms; return at ? f.ago(at, now) : "–"; };
  const columns: TableColumnsType<VehiclePlatform> = [
    { key: "name", title: t.vehicles.name, render: (_, one) => <><Link style={{ fontWeight: 500 }} to={`/devices/${one.device.id}`}>{one.device.title ?? one.device.name}</Link>{one.link && <div className="small quiet mono">{one.link.name}</div>}</> },
    { key: "state", title: t.common.status, render: (_, one) => <><PresenceMark presence={one.device.presence} disabled={one.device.disabled} />{why(one)}</> },
    { key: "vehicles", title: t.vehicles.platformVehicles, align: "right", render: (_, one) => there(one) },
    { key: "from", title: t.vehicles.from, render: (_, one) => <span className="mono small">{one.link?.peer ?? "–"}</span> },
    { key: "edition", title: t.vehicles.edition, render: (_, one) => <span className="num">{one.link?.edition ?? "–"}</span> },
    { key: "heard", title: t.vehicles.lastHeard, render: (_, one) => <span className="num nowrap">{heard(one)}</span> },
    { key: "messages", title: t.vehicles.messages, align: "right", render: (_, one) => <span className="num">{one.link ? f.number(one.link.messages) : "–"}</span> },
  ];
  return (
    <Loaded query={platforms}>
      {(items) => items.length === 0
        ? <div className="panel"><Empty title={t.vehicles.noPlatforms} text={t.vehicles.noPlatformsText}>{add}</Empty></div>
        : <Listing
            items={items} columns={columns} rowKey={(one) => one.device.id} onOpen={(one) => void go(`/devices/${one.device.id}`)}
            card={(one) => (
              <Link className="card" to={`/devices/${one.device.id}`}>
                <div className="row spread"><b className="cut">{one.device.title ?? one.device.name}</b><PresenceMark presence={one.device.presence} disabled={one.device.disabled} /></div>
                {why(one)}
                <div className="row spread small quiet"><span>{t.vehicles.platformVehicles} {there(one)}</span><span className="num nowrap">{heard(one)}</span></div>
              </Link>
            )}
          />}
    </Loaded>
  );
}
