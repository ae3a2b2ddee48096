import { Segmented } from "antd";
import { type JSX, useEffect, useRef, useState } from "react";

import { type SeriesView, SPANS } from "../../api/identifiers";
import { useResource } from "../../api/queries";
import { useDark } from "../../app/preferences";
import { FONT, PALETTES } from "../../app/theme";
import { useFormat, useText } from "../../i18n";
import { Loaded, Panel } from "../../parts/Page";
import { usePlot } from "../../trend/usePlot";
import { latency } from "./latency";

const EVERY_MS = { hour: 5000, day: 30_000, month: 60_000 };
/** A share of questions behind those of other interfaces; it is drawn beside them and not on top. */
const BEHIND = "recursion";

/** Rates by interface, latencies, failures by cause and the hit ratio, over an hour, a day or thirty days. */
export default function ChartsPanel(): JSX.Element {
  const { operation: o } = useText();
  const f = useFormat();
  const [span, setSpan] = useState<SeriesView["span"]>("hour");
  const series = useResource<SeriesView>("/identifiers/operation/series", { span }, { everyMs: EVERY_MS[span], keep: true });
  return (
    <Panel title={o.overTime} extra={<div className="row" style={{ justifyContent: "flex-end" }}><Segmented<SeriesView["span"]> size="small" value={span} onChange={setSpan} options={SPANS.map((value) => ({ value, label: o.spans[value] }))} /></div>}>
      <Loaded query={series} rows={8}>
        {(found) => (
          <div className="grid charts">
            <Plot title={o.rateChart} times={found.time_ms} span={found.span} format={(value) => `${f.rate(value)}${o.perSecond}`} lines={Object.entries(found.rate_per_s).map(([name, values]) => ({ name: o.interfaces[name] ?? name, values, ...(name !== BEHIND && { stack: "asked" }) }))} />
            <Plot title={o.latencyChart} times={found.time_ms} span={found.span} log format={(value) => latency(value, f)} lines={[{ name: o.p50, values: found.p50_us }, { name: o.p99, values: found.p99_us }]} />
            <Plot title={o.failureChart} times={found.time_ms} span={found.span} bars format={(value) => f.number(value)} lines={Object.entries(found.failed).map(([name, values]) => ({ name: o.outcomes[name] ?? name, values, stack: "failed" }))} />
            <Plot title={o.hitChart} times={found.time_ms} span={found.span} most={1} format={(value) => f.percent(value)} lines={[{ name: o.hits, values: found.hit_ratio }]} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

interface Line { name: string; values: (number | null)[]; stack?: string }
interface PlotProps { title: string; times: number[]; span: SeriesView["span"]; lines: Line[]; format: (value: number) => string; bars?: boolean; log?: boolean; most?: number }

function Plot({ title, times, span, lines, format, bars = false, log = false, most }: PlotProps): JSX.Element {
  const f = useFormat();
  const p = PALETTES[useDark() ? "dark" : "light"];
  const element = useRef<HTMLDivElement>(null);
  const { chart } = usePlot(element);
  useEffect(() => {
    const label = (ms: number): string => (span === "month" ? f.date(ms).slice(-5) : f.timeOfDay(ms).slice(0, 5));
    chart?.setOption({
      animation: false, textStyle: { fontFamily: FONT }, color: [...p.series],
      grid: { left: 56, right: 12, top: 8, bottom: 22 },
      xAxis: { type: "category", boundaryGap: bars, data: times.map(label), axisLabel: { color: p.quiet, hideOverlap: true, fontSize: 11 }, axisTick: { show: false }, axisLine: { lineStyle: { color: p.line } } },
      yAxis: { type: log ? "log" : "value", ...(!log && { min: 0 }), ...(most !== undefined && { max: most, interval: most / 2 }), ...(bars && { minInterval: 1 }), axisLabel: { color: p.quiet, fontSize: 11, hideOverlap: true, formatter: format }, splitNumber: 3, splitLine: { lineStyle: { color: p.line } } },
      tooltip: {
        trigger: "axis", confine: true, backgroundColor: p.raised, borderColor: p.line, textStyle: { color: p.text, fontSize: 12 },
        formatter: (items: { dataIndex: number; seriesIndex: number; marker: string; value: number | null }[]) => [f.time(times[items[0]?.dataIndex ?? 0] ?? 0), ...items.filter((one) => typeof one.value === "number" && (one.value > 0 || !bars)).map((one) => `${one.marker}${lines[one.seriesIndex]?.name ?? ""} <b>${format(one.value ?? 0)}</b>`)].join("<br>"),
      },
      series: lines.map((line) => ({ type: bars ? "bar" : "line", name: line.name, data: line.values, symbol: "circle", symbolSize: 4, showSymbol: line.values.filter((value) => value !== null).length < 20, connectNulls: false, barMaxWidth: 16, lineStyle: { width: 1.6 }, ...(line.stack && { stack: line.stack }), ...(!bars && line.stack && { areaStyle: { opacity: 0.18 } }) })),
    }, { notMerge: true });
  }, [chart, times, span, lines, p, f, bars, log, most, format]);
  return (
    <figure style={{ margin: 0, minWidth: 0 }}>
      <figcaption className="row wrap small" style={{ gap: "0 12px", minHeight: 20 }}><b>{title}</b>{lines.length > 1 && lines.map((line, i) => <span key={line.name} className="mark quiet"><i className="dot" style={{ background: p.series[i % p.series.length] }} />{line.name}</span>)}</figcaption>
      <div ref={element} style={{ height: 180 }} role="img" aria-label={title} />
    </figure>
  );
}
