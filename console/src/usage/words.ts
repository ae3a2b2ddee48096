/** How amounts, meters and months are said. */
import type { Formatter } from "../i18n";
import type { Language } from "../app/preferences";

/** So much of a meter: byte-days by their size, all else as whole numbers. */
export const amountOf = (meter: string, quantity: number, f: Formatter, byteDays: (size: string) => string): string =>
  meter === "stored_bytes" ? byteDays(f.bytes(quantity)) : f.number(quantity);

export const meterName = (meter: { text: string; text_zh: string }, language: Language): string => (language === "zh" ? meter.text_zh : meter.text);

/** `2026-11` of a moment, at so many hours from UTC. */
export const monthAt = (ms: number, offsetH: number): string => new Date(ms + offsetH * 3_600_000).toISOString().slice(0, 7);

/** The month so many months before. */
export function monthBefore(month: string, by: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const at = year * 12 + number - 1 - by;
  return `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`;
}
