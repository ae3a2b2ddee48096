import type { Formatter } from "../../i18n";

/** Microseconds as people say them. */
export function latency(us: number | null | undefined, f: Formatter): string {
  if (us === null || us === undefined) return "–";
  if (us < 1000) return `${f.value(us, 3)} µs`;
  return us < 1_000_000 ? `${f.value(us / 1000, 3)} ms` : `${f.value(us / 1_000_000, 3)} s`;
}
