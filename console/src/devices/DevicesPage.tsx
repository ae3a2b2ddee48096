import { DownloadOutlined, ExportOutlined, HistoryOutlined, PlusOutlined, UploadOutlined } from "@ant-design/icons";
import { Badge, Button, Drawer, Segmented, Select, type TableColumnsType, Tabs, Tag } from "antd";
import { type JSX, lazy, Suspense, useState } from "react";
import { Link, useNavigate } from "react-router";

import { address } from "../api/client";
import type { Device, Overview } from "../api/model";
import { useMay, useModels, usePages, usePlaces, useResource } from "../api/queries";
import { useFormat, useText, useTitle } from "../i18n";
import { SearchField, type SetFilters, useFilters } from "../parts/filters";
import { Listing } from "../parts/Listing";
import { PresenceMark } from "../parts/Marks";
import { useNow } from "../parts/now";
import { Empty, Loaded, Page } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { ArrivalList } from "./ArrivalList";
import { PlaceTree } from "./PlaceTree";

const NewDevice = lazy(() => import("./NewDevice"));
const ImportBox = lazy(() => import("./ImportBox"));

export default function DevicesPage(): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const engineer = useMay("devices:write");
  const overview = useResource<Overview>("/overview");
  const [parameters, set] = useFilters();
  const [places, setPlaces] = useState(false);
  const arrivals = parameters.get("tab") === "arrivals";
  const place = parameters.get("place");
  const imports = useMay("readings:import");
  const exports_ = useMay("readings:export");
  const waiting = overview.data?.arrivals.count ?? 0;
  const tree = <PlaceTree chosen={place} choose={(id) => { set({ place: id }); setPlaces(false); }} />;
  return (
    <Page
      title={t.devices.title}
      actions={engineer && <>
        <Button type="primary" icon={<PlusOutlined />} onClick={() => { set({ new: "1" }); }}>{t.devices.add}</Button>
        {imports && <Link to="/readings/imports"><Button icon={<HistoryOutlined />}>{t.history.title}</Button></Link>}
        {exports_ && <Link to="/readings/exports"><Button icon={<ExportOutlined />}>{t.exports.title}</Button></Link>}
        <Button icon={<UploadOutlined />} onClick={() => { set({ import: "1" }); }}>{t.devices.import}</Button>
      </>}
    >
      <Tabs
        activeKey={arrivals ? "arrivals" : "list"} onChange={(key) => { set({ tab: key === "arrivals" ? key : null }); }}
        items={[{ key: "list", label: t.devices.list }, { key: "arrivals", label: <span>{t.devices.arrivals} {waiting > 0 && <Badge count={waiting} size="small" color="var(--quiet)" />}</span> }]}
      />
      {arrivals ? <ArrivalList /> : (
        <div className="split">
          {!phone && <aside className="panel tree-list" aria-label={t.devices.places}>{tree}</aside>}
          <DeviceList place={place} parameters={parameters} set={set} choosePlace={phone ? () => { setPlaces(true); } : null} />
        </div>
      )}
      <Drawer open={places} onClose={() => { setPlaces(false); }} title={t.devices.places} size={300} placement="left">{tree}</Drawer>
      <Suspense fallback={null}>
        {parameters.get("new") && <NewDevice place={place} close={() => { set({ new: null }); }} />}
        {parameters.get("import") && <ImportBox close={() => { set({ import: null }); }} />}
      </Suspense>
    </Page>
  );
}

interface ListProps { place: string | null; parameters: URLSearchParams; set: SetFilters; choosePlace: (() => void) | null }

function DeviceList({ place, parameters, set, choosePlace }: ListProps): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const navigate = useNavigate();
  const now = useNow(10_000);
  const engineer = useMay("devices:write");
  const models = useModels();
  const places = usePlaces();
  const [status, model, tag, q] = ["status", "model", "tag", "q"].map((name) => parameters.get(name)) as [string | null, string | null, string | null, string | null];
  const query = { q, place_id: place, model_id: model, status, tag, edge_id: parameters.get("edge") };
  const filtered = Object.values(query).some(Boolean);
  const devices = usePages<Device>("/devices", { ...query, limit: 50 });
  const modelName = (id: string | null): string => { const found = models.data?.find((m) => m.id === id); return found ? title(found) : ""; };
  const columns: TableColumnsType<Device> = [
    { key: "name", title: t.devices.device, render: (_, d) => <div style={{ maxWidth: 320 }}><Link to={`/devices/${d.id}`} className="cut" style={{ display: "block", fontWeight: 500 }}>{d.title ?? d.name}</Link>{d.title && <div className="small quiet mono cut">{d.name}</div>}</div> },
    { key: "status", title: t.common.status, render: (_, d) => <PresenceMark presence={d.presence} disabled={d.disabled} /> },
    { key: "alarms", title: t.alarms.title, align: "right", width: 80, render: (_, d) => d.alarms_active ? <Link to={`/devices/${d.id}?tab=alarms`} className="num" style={{ color: "var(--high)", fontWeight: 600 }}>▲ {d.alarms_active}</Link> : <span className="faint">–</span> },
    { key: "place", title: t.devices.place, render: (_, d) => <div className="quiet cut" style={{ maxWidth: 200 }} title={d.place_path ?? ""}>{d.place_path?.split("/").slice(-2).join(" / ") ?? "–"}</div> },
    { key: "model", title: t.devices.model, render: (_, d) => d.model_id ? <Link to={`/models/${d.model_id}`} className="cut" style={{ display: "block", maxWidth: 200 }} title={modelName(d.model_id)}>{modelName(d.model_id)}</Link> : <span className="faint">–</span> },
    { key: "tags", title: t.devices.tags, render: (_, d) => d.tags.slice(0, 3).map((one) => <Tag key={one} onClick={() => { set({ tag: one }); }} style={{ cursor: "pointer" }}>{one}</Tag>) },
    { key: "seen", title: t.devices.lastSeen, render: (_, d) => <span className="num quiet nowrap">{d.presence.last_seen_ms === null ? "–" : f.ago(d.presence.last_seen_ms, now)}</span> },
  ];
  return (
    <div className="stack" style={{ gap: 12 }}>
      <div className="row wrap">
        {choosePlace && <Button onClick={choosePlace}>{places.data?.find((p) => p.id === place)?.name ?? t.devices.showPlaces}</Button>}
        <SearchField hint={t.devices.searchHint} value={q ?? ""} search={(text) => { set({ q: text }); }} />
        <Segmented value={status ?? ""} onChange={(value) => { set({ status: value || null }); }} options={[{ value: "", label: t.common.all }, { value: "online", label: t.devices.online }, { value: "offline", label: t.devices.offline }, { value: "never", label: t.devices.never }]} />
        <Select allowClear style={{ minWidth: 160 }} aria-label={t.devices.model} placeholder={t.devices.model} value={model} onChange={(id: string | undefined) => { set({ model: id ?? null }); }} options={(models.data ?? []).map((m) => ({ value: m.id, label: title(m) }))} />
        {tag && <Tag closable onClose={() => { set({ tag: null }); }}>{tag}</Tag>}
        <div className="grow" style={{ textAlign: "end" }}><Button type="text" icon={<DownloadOutlined />} href={address("/devices/export", query)} download>{t.devices.export}</Button></div>
      </div>
      <Loaded query={devices} rows={8}>
        {({ items }) => items.length === 0
          ? <div className="panel">{filtered
              ? <Empty title={t.devices.noMatch} text={t.devices.noMatchText}><Button onClick={() => { set({ q: null, status: null, model: null, tag: null, place: null }); }}>{t.devices.clear}</Button></Empty>
              : <Empty title={t.devices.empty} text={t.devices.emptyText}>{engineer && <Button type="primary" onClick={() => { set({ new: "1" }); }}>{t.devices.add}</Button>}</Empty>}</div>
          : <Listing
              items={items} columns={columns} rowKey={(d) => d.id} onOpen={(d) => void navigate(`/devices/${d.id}`)} more={devices.hasNextPage ? () => void devices.fetchNextPage() : null} loadingMore={devices.isFetchingNextPage}
              card={(d) => (
                <Link className="card" to={`/devices/${d.id}`}>
                  <div className="row spread"><b className="cut">{d.title ?? d.name}</b><PresenceMark presence={d.presence} disabled={d.disabled} /></div>
                  <div className="row spread small quiet" style={{ marginTop: 4 }}><span className="cut">{[d.place_path?.split("/").slice(-2).join(" / "), modelName(d.model_id)].filter(Boolean).join(" · ") || d.name}</span>{d.alarms_active > 0 && <span className="num nowrap" style={{ color: "var(--high)", fontWeight: 600 }}>▲ {t.devices.alarmsActive(d.alarms_active)}</span>}</div>
                </Link>
              )}
            />}
      </Loaded>
    </div>
  );
}
