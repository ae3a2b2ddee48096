/** A template's document as it is edited: its rules, its order, and what two versions differ in. */
import type { TemplateDocument, TemplateField } from "../../api/identifiers";

export const RANGED: readonly string[] = ["text", "integer", "number", "quantity"];
const DEFAULTS = { type: "text", label: "", label_zh: "", description: "", required: false, repeated: false, pattern: null, minimum: null, maximum: null, values: [], unit: null, system: null, visibility: "public", granted_to: null, ttl: 86_400, handle_type: null } as const;
export type WholeField = Required<Omit<TemplateField, "values">> & { values: NonNullable<TemplateField["values"]> };

/** The field with what the node leaves out. */
export const whole = (field: TemplateField): WholeField => ({ ...DEFAULTS, ...field, values: field.values ?? [] });

/** A number that no field here has, and none had before. */
export const nextNumber = (fields: readonly TemplateField[], before: readonly TemplateField[] = []): number =>
  Math.max(0, ...fields.map((one) => one.number), ...before.map((one) => one.number)) + 1;

/** The list with one of it at another place. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = [...list];
  const [one] = rest.splice(from, 1);
  if (one === undefined || to < 0 || to > rest.length) return [...list];
  rest.splice(to, 0, one);
  return rest;
}

/** The field without what its type has no use for. */
export function tidyField(field: TemplateField): TemplateField {
  const f = whole(field);
  const text = (value: string | null): string | null => (value === null || value.trim() === "" ? null : value.trim());
  return {
    ...f, name: f.name.trim(), label: f.label.trim(), label_zh: f.label_zh.trim(),
    pattern: f.type === "text" || f.type === "url" ? text(f.pattern) : null,
    minimum: RANGED.includes(f.type) ? f.minimum : null, maximum: RANGED.includes(f.type) ? f.maximum : null,
    values: f.type === "enum" ? f.values : [], unit: f.type === "quantity" ? text(f.unit) : null, system: f.type === "reference" ? text(f.system) : null,
    granted_to: f.visibility === "granted" && f.granted_to && ((f.granted_to.organisations?.length ?? 0) > 0 || (f.granted_to.roles?.length ?? 0) > 0) ? f.granted_to : null,
    handle_type: text(f.handle_type),
  };
}

export const tidyDocument = (document: TemplateDocument): TemplateDocument => ({
  name: document.name.trim(), title: document.title?.trim() ?? "", title_zh: document.title_zh?.trim() ?? "", description: document.description?.trim() ?? "", description_zh: document.description_zh?.trim() ?? "",
  fields: (document.fields ?? []).map(tidyField),
});

export type Fault = "nameWrong" | "nameTwice" | "numberTwice" | "valuesNeeded" | "unitNeeded" | "rangeWrong";

/** What the node would refuse, by the place of the field; those that it says itself are left to it. */
export function faultsOf(fields: readonly TemplateField[]): Map<number, Fault[]> {
  const found = new Map<number, Fault[]>();
  fields.forEach((field, place) => {
    const f = whole(field);
    const faults: Fault[] = [];
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(f.name)) faults.push("nameWrong");
    else if (fields.some((other, at) => at !== place && other.name === f.name)) faults.push("nameTwice");
    if (fields.some((other, at) => at !== place && other.number === f.number)) faults.push("numberTwice");
    if (f.type === "enum" && f.values.length === 0) faults.push("valuesNeeded");
    if (f.type === "quantity" && !f.unit) faults.push("unitNeeded");
    if (RANGED.includes(f.type) && f.minimum !== null && f.maximum !== null && f.minimum > f.maximum) faults.push("rangeWrong");
    if (faults.length > 0) found.set(place, faults);
  });
  return found;
}

/** Values of an enum as lines `value | label | Chinese label`, and back. */
export const linesOfValues = (values: WholeField["values"]): string => values.map((one) => [one.value, one.label, one.label_zh].join(" | ").replace(/( \| )+$/, "")).join("\n");
export const valuesOfLines = (text: string): WholeField["values"] =>
  text.split("\n").map((line) => line.split("|").map((part) => part.trim())).filter(([value]) => value).map(([value = "", label = "", labelZh = ""]) => ({ value, label, label_zh: labelZh }));

/** Reads a document out of a file. @throws SyntaxError when it is no JSON, TypeError when it is no template. */
export function parseDocument(text: string): TemplateDocument {
  const found: unknown = JSON.parse(text);
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new TypeError("{ … }");
  const { name, fields = [] } = found as Partial<TemplateDocument>;
  if (typeof name !== "string") throw new TypeError("name");
  if (!Array.isArray(fields)) throw new TypeError("fields");
  fields.forEach((field: Partial<TemplateField> | null, place) => {
    if (typeof field !== "object" || field === null || typeof field.name !== "string" || typeof field.number !== "number") throw new TypeError(`fields/${place}`);
  });
  return { ...found, name, fields };
}

export interface Change { key: string; before: unknown; after: unknown }
export interface Difference { field: TemplateField | null; kind: "added" | "removed" | "changed" | "moved"; changes: Change[] }

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const changesOf = (before: object, after: object, keys: readonly string[]): Change[] =>
  keys.map((key) => ({ key, before: (before as Record<string, unknown>)[key] ?? null, after: (after as Record<string, unknown>)[key] ?? null })).filter((one) => !same(one.before, one.after));

/** What two documents differ in, field by field as they are numbered; `field` null: the document itself. */
export function differencesOf(before: TemplateDocument, after: TemplateDocument): Difference[] {
  const [from, to] = [tidyDocument(before), tidyDocument(after)];
  const old = new Map((from.fields ?? []).map((one) => [one.number, one]));
  const now = new Map((to.fields ?? []).map((one) => [one.number, one]));
  const found: Difference[] = [];
  const own = changesOf(from, to, ["name", "title", "title_zh", "description", "description_zh"]);
  if (own.length > 0) found.push({ field: null, kind: "changed", changes: own });
  // The order of those that both have.
  const kept = [...old.keys()].filter((number) => now.has(number));
  const keptNow = [...now.keys()].filter((number) => old.has(number));
  for (const [number, field] of now) {
    const was = old.get(number);
    if (!was) { found.push({ field, kind: "added", changes: [] }); continue; }
    const changes = changesOf(was, field, ["name", ...Object.keys(DEFAULTS)]);
    if (changes.length > 0) found.push({ field, kind: "changed", changes });
    else if (kept.indexOf(number) !== keptNow.indexOf(number)) found.push({ field, kind: "moved", changes: [] });
  }
  for (const [number, field] of old) if (!now.has(number)) found.push({ field, kind: "removed", changes: [] });
  return found;
}
