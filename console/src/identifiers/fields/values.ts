/** Between what is typed into the form of a template and the fields that the node takes. */
import type { TemplateField } from "../../api/identifiers";
import { whole } from "../templates/document";

/** What the inputs hold: by the field's name, and a list of them where it is repeated. */
export type Entered = Record<string, unknown>;
export interface Quantity { value: number | null; unit: string }
export interface Place { latitude: number | null; longitude: number | null }
export interface FileValue { digest: string; name?: string; media_type?: string; size?: number; url?: string }

const JSON_WRONG = Symbol("no JSON");
const empty = (value: unknown): boolean => value === undefined || value === null || value === "";

/** A time as a field of the browser has it, and with the offset of where the person is. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
export function withOffset(local: string): string {
  const found = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?$/.exec(local);
  if (!found) return local;
  const minutes = -new Date(local).getTimezoneOffset();
  const two = (n: number): string => String(n).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${found[1] ?? ""}${found[2] ?? ":00"}${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function valueOf(field: TemplateField, raw: unknown): unknown {
  if (empty(raw)) return undefined;
  switch (whole(field).type) {
    case "datetime": return withOffset(String(raw));
    case "quantity": {
      const { value, unit } = raw as Quantity;
      return value === null ? undefined : { value, unit: unit || field.unit };
    }
    case "geo": {
      const { latitude, longitude } = raw as Place;
      return latitude === null && longitude === null ? undefined : { ...(raw as Place), latitude: latitude ?? 0, longitude: longitude ?? 0 };
    }
    case "file": {
      const file = raw as FileValue;
      return file.digest.trim() === "" ? undefined : Object.fromEntries(Object.entries(file).filter(([, value]) => !empty(value)));
    }
    case "json":
      try {
        return JSON.parse(String(raw)) as unknown;
      } catch {
        return JSON_WRONG;
      }
    default: return typeof raw === "string" ? raw.trim() || undefined : raw;
  }
}

/** What the input of a field shows of a value that the node gave. */
export function rawOf(field: TemplateField, value: unknown): unknown {
  const f = whole(field);
  const one = (each: unknown): unknown => (f.type === "datetime" ? localTime(String(each)) : f.type === "json" ? JSON.stringify(each, null, 2) : each);
  return f.repeated ? (Array.isArray(value) ? value : [value]).map(one) : one(value);
}

/** What the node takes of what was typed; `faults` are the fields whose text is no JSON. */
export function fieldsOf(fields: readonly TemplateField[], entered: Entered): { fields: Record<string, unknown>; faults: string[] } {
  const made: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const field of fields) {
    const raw = entered[field.name];
    if (field.repeated) {
      const values = (Array.isArray(raw) ? raw : []).map((each) => valueOf(field, each)).filter((each) => each !== undefined);
      if (values.includes(JSON_WRONG)) faults.push(field.name);
      else if (values.length > 0) made[field.name] = values;
    } else {
      const value = valueOf(field, raw);
      if (value === JSON_WRONG) faults.push(field.name);
      else if (value !== undefined) made[field.name] = value;
    }
  }
  return { fields: made, faults };
}

/** What the inputs hold of a record that is there. */
export const enteredOf = (fields: readonly TemplateField[], values: Record<string, unknown>): Entered =>
  Object.fromEntries(fields.filter((field) => values[field.name] !== undefined && values[field.name] !== null).map((field) => [field.name, rawOf(field, values[field.name])]));

/** The digest of a file; none where the browser keeps that from pages over plain HTTP. */
export async function digestOf(file: Blob): Promise<string | null> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  if (!subtle) return null;
  const digest = new Uint8Array(await subtle.digest("SHA-256", await file.arrayBuffer()));
  return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
