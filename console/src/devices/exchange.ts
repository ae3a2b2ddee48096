/** Devices out as a file. The columns are those that the import takes. */
import { get, type Query } from "../api/client";
import type { Device, Page, ThingModel } from "../api/model";
import { itemsOf } from "../api/queries";

export const COLUMNS = ["name", "title", "model", "place", "tags"] as const;

/** One CSV row (RFC 4180); a leading = + - @ is defused, because spreadsheets would run it. */
export function csvRow(cells: readonly (string | number | null | undefined)[]): string {
  return cells.map((cell) => {
    const text = cell === null || cell === undefined ? "" : String(cell);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }).join(",");
}

export function download(name: string, text: string): void {
  const link = document.createElement("a");
  // The mark at the start makes spreadsheets read Chinese as UTF-8.
  link.href = URL.createObjectURL(new Blob(["\uFEFF", text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

export async function exportDevices(query: Query): Promise<void> {
  const models = new Map(itemsOf(await get<Page<ThingModel> | ThingModel[]>("/models")).map((m) => [m.id, m.name]));
  const lines = [COLUMNS.join(",")];
  let cursor: string | null = null;
  do {
    const page: Page<Device> = await get<Page<Device>>("/devices", { ...query, limit: 200, cursor });
    for (const d of page.items) lines.push(csvRow([d.name, d.title, d.model_id && models.get(d.model_id), d.place_path, d.tags.join(";")]));
    cursor = page.next;
  } while (cursor !== null);
  download("devices.csv", `${lines.join("\r\n")}\r\n`);
}
