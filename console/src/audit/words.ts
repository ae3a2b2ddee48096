import type { LedgerEntry } from "../api/model";
import type { Dictionary } from "../i18n/en";

/** What was done, in words; an action that has none is shown by its name. */
export const actionWords = (action: string, t: Dictionary): string => (t.audit.actions as Record<string, string>)[action] ?? action;

export const actorWords = (entry: LedgerEntry, t: Dictionary): string => entry.actor.name ?? (entry.erased.includes("actor.name") ? t.audit.erased : entry.actor.id || t.audit.actorKinds[entry.actor.kind]);

export const targetWords = (entry: LedgerEntry, t: Dictionary): string => {
  const kind = (t.audit.kinds as Record<string, string>)[entry.target.kind] ?? entry.target.kind;
  const name = entry.target.name ?? (entry.erased.includes("target.name") ? t.audit.erased : entry.target.id);
  return name && entry.target.kind !== "session" ? `${kind} ${name}` : kind;
};

/** Where the console shows the object, if it does. */
export function linkOf(entry: LedgerEntry): string | null {
  const { kind, id } = entry.target;
  if (!id || entry.action.endsWith(".remove")) return null;
  return { device: `/devices/${id}`, model: `/models/${id}`, rule: `/rules?rule=${id}`, prefix: `/prefixes/${id}`, identifier_template: `/identifier-templates/${id}`, identifier: `/identifiers/record?identifier=${encodeURIComponent(id)}`, alarm: `/alarms?alarm=${id}` }[kind] ?? null;
}

const plain = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
export const absent = (value: unknown): boolean => value === null || value === undefined;
/** A changed value; a moment (a field in `_ms` since 1970) as `time` writes it. */
export const changeWords = (path: string, value: unknown, time: (ms: number) => string): string =>
  typeof value === "number" && path.endsWith("_ms") && value > 1e11 ? time(value) : valueWords(value);
export const valueWords = (value: unknown): string => (absent(value) ? "–" : plain(value));
