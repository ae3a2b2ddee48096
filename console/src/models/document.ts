/** A model as people edit it: the document, without what the node adds. */
import type { ModelProperty, ThingModel } from "../api/model";

export interface ModelDocument {
  name: string; title?: string | null; title_zh?: string | null; description?: string | null; properties: ModelProperty[]; events: unknown[]; services: unknown[];
}
export const EMPTY: ModelDocument = { name: "", title: null, title_zh: null, properties: [{ name: "", type: "number", writable: false }], events: [], services: [] };

export const documentOf = (m: ThingModel): ModelDocument => ({
  name: m.name, title: m.title ?? null, title_zh: m.title_zh ?? null, description: m.description ?? null, properties: m.properties, events: m.events ?? [], services: m.services ?? [],
});

/** What is sent: empty texts are absent, and only numbers have unit and range. */
export function tidy(document: ModelDocument): ModelDocument {
  const text = (value: string | null | undefined): string | null => value?.trim() || null;
  return {
    ...document, name: document.name.trim(), title: text(document.title), title_zh: text(document.title_zh),
    properties: document.properties.map((p) => {
      const numeric = p.type === "number" || p.type === "integer";
      return { ...p, name: p.name.trim(), title: text(p.title), title_zh: text(p.title_zh), unit: numeric ? text(p.unit) : null, minimum: numeric ? p.minimum ?? null : null, maximum: numeric ? p.maximum ?? null : null, writable: p.writable ?? false };
    }),
  };
}

/** Reads a document that somebody typed. @throws SyntaxError when it is no JSON, TypeError when it is no model. */
export function parse(text: string): ModelDocument {
  const found: unknown = JSON.parse(text);
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new TypeError("{ … }");
  const document = found as Partial<ModelDocument>;
  if (typeof document.name !== "string") throw new TypeError("name");
  if (!Array.isArray(document.properties ?? [])) throw new TypeError("properties");
  return { ...EMPTY, ...document, name: document.name, properties: document.properties ?? [], events: document.events ?? [], services: document.services ?? [] };
}
