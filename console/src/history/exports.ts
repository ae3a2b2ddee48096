/** Exports of readings: what the API says, and between it and the form. */
import type { components } from "../api/schema";

type Schemas = components["schemas"];
export type ReadingExport = Schemas["ReadingExportInfo"];
export type ExportRun = Schemas["ReadingExportRun"];
export const EXPORTS = "/readings/exports";
export const WIDTHS_S = [1, 10, 60, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 28_800, 43_200, 86_400];
export const AGGREGATES = ["min", "max", "mean", "first", "last", "count", "twm"];

export interface ExportFields {
  name: string; enabled: boolean; among: "every" | "chosen" | "fitting"; device_ids?: string[]; place_id?: string; model_id?: string; tag?: string; properties?: string[];
  rows: "readings" | "buckets"; bucket_s: number; aggregates: string[]; format: string; time_zone: string; window: string; hours: number; from?: string; to?: string;
  when: string; at: string; weekday: number; day: number; keep_runs: number; keep_days: number;
}

/** The local date and time as the browser's field writes it. */
const typed = (ms: number): string => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

export const firstFields = (): ExportFields => ({
  name: "", enabled: true, among: "every", rows: "readings", bucket_s: 3600, aggregates: ["min", "max", "mean"], format: "csv", time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  window: "day", hours: 24, when: "day", at: "01:00", weekday: 1, day: 1, keep_runs: 30, keep_days: 90,
});

export function fieldsOf({ name, enabled, settings }: ReadingExport): ExportFields {
  const { schedule } = settings;
  const selection: Partial<Schemas["ExportSelection"]> = settings.selection ?? {};
  const window: Partial<Schemas["ExportWindow"]> = settings.window ?? {};
  const fitting = Boolean(selection.place_id ?? selection.model_id ?? selection.tag);
  const kind = window.kind ?? "previous";
  return {
    ...firstFields(), name, enabled, among: (selection.device_ids ?? []).length > 0 ? "chosen" : fitting ? "fitting" : "every", device_ids: selection.device_ids ?? [], properties: selection.properties ?? [],
    ...(selection.place_id && { place_id: selection.place_id }), ...(selection.model_id && { model_id: selection.model_id }), ...(selection.tag && { tag: selection.tag }),
    rows: settings.rows ?? "readings", bucket_s: settings.bucket_s ?? 3600, aggregates: settings.aggregates ?? ["min", "max", "mean"], format: settings.format ?? "csv", time_zone: settings.time_zone ?? "UTC",
    window: kind === "previous" ? window.unit ?? "day" : kind, hours: window.hours ?? 24, ...(window.from_ms && { from: typed(window.from_ms) }), ...(window.to_ms && { to: typed(window.to_ms) }),
    when: schedule ? schedule.every ?? "day" : "hand", at: schedule?.at ?? "01:00", weekday: schedule?.weekday ?? 1, day: schedule?.day ?? 1, keep_runs: settings.keep_runs ?? 30, keep_days: settings.keep_days ?? 90,
  };
}

/** What the node is sent: only what is said in the form as it stands. */
export function bodyOf(v: ExportFields): Record<string, unknown> {
  const between = v.window === "between";
  const selection = v.among === "chosen" ? { device_ids: v.device_ids ?? [] } : v.among === "fitting" ? { place_id: v.place_id ?? null, model_id: v.model_id ?? null, tag: v.tag?.trim() || null } : {};
  const window = between ? { kind: "between", from_ms: Date.parse(v.from ?? ""), to_ms: Date.parse(v.to ?? "") } : v.window === "new" ? { kind: "new" } : v.window === "last" ? { kind: "last", hours: v.hours } : { kind: "previous", unit: v.window };
  return {
    name: v.name, enabled: v.enabled,
    settings: {
      selection: { ...selection, properties: v.properties ?? [] }, format: v.format, time_zone: v.time_zone, window, keep_runs: v.keep_runs, keep_days: v.keep_days,
      ...(v.rows === "buckets" && v.window !== "new" && { rows: "buckets", bucket_s: v.bucket_s, aggregates: v.aggregates }),
      schedule: between || v.when === "hand" ? null : { every: v.when, at: v.at, weekday: v.weekday, day: v.day },
    },
  };
}

export const isBusy = (run: ExportRun | null | undefined): boolean => run?.state === "waiting" || run?.state === "running";
