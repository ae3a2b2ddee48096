/** Files that people fill in or take away. */
import { save } from "../parts/files";

/** The columns of the import that a template starts with. */
export const COLUMNS = ["name", "title", "model", "place", "tags", "edge_id"] as const;

/** One CSV row (RFC 4180); a leading = + - @ is defused, because spreadsheets would run it. */
export function csvRow(cells: readonly (string | number | null | undefined)[]): string {
  return cells.map((cell) => {
    const text = cell === null || cell === undefined ? "" : String(cell);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }).join(",");
}

/**
 * How many rows a CSV file has below its header. Told from the bytes, which are sent as they are: the node reads UTF-8 and
 * GB 18030, as Chinese spreadsheets write it, and no byte of a Chinese character is taken for the end of a line in either.
 */
export function rowsOf(content: ArrayBuffer): number {
  const lines = new TextDecoder("latin1").decode(content).split(/\r\n|\n|\r/);
  return Math.max(0, lines.filter((line) => line.trim()).length - 1);
}

/** Saves what an address answers; unlike following it, a failure leaves the page as it is. */
export function fetchFile(address: string, name: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}

/** A whole file of them. */
export const csvOf = (header: readonly string[], rows: readonly (readonly (string | number | null | undefined)[])[]): string =>
  [header, ...rows].map((row) => `${csvRow(row)}\r\n`).join("");

/** Saves a CSV file; the mark at its start makes spreadsheets read Chinese as UTF-8. */
export const download = (name: string, text: string): void => {
  save(name, new Blob(["\uFEFF", text], { type: "text/csv;charset=utf-8" }));
};
