/** What a thing is called, from the fields of its record. */
import type { IdentifierItem } from "../../api/identifiers";

const TITLES = ["name", "title", "label", "description", "model", "serial_number", "number"];

/** The first of the usual names that says something; empty where none does. */
export function titleOf(fields: IdentifierItem["fields"]): string {
  for (const name of TITLES) {
    const value = fields[name];
    if (typeof value === "string" && value.trim() !== "") return value;
  }
  return "";
}

/** Some of the other fields, in a line. */
export function briefly(fields: IdentifierItem["fields"], most = 3): string {
  const title = titleOf(fields);
  const plain = Object.values(fields).flatMap((value) => (Array.isArray(value) ? (value as unknown[]).slice(0, 2) : [value])).filter((value): value is string | number => (typeof value === "string" && value.trim() !== "" && value !== title && value.length < 60) || typeof value === "number");
  return plain.slice(0, most).join(" · ");
}
