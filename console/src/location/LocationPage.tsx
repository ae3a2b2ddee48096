import { DownloadOutlined, EditOutlined, PlusOutlined } from "@ant-design/icons";
import { Alert, Button, Select, type TableColumnsType, Tabs, Tag } from "antd";
import { type JSX, useMemo, useState } from "react";

import { address } from "../api/client";
import { useList, useMay, usePages, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { SearchField, useFilters } from "../parts/filters";
import { Listing } from "../parts/Listing";
import { useNow } from "../parts/now";
import { Empty, Loaded, Page } from "../parts/Page";
import { PlanBox, ReaderBox, TagBox, ZoneBox } from "./boxes";
import type { Corner, LocationEvent, Plan, Reader, TrailPoint, Whereabouts, Zone } from "./model";
import { PlanView } from "./PlanView";
import { RulesPanel } from "./RulesPanel";

const DAY_MS = 86_400_000;

/** Who is where: plans with zones, tags with their trail, events, feedback, readers. */
export default function LocationPage(): JSX.Element {
  const t = useText();
  const may = useMay("location:write");
  const [parameters, set] = useFilters();
  const plans = useList<Plan>("/location/plans");
  const zones = useList<Zone>("/location/zones", {}, { everyMs: 5000 });
  const readers = useList<Reader>("/location/readers", {}, { everyMs: 5000 });
  const tab = parameters.get("tab") ?? "map";
  const [zoneBox, setZoneBox] = useState<{ zone: Zone | null; polygon: Corner[]; plan: string | null } | null>(null);
  const [planBox, setPlanBox] = useState<Plan | "new" | null>(null);
  const [readerBox, setReaderBox] = useState<Reader | "new" | null>(null);
  const [tagBox, setTagBox] = useState<Whereabouts | null>(null);
  const nothing = plans.data?.length === 0 && zones.data?.length === 0 && readers.data?.length === 0;
  const start = may && <>
    <Button type="primary" icon={<PlusOutlined />} onClick={() => { setReaderBox("new"); }}>{t.location.addReader}</Button>
    <Button onClick={() => { setPlanBox("new"); }}>{t.location.addPlan}</Button>
    <Button onClick={() => { setZoneBox({ zone: null, polygon: [], plan: null }); }}>{t.location.addZone}</Button>
  </>;
  const openZone = (zone: Zone): void => { setZoneBox({ zone, polygon: zone.polygon, plan: zone.plan_id }); };
  return (
    <Page title={t.location.title} text={t.location.text} actions={!nothing && start}>
      {nothing ? <div className="panel"><Empty title={t.location.empty} text={t.location.emptyText}>{start}</Empty></div> : (
        <Tabs activeKey={tab} onChange={(key) => { set({ tab: key === "map" ? null : key }); }} items={[
          { key: "map", label: t.location.map, children: <Map plans={plans} zones={zones.data ?? []} readers={readers.data ?? []} editPlan={setPlanBox} addZone={(polygon, plan) => { setZoneBox({ zone: null, polygon, plan }); }} openZone={openZone} openTag={setTagBox} /> },
          { key: "now", label: t.location.now, children: <Now zones={zones.data ?? []} openTag={setTagBox} /> },
          { key: "events", label: t.location.events, children: <Events zones={zones.data ?? []} /> },
          { key: "rules", label: t.location.rules, children: <RulesPanel zones={zones.data ?? []} /> },
          { key: "readers", label: t.location.readers, children: <Readers readers={readers} open={setReaderBox} /> },
        ]} />
      )}
      {zoneBox && <ZoneBox {...zoneBox} close={() => { setZoneBox(null); }} />}
      {planBox && <PlanBox plan={planBox === "new" ? null : planBox} close={() => { setPlanBox(null); }} />}
      {readerBox && <ReaderBox reader={readerBox === "new" ? null : readerBox} plans={plans.data ?? []} close={() => { setReaderBox(null); }} />}
      {tagBox && <TagBox tag={tagBox} close={() => { setTagBox(null); }} />}
    </Page>
  );
}

interface Asked<T> { data: T[] | undefined; error: Error | null; isPending: boolean; refetch: () => unknown }

interface MapProps {
  plans: Asked<Plan>;
  zones: readonly Zone[]; readers: readonly Reader[];
  editPlan: (plan: Plan | "new") => void; addZone: (polygon: Corner[], plan: string) => void; openZone: (zone: Zone) => void; openTag: (tag: Whereabouts) => void;
}

function Map({ plans, zones, readers, editPlan, addZone, openZone, openTag }: MapProps): JSX.Element {
  const t = useText();
  const may = useMay("location:write");
  const [parameters, set] = useFilters();
  const [drawing, setDrawing] = useState<Corner[] | null>(null);
  const plan = plans.data?.find((one) => one.id === parameters.get("plan")) ?? plans.data?.[0];
  const followed = parameters.get("tag");
  const tags = useList<Whereabouts>("/location/now", { plan_id: plan?.id, limit: 1000 }, { enabled: plan !== undefined, everyMs: 2000 });
  const since = useMemo(() => Math.floor(Date.now() / 60_000) * 60_000 - DAY_MS, []);
  const trail = useResource<TrailPoint[]>(`/location/tags/${encodeURIComponent(followed ?? "-")}/trail`, { from_ms: since }, { enabled: followed !== null, everyMs: 3000 });
  const loose = zones.filter((zone) => zone.plan_id !== plan?.id || zone.polygon.length < 3);
  return (
    <Loaded query={plans}>
      {(list) => (
        <div className="stack">
          {!plan ? <div className="panel"><Empty title={t.location.noPlans} text={t.location.noPlansText}>{may && <Button onClick={() => { editPlan("new"); }}>{t.location.addPlan}</Button>}</Empty></div> : <>
            <div className="row wrap">
              <Select aria-label={t.location.plan} value={plan.id} onChange={(id: string) => { set({ plan: id }); }} options={list.map((one) => ({ value: one.id, label: one.name }))} style={{ minWidth: 180 }} />
              <Select aria-label={t.location.trail} allowClear placeholder={t.location.trail} title={t.location.trailText} value={followed ?? undefined} onChange={(tag?: string) => { set({ tag: tag ?? null }); }} options={(tags.data ?? []).map((one) => ({ value: one.tag, label: one.name || one.tag }))} showSearch={{ optionFilterProp: "label" }} style={{ minWidth: 180 }} />
              {may && !drawing && <Button icon={<EditOutlined />} onClick={() => { setDrawing([]); }}>{t.location.draw}</Button>}
              {may && !drawing && <Button type="text" onClick={() => { editPlan(plan); }}>{t.location.editPlan}</Button>}
              {drawing && <>
                <Button type="primary" disabled={drawing.length < 3} onClick={() => { addZone(drawing, plan.id); setDrawing(null); }}>{t.location.finish}</Button>
                <Button disabled={drawing.length === 0} onClick={() => { setDrawing(drawing.slice(0, -1)); }}>{t.location.undo}</Button>
                <Button type="text" onClick={() => { setDrawing(null); }}>{t.common.cancel}</Button>
              </>}
            </div>
            {drawing && <Alert type="info" showIcon title={t.location.drawText} />}
            <PlanView plan={plan} zones={zones.filter((zone) => zone.plan_id === plan.id)} readers={readers} tags={tags.data ?? []} trail={followed ? trail.data ?? [] : []} drawing={drawing} addCorner={(corner) => { setDrawing([...(drawing ?? []), corner]); }} openZone={openZone} openTag={openTag} />
          </>}
          {loose.length > 0 && <div className="row wrap">{loose.map((zone) => <Button key={zone.id} onClick={() => { openZone(zone); }}>{zone.name} · {t.location.inside(String(zone.inside))}{!zone.certain && <Tag color="warning" title={t.location.uncertainText} style={{ marginInlineStart: 8 }}>{t.location.uncertain}</Tag>}</Button>)}</div>}
        </div>
      )}
    </Loaded>
  );
}

function ZoneTags({ tag }: { tag: Whereabouts }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(10_000);
  if (tag.zones.length === 0) return <span className="faint">{t.location.nowhere}</span>;
  return <>{tag.zones.map((zone) => <Tag key={zone.zone_id} color={zone.certain ? "blue" : "warning"}>{zone.zone} · {f.duration(Math.max(0, now - zone.since_ms))}{zone.certain ? "" : ` · ${t.location.uncertain}`}</Tag>)}</>;
}

function Now({ zones, openTag }: { zones: readonly Zone[]; openTag: (tag: Whereabouts) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(5000);
  const [parameters, set] = useFilters();
  const [q, zone] = [parameters.get("q"), parameters.get("zone")];
  const tags = usePages<Whereabouts>("/location/now", { q, zone_id: zone }, { everyMs: 3000 });
  const columns: TableColumnsType<Whereabouts> = [
    { key: "tag", title: t.location.tag, render: (_, one) => <button type="button" className="plain" onClick={() => { openTag(one); }}>{one.name && <div style={{ fontWeight: 500 }}>{one.name}</div>}<span className="mono small">{one.tag}</span></button> },
    { key: "group", title: t.location.group, render: (_, one) => one.group },
    { key: "zones", title: t.location.where, render: (_, one) => <ZoneTags tag={one} /> },
    { key: "position", title: t.location.position, render: (_, one) => <span className="num">{one.x_m === null || one.y_m === null ? "–" : `${one.x_m.toFixed(1)}, ${one.y_m.toFixed(1)}`}</span> },
    { key: "seen", title: t.location.seen, render: (_, one) => f.ago(one.seen_ms, now) },
  ];
  return (
    <div className="stack">
      <div className="row wrap">
        <SearchField value={q ?? ""} hint={t.location.search} search={(text) => { set({ q: text }); }} />
        <Select allowClear aria-label={t.location.zone} placeholder={t.location.zone} value={zone ?? undefined} onChange={(id?: string) => { set({ zone: id ?? null }); }} options={zones.map((one) => ({ value: one.id, label: one.name }))} style={{ minWidth: 160 }} />
      </div>
      <Loaded query={tags}>
        {({ items }) => items.length === 0 ? <div className="panel"><Empty title={t.location.noTags} /></div>
          : <Listing items={items} columns={columns} rowKey={(one) => `${one.organisation_id}/${one.tag}`} onOpen={openTag} more={tags.hasNextPage ? () => { void tags.fetchNextPage(); } : null} loadingMore={tags.isFetchingNextPage}
              card={(one) => <button type="button" className="card" onClick={() => { openTag(one); }}><div className="row spread"><b>{one.name || one.tag}</b><span className="small faint">{f.ago(one.seen_ms, now)}</span></div><ZoneTags tag={one} /></button>} />}
      </Loaded>
    </div>
  );
}

function Events({ zones }: { zones: readonly Zone[] }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const [parameters, set] = useFilters();
  const query = { tag: parameters.get("of"), zone_id: parameters.get("zone") };
  const events = usePages<LocationEvent>("/location/events", query);
  const what = (e: LocationEvent): JSX.Element => <>{t.location.kinds[e.kind] ?? e.kind}{e.reason && <span className="small quiet"> · {t.location.reasons[e.reason] ?? e.reason}</span>}{!e.certain && e.tag && <Tag color="warning" style={{ marginInlineStart: 8 }}>{t.location.notCertain}</Tag>}</>;
  const columns: TableColumnsType<LocationEvent> = [
    { key: "time", title: t.location.time, render: (_, e) => <span className="num">{f.time(e.time_ms)}</span> },
    { key: "tag", title: t.location.tag, render: (_, e) => (e.tag ? <button type="button" className="plain mono" onClick={() => { set({ of: e.tag }); }}>{e.tag}</button> : "–") },
    { key: "what", title: t.location.what, render: (_, e) => what(e) },
    { key: "zone", title: t.location.zone, render: (_, e) => e.zone },
    { key: "stay", title: t.location.stay, align: "right", render: (_, e) => <span className="num">{e.stay_ms === null ? "" : f.duration(e.stay_ms)}</span> },
  ];
  return (
    <div className="stack">
      <div className="row wrap">
        <SearchField value={query.tag ?? ""} hint={t.location.tag} search={(text) => { set({ of: text }); }} />
        <Select allowClear aria-label={t.location.zone} placeholder={t.location.zone} value={query.zone_id ?? undefined} onChange={(id?: string) => { set({ zone: id ?? null }); }} options={zones.map((one) => ({ value: one.id, label: one.name }))} style={{ minWidth: 160 }} />
        <Button icon={<DownloadOutlined />} href={address("/location/events/export", query)}>{t.location.export}</Button>
      </div>
      <Loaded query={events}>
        {({ items }) => items.length === 0 ? <div className="panel"><Empty title={t.location.noEvents} /></div>
          : <Listing items={items} columns={columns} rowKey={(e) => String(e.number)} more={events.hasNextPage ? () => { void events.fetchNextPage(); } : null} loadingMore={events.isFetchingNextPage}
              card={(e) => <div className="card"><div className="row spread"><b>{e.tag ?? e.zone}</b><span className="small faint">{f.time(e.time_ms)}</span></div><div>{what(e)} · {e.zone}</div></div>} />}
      </Loaded>
    </div>
  );
}

function Readers({ readers, open }: { readers: Asked<Reader>; open: (reader: Reader | "new") => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(5000);
  const may = useMay("location:write");
  const state = (one: Reader): JSX.Element => <><Tag color={one.heard_ms === null ? "default" : one.lost ? "error" : "success"}>{one.heard_ms === null ? t.location.never : one.lost ? t.location.lost : t.location.heard}</Tag>{one.heard_ms !== null && <span className="small faint">{f.ago(one.heard_ms, now)}</span>}{one.antennas_down.length > 0 && <div className="small">{t.location.antennasDown(one.antennas_down.join(", "))}</div>}{one.clock_offset_ms !== 0 && <div className="small">{t.location.clock(f.duration(Math.abs(one.clock_offset_ms)))}</div>}</>;
  const columns: TableColumnsType<Reader> = [
    { key: "device", title: t.location.device, render: (_, one) => <b>{one.device}</b> },
    { key: "state", title: t.location.state, render: (_, one) => state(one) },
    { key: "sightings", title: t.location.sightings, align: "right", render: (_, one) => <span className="num">{f.number(one.sightings)}</span> },
    ...(may ? [{ key: "edit", render: (_: unknown, one: Reader) => <Button size="small" type="text" onClick={() => { open(one); }}>{t.common.edit}</Button> }] : []),
  ];
  return (
    <Loaded query={readers}>
      {(list) => list.length === 0
        ? <div className="panel"><Empty title={t.location.noReaders} text={t.location.noReadersText}>{may && <Button type="primary" onClick={() => { open("new"); }}>{t.location.addReader}</Button>}</Empty></div>
        : <Listing items={list} columns={columns} rowKey={(one) => one.device_id} card={(one) => <button type="button" className="card" onClick={() => { if (may) open(one); }}><b>{one.device}</b><div>{state(one)}</div></button>} />}
    </Loaded>
  );
}
