/** Files that the page hands out. */

/** Saves a file under a name. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // Chromium reads the file after the click has returned.
  setTimeout(() => { URL.revokeObjectURL(link.href); }, 10_000);
}
