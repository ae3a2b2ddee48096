import { Tag, type TableColumnsType } from "antd";
import type { JSX, Key } from "react";
import { Link } from "react-router";

import type { FieldPoint, LivePoint } from "../api/model";
import { useList, usePages, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded } from "../parts/Page";

/** The points of a connection with the values that they deliver now. */
export function LivePoints({ connectionId, selected }: { connectionId: string; selected?: { keys: Key[]; change: (keys: Key[]) => void } }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const points = usePages<FieldPoint>(`/connectors/${connectionId}/points`, { limit: 200 });
  const live = useResource<LivePoint[]>(`/connectors/${connectionId}/points/live`, {}, { everyMs: 1000, keep: true });
  const values = new Map((live.data ?? []).map((one) => [one.point_id, one]));
  const value = (point: FieldPoint): JSX.Element => {
    const found = values.get(point.id);
    if (!found) return <span className="faint">–</span>;
    return <span className="num" data-live={point.property} title={found.note}>{found.value === null ? <span className="faint">–</span> : f.value(found.value)} {found.quality < 192 && <Tag color={found.quality === 0 ? "error" : "warning"}>{t.quality[found.quality] ?? found.quality}</Tag>}</span>;
  };
  const columns: TableColumnsType<FieldPoint> = [
    { key: "property", title: t.connectors.wizard.property, render: (_, p) => <><Link to={`/devices/${p.device_id}`}>{p.device}</Link> · <b>{p.property}</b></> },
    { key: "value", title: t.connectors.wizard.value, align: "right", render: (_, p) => value(p) },
    { key: "time", title: t.connectors.wizard.time, render: (_, p) => { const found = values.get(p.id); return <span className="num quiet">{found ? f.timeOfDay(found.time_ms ?? found.received_ms) : ""}</span>; } },
    { key: "address", title: t.connectors.wizard.address, render: (_, p) => <span className="mono small">{p.address}</span> },
  ];
  return (
    <Loaded query={points}>
      {(found) => found.items.length === 0
        ? <Empty title={t.connectors.noPoints} text={t.connectors.noPointsText} />
        : (
          <Listing
            inside size="small" items={found.items} columns={columns} rowKey={(p) => p.id} {...(selected && { selected })}
            more={points.hasNextPage ? () => void points.fetchNextPage() : null} loadingMore={points.isFetchingNextPage}
            card={(p) => <div className="inset row spread"><span className="cut"><b>{p.property}</b><div className="small quiet mono cut">{p.address}</div></span>{value(p)}</div>}
          />
        )}
    </Loaded>
  );
}

/** Whether every point has a value, for a wizard that waits. */
export function useLiveCount(connectionId: string | null): number {
  const live = useList<LivePoint>(`/connectors/${connectionId ?? "none"}/points/live`, {}, { enabled: connectionId !== null, everyMs: 1000 });
  return live.data?.length ?? 0;
}
