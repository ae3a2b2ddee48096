/** Imports of readings: what the API says, sending the file, what the settings lack. */
import { request } from "../api/client";
import type { components } from "../api/schema";

type Schemas = components["schemas"];
export type ReadingImport = Schemas["ReadingImportInfo"];
export type ReadingPreview = Schemas["ReadingPreview"];
export type RefusedReading = Pick<Schemas["RefusedReading"], "line" | "row" | "code" | "reason"> & Partial<Schemas["RefusedReading"]>;
export interface ColumnTarget { property: string; device_id: string | null; unit: string | null }
export interface Settings {
  form: "long" | "wide"; time: string; time_format: string; time_zone: string; device: string | null; device_id: string | null; property: string | null; property_name: string | null;
  value: string | null; quality: string | null; unit: string | null; columns: Record<string, ColumnTarget>; decimal_comma: boolean; dry_run: boolean;
}

export const PATH = "/readings/imports";
export const FILES = ".csv,.txt,.tsv,.xlsx,.arrow,.parquet";
const PART_BYTES = 4 * 1024 * 1024;

/** Sends what the node does not have of a file yet, part by part. @throws ProblemError */
export async function sendFile(importId: string, file: Blob, from: number, told: (bytes: number) => void): Promise<void> {
  for (let offset = from; offset < file.size;) {
    const info = await request<ReadingImport>("PUT", `${PATH}/${importId}/file`, { query: { offset }, rawBody: file.slice(offset, offset + PART_BYTES), contentType: "application/octet-stream" });
    offset = info.file_bytes;
    told(offset);
  }
}

export const isUnderWay = (info: ReadingImport): boolean => info.state === "waiting" || info.state === "running";

/** Which share of the rows was read; null while it is not known of how many. */
export const shareOf = (info: ReadingImport): number | null => info.state === "done" ? 1 : info.total === null || info.total === 0 ? null : Math.min(1, info.rows / info.total);

/** Whether everything is said that the node needs. */
export function isWhole(settings: Settings): boolean {
  const owned = settings.device !== null || Boolean(settings.device_id);
  if (settings.form === "wide") return owned && Object.keys(settings.columns).length > 0;
  return owned && settings.value !== null && (settings.property !== null || Boolean(settings.property_name));
}
