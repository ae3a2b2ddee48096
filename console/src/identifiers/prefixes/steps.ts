/** The steps of a prefix: where each is sent, what it asks for, and in which order they are offered. */
import type { PrefixDetail } from "../../api/identifiers";

export type Step = "submit" | "review" | "return" | "approve" | "reject" | "activate" | "suspend" | "resume" | "request_renewal" | "renew" | "transfer" | "withdraw";
/** `comment`: may be left out; `reason`: may not; `until`: a date beside the comment; `transfer`: to whom, and why. */
export type Needs = "comment" | "reason" | "until" | "transfer";

export const STEPS: Record<Step, { path: string; needs: Needs; danger?: true }> = {
  submit: { path: "submit", needs: "comment" },
  review: { path: "review", needs: "comment" },
  approve: { path: "approve", needs: "comment" },
  activate: { path: "activate", needs: "until" },
  resume: { path: "resume", needs: "comment" },
  renew: { path: "renew", needs: "until" },
  request_renewal: { path: "renewal-request", needs: "until" },
  return: { path: "return", needs: "reason" },
  suspend: { path: "suspend", needs: "reason", danger: true },
  reject: { path: "reject", needs: "reason", danger: true },
  transfer: { path: "transfer", needs: "transfer", danger: true },
  withdraw: { path: "withdraw", needs: "comment", danger: true },
};
const ORDER = Object.keys(STEPS) as Step[];
const SHOWN = 3;

/** Those that the person may take, the likeliest first: some as buttons, the rest in a menu. */
export function offered(prefix: Pick<PrefixDetail, "allowed" | "renewal">): { first: Step[]; rest: Step[] } {
  const may = ORDER.filter((step) => prefix.allowed.includes(step));
  // Who decides has renewals to grant before the holder has to ask for one.
  const steps = prefix.renewal === null && may.includes("renew") ? [...may.filter((step) => step !== "renew"), "renew" as const] : may;
  const gentle = steps.filter((step) => STEPS[step].danger === undefined);
  const first = gentle.slice(0, SHOWN);
  return { first, rest: steps.filter((step) => !first.includes(step)) };
}

export type Former = "" | "discard" | "pass_on";
export const FORMERS = ["discard", "pass_on"] as const satisfies readonly Former[];
/** `former`: what becomes of names that another holder has left, asked for on approval once the node has said so. */
export interface Wish { comment: string; until: string; to: string; former?: Former }

/** The body of a step; a date holds to the end of its day, where the person is. */
export function bodyOf(step: Step, wish: Wish): Record<string, unknown> {
  const comment = wish.comment.trim();
  const { needs } = STEPS[step];
  if (needs === "until") return { comment, until_ms: endOfDay(wish.until) };
  if (needs === "transfer") return { comment, to_id: wish.to };
  return step === "approve" && wish.former ? { comment, former: wish.former } : { comment };
}

/** Whether all that a step asks for is there. */
export function isComplete(step: Step, wish: Wish, nowMs: number): boolean {
  const { needs } = STEPS[step];
  if ((needs === "reason" || needs === "transfer") && wish.comment.trim() === "") return false;
  if (needs === "transfer" && wish.to.trim() === "") return false;
  return needs !== "until" || wish.until === "" || (endOfDay(wish.until) ?? 0) > nowMs;
}

/** The last millisecond of a day written as `YYYY-MM-DD`; nothing where none is. */
export function endOfDay(day: string): number | null {
  const found = /^(\d{4,6})-(\d{2})-(\d{2})$/.exec(day);
  if (!found) return null;
  return new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]), 23, 59, 59, 999).getTime();
}

/** The day of a time, as a date field has it. */
export function dayOf(ms: number | null): string {
  if (ms === null) return "";
  const day = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${String(day.getFullYear()).padStart(4, "0")}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** The same day some years later. */
export function yearsAfter(ms: number, years: number): string {
  const day = new Date(ms);
  day.setFullYear(day.getFullYear() + years);
  return dayOf(day.getTime());
}

/** Base 64 as the node takes it. */
export const isBase64 = (text: string): boolean => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
