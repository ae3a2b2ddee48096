/** What a measure is asked for with, and what has to be there before it can be taken. */
import type { MeasureKind, MeasureReach, MeasureScope, Severity } from "../../api/identifiers";

export interface MeasureWish { kind: MeasureKind; scope: MeasureScope; on: string; reason: string; text: string; textZh: string; href: string; severity: Severity; until: string; touched: string }

export const EMPTY: MeasureWish = { kind: "suspend", scope: "identifier", on: "", reason: "", text: "", textZh: "", href: "", severity: "warning", until: "", touched: "" };

/** The time of a date-and-time field in milliseconds; nothing where it is empty. */
export const timeOf = (field: string): number | null => (field === "" ? null : new Date(field).getTime());

/** A time as a date-and-time field has it, where the person is. */
export function fieldOf(ms: number): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The body of the request that takes it. */
export function bodyOf(wish: MeasureWish): Record<string, unknown> {
  const until = timeOf(wish.until);
  return {
    scope: wish.scope, on: wish.on.trim(), reason: wish.reason.trim(), text: wish.text.trim(), text_zh: wish.textZh.trim(),
    ...(until !== null && { until_ms: until }),
    ...(wish.touched.trim() !== "" && { touched: Number(wish.touched) }),
    ...(wish.kind !== "suspend" && { href: wish.href.trim(), severity: wish.severity }),
  };
}

/** Whether all is there; the number must be the one that the preview says. */
export function isComplete(wish: MeasureWish, reach: MeasureReach | undefined, nowMs: number): boolean {
  if (reach === undefined || wish.reason.trim() === "") return false;
  if (reach.confirm && Number(wish.touched) !== reach.touched) return false;
  if (wish.kind === "redirect" && !/^https?:\/\/\S+$/.test(wish.href.trim())) return false;
  if (wish.kind === "announce" && wish.text.trim() === "" && wish.textZh.trim() === "") return false;
  const until = timeOf(wish.until);
  return until === null || until > nowMs;
}

/** The address of the page, with the box open for a target. */
export const emergencyPath = (scope: MeasureScope, on: string): string => `/emergency?take=suspend&scope=${scope}&on=${encodeURIComponent(on)}`;
