/** Files that people fill in or take away. */

/** The columns of the import that a template starts with. */
export const COLUMNS = ["name", "title", "model", "place", "tags"] as const;

/** One CSV row (RFC 4180); a leading = + - @ is defused, because spreadsheets would run it. */
export function csvRow(cells: readonly (string | number | null | undefined)[]): string {
  return cells.map((cell) => {
    const text = cell === null || cell === undefined ? "" : String(cell);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }).join(",");
}

/** A whole file of them. */
export const csvOf = (header: readonly string[], rows: readonly (readonly (string | number | null | undefined)[])[]): string =>
  [header, ...rows].map((row) => `${csvRow(row)}\r\n`).join("");

export function download(name: string, text: string): void {
  const link = document.createElement("a");
  // The mark at the start makes spreadsheets read Chinese as UTF-8.
  link.href = URL.createObjectURL(new Blob(["\uFEFF", text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
