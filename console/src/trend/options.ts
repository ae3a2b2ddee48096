import type { EChartsCoreOption } from "echarts/core";

import type { Palette } from "../app/theme";
import { FONT } from "../app/theme";
import { type Formatter } from "../i18n";
import { unitSign } from "../i18n/format";
import { type DrawnSeries, lonely, nearest, type TimeRange, unitsOf } from "./series";

const STRIP_GAP = 40;
const TOP = 24;
const BOTTOM = 28;
export const PLOT_LEFT = 64;
export const PLOT_RIGHT = 16;

export interface Look { palette: Palette; format: Formatter; title: (property: string) => string; words: { min: string; max: string; mean: string }; height: number; phone: boolean }

/** Ticks of a time axis, short enough for the span. */
export function axisTime(format: Formatter, spanMs: number): (ms: number) => string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return (ms) => {
    const t = new Date(ms);
    if (spanMs > 200 * 86_400_000) return `${t.getFullYear()}-${two(t.getMonth() + 1)}`;
    if (spanMs > 2.5 * 86_400_000) return `${two(t.getMonth() + 1)}-${two(t.getDate())}`;
    if (spanMs > 900_000) return `${t.getHours() === 0 && t.getMinutes() === 0 ? `${two(t.getMonth() + 1)}-${two(t.getDate())}` : `${two(t.getHours())}:${two(t.getMinutes())}`}`;
    return format.timeOfDay(ms, spanMs < 10_000);
  };
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);

/** One strip for each unit, one below the other, on a common time axis. */
export function trendOption(drawn: readonly DrawnSeries[], order: readonly string[], range: TimeRange, look: Look): EChartsCoreOption {
  const { palette, format } = look;
  const units = unitsOf(drawn);
  const strips = Math.max(1, units.length);
  const stripHeight = (look.height - TOP - BOTTOM - STRIP_GAP * (strips - 1)) / strips;
  const top = (i: number): number => TOP + i * (stripHeight + STRIP_GAP);
  const colour = (property: string): string => palette.series[order.indexOf(property) % palette.series.length] ?? palette.accent;
  const stamp = axisTime(format, range.to_ms - range.from_ms);
  const shown = units.length ? units : [""];
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    grid: shown.map((_, i) => ({ left: PLOT_LEFT, right: PLOT_RIGHT, top: top(i), height: stripHeight })),
    xAxis: shown.map((_, i) => ({
      type: "time", gridIndex: i, min: range.from_ms, max: range.to_ms,
      axisLine: { lineStyle: { color: palette.line } }, axisTick: { show: i === strips - 1, lineStyle: { color: palette.line } }, splitLine: { show: false }, splitNumber: look.phone ? 3 : 7,
      axisLabel: { show: i === strips - 1, color: palette.quiet, hideOverlap: true, formatter: stamp },
      axisPointer: { label: { show: false }, lineStyle: { color: palette.faint } },
    })),
    yAxis: shown.map((unit, i) => ({
      type: "value", gridIndex: i, scale: true, name: unitSign(unit), nameGap: 8, nameTextStyle: { color: palette.quiet, align: "right", padding: [0, 8, 0, 0] }, splitNumber: strips > 2 ? 2 : 4,
      axisLabel: { color: palette.quiet, formatter: (v: number) => (Math.abs(v) >= 1e5 ? format.compact(v) : format.value(v)) }, splitLine: { lineStyle: { color: palette.line, opacity: 0.7 } },
    })),
    tooltip: {
      trigger: "axis", confine: true, backgroundColor: palette.raised, borderColor: palette.line, padding: 10, textStyle: { color: palette.text, fontSize: 12 }, transitionDuration: 0,
      formatter: (items: { axisValue: number }[]) => tooltip(items[0]?.axisValue ?? range.from_ms, drawn, colour, look, range.to_ms - range.from_ms),
    },
    series: drawn.flatMap((series) => {
      const at = Math.max(0, units.indexOf(series.unit));
      const common = { type: "line" as const, xAxisIndex: at, yAxisIndex: at, showSymbol: false, silent: true, connectNulls: false, emphasis: { disabled: true } };
      const tint = colour(series.property);
      const alone = lonely(series.mean);
      return [
        { ...common, id: `${series.property}/low`, stack: series.property, stackStrategy: "all", data: series.low, lineStyle: { width: 0, opacity: 0 }, tooltip: { show: false } },
        { ...common, id: `${series.property}/spread`, stack: series.property, stackStrategy: "all", data: series.spread, lineStyle: { width: 0, opacity: 0 }, areaStyle: { color: tint, opacity: 0.18 }, tooltip: { show: false } },
        { ...common, id: `${series.property}/mean`, data: series.mean, lineStyle: { width: 1.6, color: tint }, itemStyle: { color: tint }, z: 3, ...(alone.size > 0 && { showSymbol: true, symbol: "circle", symbolSize: (_: unknown, point: { dataIndex: number }) => (alone.has(point.dataIndex) ? 4 : 0) }) },
      ];
    }),
  };
}

function tooltip(time: number, drawn: readonly DrawnSeries[], colour: (p: string) => string, look: Look, spanMs: number): string {
  const { format, words, palette } = look;
  const head = `<div style="margin-bottom:6px;color:${palette.quiet}">${format.date(time)} ${format.timeOfDay(time, spanMs < 60_000)}</div>`;
  const rows = drawn.map((series) => {
    const i = nearest(series.mean, time);
    const point = series.mean[i];
    const value = point?.[1] ?? null;
    const low = series.low[i]?.[1] ?? null;
    const spread = series.spread[i]?.[1] ?? null;
    const band = low !== null && spread !== null && spread > 0 ? `<span style="color:${palette.quiet}"> ${words.min} ${format.value(low)} · ${words.max} ${format.value(low + spread)}</span>` : "";
    return `<div><span style="display:inline-block;width:10px;height:3px;vertical-align:middle;margin-right:6px;background:${colour(series.property)}"></span>${escape(look.title(series.property))} <b style="font-variant-numeric:tabular-nums">${escape(format.withUnit(value, series.unit))}</b>${band}</div>`;
  });
  return head + rows.join("");
}
