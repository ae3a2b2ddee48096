/** From the node's buckets to what a chart draws. No drawing here: this is tested without a browser. */
import type { Buckets, BucketSeries, Value } from "../api/model";
import type { LiveReadings } from "../api/live";

export type Point = [time_ms: number, value: number | null];
export interface DrawnSeries { property: string; unit: string; mean: Point[]; low: Point[]; spread: Point[] }
export interface TimeRange { from_ms: number; to_ms: number }

/** At most this many buckets are asked for, however wide the screen: the API's own limit is above it. */
export const MOST_BUCKETS = 4000;
const LEAST_BUCKETS = 50;

/** One bucket for each pixel of the plot. */
export const bucketsFor = (plotWidthPx: number): number => Math.max(LEAST_BUCKETS, Math.min(MOST_BUCKETS, Math.floor(plotWidthPx)));

/**
 * Mean line and min–max band of one property. A bucket stands at its middle; a bucket of nulls breaks line and band;
 * a bucket that is left out does not (the device reports more slowly than the buckets are wide).
 */
export function draw(series: BucketSeries, widthMs: number): DrawnSeries {
  const mean: Point[] = [];
  const low: Point[] = [];
  const spread: Point[] = [];
  for (let i = 0; i < series.time_ms.length; i++) {
    const time = (series.time_ms[i] ?? 0) + widthMs / 2;
    const middle = series.mean?.[i] ?? null;
    const minimum = series.min?.[i] ?? middle;
    const maximum = series.max?.[i] ?? middle;
    mean.push([time, middle]);
    low.push([time, minimum]);
    spread.push([time, minimum === null || maximum === null ? null : maximum - minimum]);
  }
  return { property: series.property, unit: series.unit ?? "", mean, low, spread };
}

export const drawAll = (buckets: Buckets): DrawnSeries[] => buckets.series.map((series) => draw(series, buckets.width_ms));

const asNumber = (value: Value): number | null => (typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : null);

/** Live readings newer than the last bucket go on the end of the line, until the buckets are asked for again. */
export function extend(drawn: readonly DrawnSeries[], tail: ReadonlyMap<string, Point[]>): DrawnSeries[] {
  return drawn.map((series) => {
    const last = series.mean.at(-1)?.[0] ?? -Infinity;
    const fresh = (tail.get(series.property) ?? []).filter(([time]) => time > last);
    return fresh.length ? { ...series, mean: [...series.mean, ...fresh] } : series;
  });
}

const MOST_TAIL = 600;
/** Keeps the live readings of the drawn properties in order of time, no more than are of use. */
export function remember(tail: Map<string, Point[]>, event: LiveReadings, properties: readonly string[]): void {
  for (const [property, time, value, quality] of event.readings) {
    if (!properties.includes(property) || quality === 0) continue;
    const points = tail.get(property) ?? [];
    if ((points.at(-1)?.[0] ?? -Infinity) < time) points.push([time, asNumber(value)]);
    tail.set(property, points.length > MOST_TAIL ? points.slice(-MOST_TAIL) : points);
  }
}

/** Zooms around a moment (`at` from 0 to 1 within the range); never below a second, never beyond ten years. */
export function zoom(range: TimeRange, factor: number, at: number): TimeRange {
  const span = range.to_ms - range.from_ms;
  const wanted = Math.max(1000, Math.min(10 * 31_557_600_000, span * factor));
  const centre = range.from_ms + span * at;
  const from = Math.round(centre - wanted * at);
  return { from_ms: from, to_ms: Math.round(from + wanted) };
}

export const pan = (range: TimeRange, share: number): TimeRange => {
  const by = Math.round((range.to_ms - range.from_ms) * share);
  return { from_ms: range.from_ms + by, to_ms: range.to_ms + by };
};

/** Where the ends of the line lie, to see if a range holds anything at all. */
export const hasPoints = (drawn: readonly DrawnSeries[]): boolean => drawn.some((series) => series.mean.some(([, value]) => value !== null));

/** Points that stand alone between gaps: a line would not show them. */
export function lonely(points: readonly Point[]): Set<number> {
  const empty = (i: number): boolean => (points[i]?.[1] ?? null) === null;
  const found = new Set<number>();
  for (let i = 0; i < points.length; i++) if (!empty(i) && empty(i - 1) && empty(i + 1)) found.add(i);
  return found;
}

/** Units in order of appearance: each gets a strip of its own, because two units share no axis. */
export const unitsOf = (drawn: readonly { unit: string }[]): string[] => [...new Set(drawn.map((series) => series.unit))];

/** The point of a line nearest to a moment, by binary search; null when the line has none. */
export function nearest(points: readonly Point[], time: number): number {
  let low = 0;
  let high = points.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? 0) < time) low = middle;
    else high = middle;
  }
  return Math.abs((points[low]?.[0] ?? 0) - time) <= Math.abs((points[high]?.[0] ?? 0) - time) ? low : high;
}
