import type { Language } from "../app/preferences";
import type { Value } from "../api/model";

const SECOND = 1000;
const UNITS: [ms: number, en: string, zh: string][] = [
  [31_557_600 * SECOND, "y", "年"],
  [86_400 * SECOND, "d", "天"],
  [3600 * SECOND, "h", "小时"],
  [60 * SECOND, "min", "分钟"],
  [SECOND, "s", "秒"],
  [1, "ms", "毫秒"],
];
const SIZES = ["B", "KB", "MB", "GB", "TB", "PB"];

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const raise = (digits: string): string => [...digits].map((d) => (d === "-" ? "⁻" : RAISED[Number(d)] ?? "")).join("");

/** UCUM codes that people know by another sign; the others are set as UCUM is printed. */
const UNIT_SIGNS: Record<string, string> = {
  Cel: "°C", "[degF]": "°F", K: "K", "%": "%", "m3/h": "m³/h", "m3": "m³", "m2": "m²", Ohm: "Ω", deg: "°", "1": "", "kg/m3": "kg/m³", "mm[Hg]": "mmHg", "{rpm}": "rpm", "/min": "1/min", "m/s2": "m/s²", um: "µm", us: "µs",
};
/** A UCUM code as it is printed: `10*3.m3/h` is 10³·m³/h. */
export function unitSign(unit: string | null | undefined): string {
  if (!unit) return "";
  return UNIT_SIGNS[unit] ?? unit
    .replace(/10[*^](-?\d+)/g, (_, power: string) => `10${raise(power)}`)
    .replace(/([A-Za-z\]])(-?\d+)/g, (_, symbol: string, power: string) => symbol + raise(power))
    .replace(/\{([^}]*)\}/g, "$1").replace(/\[([^\]]*)\]/g, "$1").replace(/\bCel\b/g, "°C").replace(/\bu(?=[A-Za-z])/g, "µ").replaceAll(".", "·");
}

export interface Formatter {
  number(value: number): string;
  value(value: Value | undefined, digits?: number): string;
  withUnit(value: Value | undefined, unit: string | null | undefined): string;
  rate(value: number): string;
  compact(value: number): string;
  bytes(value: number): string;
  percent(share: number): string;
  duration(ms: number): string;
  seconds(s: number): string;
  time(ms: number): string;
  timeOfDay(ms: number, withMs?: boolean): string;
  date(ms: number): string;
  ago(ms: number, nowMs: number): string;
}

/** Up to six significant digits, never in exponents that an operator would misread, except for the very small and large. */
function significant(locale: string, value: number, most = 6): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e12)) return value.toExponential(3);
  const digits = size >= 10 ** most ? 0 : most;
  return digits
    ? value.toLocaleString(locale, { maximumSignificantDigits: digits })
    : value.toLocaleString(locale, { maximumFractionDigits: 0 });
}

export function formatter(locale: string, language: Language): Formatter {
  const two = (n: number): string => String(n).padStart(2, "0");
  const date = new Intl.DateTimeFormat(locale, { year: "numeric", month: "2-digit", day: "2-digit" });
  const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });

  const duration = (ms: number): string => {
    const left = Math.max(0, ms);
    const i = UNITS.findIndex(([size]) => left >= size);
    if (i < 0) return language === "zh" ? "0 秒" : "0 s";
    const [size, enName, zhName] = UNITS[i] as (typeof UNITS)[number];
    const name = language === "zh" ? zhName : enName;
    const whole = Math.floor(left / size);
    const following = UNITS[i + 1];
    // Two units while the first is small: "1 h 20 min", "3 d 4 h"; below ten seconds one decimal.
    if (size === SECOND && left < 10 * SECOND) return `${(left / SECOND).toLocaleString(locale, { maximumFractionDigits: 1 })} ${name}`;
    if (!following || size <= SECOND || whole >= 10) return `${whole} ${name}`;
    const rest = Math.floor((left - whole * size) / following[0]);
    return rest ? `${whole} ${name} ${rest} ${language === "zh" ? following[2] : following[1]}` : `${whole} ${name}`;
  };

  const timeOfDay = (ms: number, withMs = false): string => {
    const t = new Date(ms);
    return `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}${withMs ? `.${String(t.getMilliseconds()).padStart(3, "0")}` : ""}`;
  };
  const value = (v: Value | undefined, digits?: number): string => {
    if (v === null || v === undefined) return "–";
    if (typeof v === "boolean") return language === "zh" ? (v ? "是" : "否") : v ? "yes" : "no";
    return typeof v === "number" ? (Number.isFinite(v) ? significant(locale, v, digits) : "–") : v;
  };
  return {
    number: (n) => n.toLocaleString(locale),
    value,
    withUnit: (v, unit) => [value(v), unitSign(unit)].filter(Boolean).join(" "),
    rate: (n) => (n >= 100 || n === 0 ? Math.round(n).toLocaleString(locale) : n.toLocaleString(locale, { maximumSignificantDigits: 2 })),
    compact: (n) => compact.format(n),
    bytes: (n) => {
      const i = n > 0 ? Math.min(SIZES.length - 1, Math.floor(Math.log(n) / Math.log(1024))) : 0;
      const size = n / 1024 ** i;
      return `${size.toLocaleString(locale, { maximumFractionDigits: size < 10 && i > 0 ? 1 : 0 })} ${SIZES[i] ?? "B"}`;
    },
    percent: (share) => share.toLocaleString(locale, { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 }),
    duration,
    seconds: (s) => duration(s * SECOND),
    time: (ms) => `${date.format(ms)} ${timeOfDay(ms)}`,
    timeOfDay,
    date: (ms) => date.format(ms),
    ago: (ms, nowMs) => {
      const age = nowMs - ms;
      if (age < 1500) return language === "zh" ? "刚刚" : "just now";
      return language === "zh" ? `${duration(age)}前` : `${duration(age)} ago`;
    },
  };
}
