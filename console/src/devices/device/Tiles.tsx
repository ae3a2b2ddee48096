import { BellOutlined, LineChartOutlined } from "@ant-design/icons";
import { Button, Input, Tag, Tooltip } from "antd";
import { type JSX, useState } from "react";

import { useLive, useWatch } from "../../api/live";
import type { Device, DeviceProperty, Latest } from "../../api/model";
import { useMay } from "../../api/queries";
import { useFormat, useText, useTitle } from "../../i18n";
import { unitSign } from "../../i18n/format";
import { useNow } from "../../parts/now";
import { Empty } from "../../parts/Page";
import { FirstMessage } from "../ConnectGuide";

interface Props { device: Device; properties: readonly DeviceProperty[]; toTrend: (name: string) => void; toRule: (name: string) => void }
const MANY = 12;

/** Every property with its newest value, as it comes. */
export function Tiles({ device, properties, toTrend, toRule }: Props): JSX.Element {
  const t = useText();
  const title = useTitle();
  const now = useNow(1000);
  const [fresh, setFresh] = useState<Record<string, Latest>>({});
  const [filter, setFilter] = useState("");
  useWatch([device.id]);
  useLive("readings", (event) => {
    if (event.device_id !== device.id) return;
    setFresh((before) => {
      const next = { ...before };
      for (const [name, time_ms, value, quality] of event.readings) if (time_ms >= (next[name]?.time_ms ?? -Infinity)) next[name] = { time_ms, value, quality };
      return next;
    });
  });
  if (properties.length === 0 || (Object.keys(fresh).length === 0 && properties.every((p) => !p.latest)))
    return <div className="stack"><div className="panel"><Empty title={t.device.noProperties} text={t.device.noPropertiesText} /></div><FirstMessage deviceId={device.id} /></div>;
  const wanted = filter.trim().toLowerCase();
  const shown = properties.filter((p) => !wanted || `${p.name} ${title(p)}`.toLowerCase().includes(wanted));
  return (
    <div className="stack">
      {properties.length > MANY && <Input allowClear style={{ maxWidth: 280 }} placeholder={t.device.filter} value={filter} onChange={(event) => { setFilter(event.target.value); }} />}
      <div className="tiles">
        {shown.map((property) => {
          const held = fresh[property.name];
          const latest = held && (!property.latest || held.time_ms >= property.latest.time_ms) ? held : property.latest;
          return <Tile key={property.name} property={property} latest={latest ?? null} now={now} toTrend={toTrend} toRule={toRule} />;
        })}
      </div>
    </div>
  );
}

function Tile({ property, latest, now, toTrend, toRule }: { property: DeviceProperty; latest: Latest | null; now: number; toTrend: (name: string) => void; toRule: (name: string) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const engineer = useMay("rules:write");
  const { minimum: low, maximum: high } = property;
  const value = typeof latest?.value === "number" ? latest.value : null;
  const out = value !== null && ((low !== null && value < low) || (high !== null && value > high));
  const share = value !== null && low !== null && high !== null && high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : null;
  return (
    <article className={`tile ${out ? "out" : ""}`} data-property={property.name}>
      <div className="row spread" style={{ minHeight: 24 }}>
        <Tooltip title={title(property) === property.name ? "" : property.name}><span className="label cut">{title(property)}</span></Tooltip>
        <span className="row" style={{ gap: 0 }}>
          {property.type !== "string" && <Tooltip title={t.device.addToTrend}><Button type="text" size="small" icon={<LineChartOutlined />} aria-label={`${t.device.addToTrend}: ${title(property)}`} onClick={() => { toTrend(property.name); }} /></Tooltip>}
          {engineer && <Tooltip title={t.device.alarmWhen}><Button type="text" size="small" icon={<BellOutlined />} aria-label={`${t.device.alarmWhen} ${title(property)}`} onClick={() => { toRule(property.name); }} /></Tooltip>}
        </span>
      </div>
      <div className="tile-value" title={f.value(latest?.value)}>{f.value(latest?.value, 5)}<small>{unitSign(property.unit)}</small></div>
      {share !== null && <div className="tile-range" title={`${f.value(low)} … ${f.value(high)}`}><i style={{ left: `${share * 100}%` }} /></div>}
      <div className="row spread wrap small faint" style={{ minHeight: 20, gap: "0 8px" }}>
        <span className="num cut">{latest ? f.ago(latest.time_ms, now) : t.common.never}</span>
        <span className="row" style={{ gap: 4 }}>
          {out && <b className="nowrap" style={{ color: "var(--warn)" }}>▲ {t.device.outOfRange}</b>}
          {latest && latest.quality !== 192 && <Tag style={{ margin: 0 }}>{t.quality[latest.quality] ?? latest.quality}</Tag>}
          {!property.known && <Tooltip title={t.device.unknownHint}><Tag style={{ margin: 0 }}>{t.device.unknownProperty}</Tag></Tooltip>}
        </span>
      </div>
    </article>
  );
}
