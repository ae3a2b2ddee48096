/** Which column of a file is what, and sending the file. */
import { request } from "../../api/client";
import type { ImportColumn, ImportInfo, TemplateField } from "../../api/identifiers";

export const IDENTIFIER = "identifier";
export const FIELDS = "fields.";
export const LINKS = "links.";
const PART_BYTES = 4 * 1024 * 1024;

/** Targets by column; an empty one is left out. */
export type Mapping = Record<string, string>;

/** What the node took the columns for, with what the person said on top. */
export const mappingOf = (columns: readonly ImportColumn[], said: Mapping): Mapping => Object.fromEntries(columns.map(({ name, target }) => [name, said[name] ?? target ?? ""]));

export interface MappingFaults { missing: TemplateField[]; twice: string[]; noIdentifier: boolean }

/** What is wrong with it; `made`: identifiers are made, so that no column has them. */
export function faultsOf(mapping: Mapping, fields: readonly TemplateField[], made: boolean): MappingFaults {
  const used = Object.values(mapping).filter(Boolean);
  return {
    missing: fields.filter((field) => field.required === true && !used.includes(FIELDS + field.name)),
    twice: [...new Set(used.filter((target, place) => !target.startsWith(LINKS) && used.indexOf(target) !== place))],
    noIdentifier: !made && !used.includes(IDENTIFIER),
  };
}
export const isFine = (faults: MappingFaults): boolean => faults.missing.length === 0 && faults.twice.length === 0 && !faults.noIdentifier;

/** Sends what the node does not have of a file yet, part by part. @throws ProblemError */
export async function sendFile(importId: string, file: Blob, from: number, told: (bytes: number) => void): Promise<ImportInfo | null> {
  let info: ImportInfo | null = null;
  for (let offset = from; offset < file.size;) {
    info = await request<ImportInfo>("PUT", `/identifiers/imports/${importId}/file`, { query: { offset }, rawBody: file.slice(offset, offset + PART_BYTES), contentType: "application/octet-stream" });
    offset = info.file_bytes;
    told(offset);
  }
  return info;
}

/** Which share of the rows was read; null while it is not known of how many. */
export const shareOf = (info: Pick<ImportInfo, "rows" | "total" | "state">): number | null =>
  info.state === "done" ? 1 : info.total === null ? null : info.total === 0 ? 1 : Math.min(1, info.rows / info.total);
