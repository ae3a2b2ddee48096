import { useQueries } from "@tanstack/react-query";
import { Button, Tag, type TableColumnsType } from "antd";
import type { JSX, Key } from "react";
import { Link } from "react-router";

import { get } from "../api/client";
import type { DeviceProperty, FieldPoint, LivePoint } from "../api/model";
import { useList, usePages, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { Listing } from "../parts/Listing";
import { Empty, Loaded } from "../parts/Page";

const MOST_DEVICES = 50;

/** A live value is the raw one: where it is scaled it is not in the property's unit. */
const scaled = (point: FieldPoint): boolean => (point.scale ?? 1) !== 1 || (point.offset ?? 0) !== 0;

/** The units of the points' properties, by device and property. */
function useUnits(points: readonly FieldPoint[]): Map<string, string> {
  const devices = [...new Set(points.map((one) => one.device_id))].slice(0, MOST_DEVICES);
  return useQueries({
    queries: devices.map((id) => ({ queryKey: ["device-units", id], queryFn: () => get<DeviceProperty[]>(`/devices/${id}/properties`), staleTime: 30_000, retry: false })),
    combine: (answers) => new Map(answers.flatMap((answer, at) => (answer.data ?? []).flatMap((one): [string, string][] => (one.unit ? [[`${devices[at] ?? ""}/${one.name}`, one.unit]] : [])))),
  });
}

/** The points of a connection with the values that they deliver now. */
export function LivePoints({ connectionId, selected, edit }: { connectionId: string; selected?: { keys: Key[]; change: (keys: Key[]) => void }; edit?: (point: FieldPoint) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const points = usePages<FieldPoint>(`/connectors/${connectionId}/points`, { limit: 200 });
  const live = useResource<LivePoint[]>(`/connectors/${connectionId}/points/live`, {}, { everyMs: 1000, keep: true });
  const units = useUnits(points.data?.items ?? []);
  const values = new Map((live.data ?? []).map((one) => [one.point_id, one]));
  const value = (point: FieldPoint): JSX.Element => {
    const found = values.get(point.id);
    if (!found) return <span className="faint">–</span>;
    const long = typeof found.value === "string" && found.value.length > 40;
    return <span className={long ? "num cut" : "num"} {...(long && { style: { display: "inline-block", maxWidth: 240, verticalAlign: "bottom" } })} data-live={point.property} title={words.note(found.note) || (long ? String(found.value) : undefined)}>{found.value === null ? found.note ? <span className="small" style={{ color: "var(--warn)" }}>{words.note(found.note)}</span> : <span className="faint">–</span> : scaled(point) ? f.value(found.value) : f.withUnit(found.value, units.get(`${point.device_id}/${point.property}`))} {found.quality < 192 && <Tag color={found.quality === 0 ? "error" : "warning"}>{t.quality[found.quality] ?? found.quality}</Tag>}</span>;
  };
  const columns: TableColumnsType<FieldPoint> = [
    { key: "property", title: t.connectors.wizard.property, render: (_, p) => <><Link to={`/devices/${p.device_id}`}>{p.device}</Link> · <b>{p.property}</b></> },
    { key: "value", title: t.connectors.wizard.value, align: "right", render: (_, p) => value(p) },
    { key: "time", title: t.connectors.wizard.time, render: (_, p) => { const found = values.get(p.id); return <span className="num quiet">{found ? f.timeOfDay(found.time_ms ?? found.received_ms) : ""}</span>; } },
    { key: "address", title: t.connectors.wizard.address, render: (_, p) => <span className="mono small">{p.address}</span> },
    ...(edit ? [{ key: "edit", title: "", width: 70, render: (_: unknown, p: FieldPoint) => <Button type="link" size="small" onClick={() => { edit(p); }}>{t.points.edit}</Button> }] : []),
  ];
  return (
    <Loaded query={points}>
      {(found) => found.items.length === 0
        ? <Empty title={t.connectors.noPoints} text={t.connectors.noPointsText} />
        : (
          <Listing
            inside size="small" items={found.items} columns={columns} rowKey={(p) => p.id} {...(selected && { selected })}
            more={points.hasNextPage ? () => void points.fetchNextPage() : null} loadingMore={points.isFetchingNextPage}
            card={(p) => <div className="inset row spread"><span className="cut"><b>{p.property}</b><div className="small quiet mono cut">{p.address}</div></span><span className="row">{value(p)}{edit && <Button type="link" size="small" onClick={() => { edit(p); }}>{t.points.edit}</Button>}</span></div>}
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
