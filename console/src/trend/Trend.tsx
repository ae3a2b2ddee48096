/** The trend of up to six properties of one device: the node thins, the chart draws no more points than pixels. */
import { DownloadOutlined, LeftOutlined, MinusOutlined, PlusOutlined, RightOutlined } from "@ant-design/icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Button, DatePicker, Dropdown, Segmented, Select, Spin, Switch } from "antd";
import dayjs from "dayjs";
import { type JSX, useCallback, useEffect, useMemo, useRef, useState } from "react";

import { address, get } from "../api/client";
import { useLive, useWatch } from "../api/live";
import type { Buckets, DeviceProperty } from "../api/model";
import { useDark } from "../app/preferences";
import { PALETTES } from "../app/theme";
import { fetchFile } from "../devices/exchange";
import { useFormat, useText, useTitle } from "../i18n";
import { Empty } from "../parts/Page";
import { ProblemView } from "../parts/Problem";
import { usePhone } from "../parts/screen";
import { useGestures } from "./gestures";
import { PLOT_LEFT, PLOT_RIGHT, trendOption } from "./options";
import { bucketsFor, drawAll, extend, hasPoints, pan, type Point, remember, type TimeRange, zoom } from "./series";
import { usePlot } from "./usePlot";

const MINUTE = 60_000;
const RANGES = { m15: 15 * MINUTE, h1: 60 * MINUTE, h8: 480 * MINUTE, d1: 1440 * MINUTE, d7: 10_080 * MINUTE, d30: 43_200 * MINUTE, y1: 525_960 * MINUTE } as const;
type RangeName = keyof typeof RANGES;
const MOST = 6;
const SETTLE_MS = 120;
const REDRAW_MS = 500;

interface Props { deviceId: string; properties: readonly DeviceProperty[]; chosen: string[]; choose: (names: string[]) => void }

export default function Trend({ deviceId, properties, chosen, choose }: Props): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const phone = usePhone();
  const dark = useDark();
  const element = useRef<HTMLDivElement>(null);
  const { chart, width } = usePlot(element);
  const [follow, setFollow] = useState(true);
  const [preset, setPreset] = useState<RangeName | null>("m15");
  const [range, setRange] = useState<TimeRange>(() => { const now = Date.now(); return { from_ms: now - RANGES.m15, to_ms: now }; });
  const [asked, setAsked] = useState(range);
  const tail = useRef(new Map<string, Point[]>());
  const byName = useMemo(() => new Map(properties.map((p) => [p.name, p])), [properties]);
  const numeric = useMemo(() => properties.filter((p) => p.type !== "string"), [properties]);
  const span = range.to_ms - range.from_ms;
  const buckets = bucketsFor(width - PLOT_LEFT - PLOT_RIGHT);

  useWatch(useMemo(() => [deviceId], [deviceId]));
  useLive("readings", (event) => { if (event.device_id === deviceId) remember(tail.current, event, chosen); });
  useEffect(() => { tail.current.clear(); }, [deviceId]);

  // The window is asked for a little after the person has stopped moving it; the old drawing stays meanwhile.
  const busy = useRef(false);
  useEffect(() => {
    // Following, an answer on its way is waited for: a slow node must not be asked over and over without an answer.
    const timer = setTimeout(() => { if (!follow || !busy.current) setAsked(range); }, SETTLE_MS);
    return () => { clearTimeout(timer); };
  }, [range, follow]);
  // Following: the window slides; how often it is asked again depends on how wide a bucket is.
  useEffect(() => {
    if (!follow) return undefined;
    const every = Math.max(REDRAW_MS, Math.min(10_000, span / Math.max(1, buckets)));
    const slide = (): void => { const now = Date.now(); setRange({ from_ms: now - span, to_ms: now }); };
    const timer = setInterval(slide, every);
    return () => { clearInterval(timer); };
  }, [follow, span, buckets]);
  const step = follow ? Math.max(2000, span / Math.max(1, buckets)) : 1;
  const window = useMemo<TimeRange>(() => (follow ? { from_ms: Math.floor(asked.from_ms / step) * step, to_ms: Math.ceil(asked.to_ms / step) * step } : asked), [follow, asked, step]);

  const query = useQuery({
    queryKey: ["readings", deviceId, chosen, window, buckets],
    queryFn: ({ signal }) => get<Buckets>("/readings/buckets", { device_id: deviceId, property: chosen, from_ms: Math.round(window.from_ms), to_ms: Math.round(window.to_ms), buckets, aggregates: "min,max,mean" }, signal),
    enabled: chosen.length > 0 && width > 0,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 30_000,
  });
  useEffect(() => { busy.current = query.isFetching; }, [query.isFetching]);
  const drawn = useMemo(() => {
    if (!query.data) return [];
    const units = new Map(properties.map((p) => [p.name, p.unit]));
    return drawAll(query.data).filter((s) => chosen.includes(s.property)).map((s) => ({ ...s, unit: units.get(s.property) ?? s.unit }));
  }, [query.data, properties, chosen]);

  const height = phone ? 320 : Math.max(360, 120 + 150 * new Set(chosen.map((name) => byName.get(name)?.unit ?? "")).size);
  useEffect(() => { chart?.resize({ height }); }, [chart, height]);
  useEffect(() => {
    if (!chart) return;
    const shown = follow ? extend(drawn, tail.current) : drawn;
    chart.setOption(
      trendOption(shown, chosen, range, { palette: PALETTES[dark ? "dark" : "light"], format: f, height, phone, words: t.trend, title: (name) => title(byName.get(name) ?? { name }) }),
      { notMerge: true, lazyUpdate: true },
    );
  }, [chart, drawn, chosen, range, dark, f, t, title, byName, height, phone, follow]);

  const move = useCallback((next: TimeRange) => {
    setFollow(false);
    setPreset(null);
    setRange(next);
  }, []);
  useGestures(element, range, move);
  const pick = (name: RangeName): void => {
    const now = Date.now();
    setPreset(name);
    setFollow(true);
    setRange({ from_ms: now - RANGES[name], to_ms: now });
  };
  const csv = (path: string, query: Record<string, string | number | string[]>): void => {
    fetchFile(address(path, { device_id: deviceId, from_ms: Math.round(range.from_ms), to_ms: Math.round(range.to_ms), format: "csv", ...query }), "");
  };
  const exports = [
    { key: "", label: t.trend.exportDrawn, onClick: () => { csv("/readings/buckets", { property: chosen, buckets, aggregates: "min,max,mean" }); } },
    ...chosen.map((name) => ({ key: name, label: t.trend.exportRaw(title(byName.get(name) ?? { name })), onClick: () => { csv("/readings", { property: name }); } })),
  ];

  return (
    <div className="stack">
      <div className="row wrap spread">
        <Select
          mode="multiple" aria-label={t.trend.choose} style={{ minWidth: phone ? "100%" : 320, maxWidth: 720, flex: "1 1 320px" }} value={chosen} placeholder={t.trend.choose} maxCount={MOST} onChange={choose} allowClear
          options={numeric.map((p) => ({ value: p.name, label: title(p) }))} optionFilterProp="label" maxTagCount={phone ? 2 : 6}
        />
        <div className="row wrap">
          <label className="row small"><Switch size="small" checked={follow} onChange={(on) => { if (on) { const now = Date.now(); setRange({ from_ms: now - span, to_ms: now }); } setFollow(on); }} />{t.trend.follow}</label>
          <Dropdown disabled={!chosen.length} menu={{ items: exports }} trigger={["click"]}><Button icon={<DownloadOutlined />}>{phone ? "CSV" : t.trend.export}</Button></Dropdown>
        </div>
      </div>
      <div className="row wrap spread">
        <div style={{ maxWidth: "100%", overflowX: "auto" }}>
          <Segmented<RangeName | ""> size={phone ? "small" : "middle"} value={preset ?? ""} onChange={(name) => { if (name) pick(name); }} options={(Object.keys(RANGES) as RangeName[]).map((value) => ({ value, label: t.trend.ranges[value] }))} />
        </div>
        <div className="row">
          <Button size="small" icon={<LeftOutlined />} aria-label={t.trend.earlier} onClick={() => { move(pan(range, -0.5)); }} />
          <Button size="small" icon={<MinusOutlined />} aria-label={t.trend.zoomOut} onClick={() => { move(zoom(range, 2, 0.5)); }} />
          <Button size="small" icon={<PlusOutlined />} aria-label={t.trend.zoomIn} onClick={() => { move(zoom(range, 0.5, 0.5)); }} />
          <Button size="small" icon={<RightOutlined />} aria-label={t.trend.later} onClick={() => { move(pan(range, 0.5)); }} />
          {!phone && <DatePicker.RangePicker size="small" showTime allowClear={false} value={[dayjs(range.from_ms), dayjs(range.to_ms)]} onChange={(days) => { if (days?.[0] && days[1]) move({ from_ms: days[0].valueOf(), to_ms: days[1].valueOf() }); }} />}
        </div>
      </div>
      <div style={{ position: "relative", minHeight: height }}>
        <div ref={element} className="trend-plot" style={{ height }} role="img" aria-label={t.trend.title} data-points={drawn.reduce((n, s) => n + s.mean.length, 0)} />
        {query.isFetching && (!follow || !query.data) && <Spin size="small" style={{ position: "absolute", top: 4, right: 20 }} />}
        {chosen.length === 0 && <Overlay><Empty title={t.trend.choosePrompt} text={t.trend.choose} /></Overlay>}
        {chosen.length > 0 && query.error && !query.data && <Overlay><ProblemView error={query.error} retry={() => void query.refetch()} /></Overlay>}
        {chosen.length > 0 && query.isSuccess && !query.isPlaceholderData && !hasPoints(drawn) && <Overlay><Empty title={t.trend.empty} text={t.trend.emptyText} /></Overlay>}
      </div>
      <Legend chosen={chosen} title={(name) => title(byName.get(name) ?? { name })} />
      <div className="row wrap spread small faint"><span>{t.trend.band}{query.data ? ` · ${t.trend.perBucket(f.duration(query.data.width_ms))}` : ""}</span><span>{t.trend.help}</span></div>
    </div>
  );
}

const Overlay = ({ children }: { children: JSX.Element }): JSX.Element => <div style={{ position: "absolute", inset: 0, display: "grid", placeItems: "center", background: "var(--surface)", zIndex: 2 }}>{children}</div>;

function Legend({ chosen, title }: { chosen: readonly string[]; title: (name: string) => string }): JSX.Element {
  const { series } = PALETTES[useDark() ? "dark" : "light"];
  return (
    <div className="row wrap" style={{ gap: 16 }}>
      {chosen.map((name, i) => <span key={name} className="mark small"><i style={{ width: 14, height: 3, borderRadius: 2, background: series[i % series.length] }} />{title(name)}</span>)}
    </div>
  );
}
