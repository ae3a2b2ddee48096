/** Where an identifier is shown: here, on the public page, and taken apart. */

/** The console's page about an identifier; it never stands in a path, for it has slashes and percent signs. */
export const recordPath = (identifier: string): string => `/identifiers/record?identifier=${encodeURIComponent(identifier)}`;
export const registerPath = (identifier = ""): string => `/identifiers/register${identifier ? `?identifier=${encodeURIComponent(identifier)}` : ""}`;
export const codePath = (identifier: string): string => `/codes?text=${encodeURIComponent(identifier)}`;

/** The public page: slashes and what URIs allow in a path stay readable. */
export const publicPath = (identifier: string): string =>
  `/id/${encodeURIComponent(identifier).replace(/%(2F|3A|3B|40|24|26|2B|2C|3D)/g, (escaped) => decodeURIComponent(escaped))}`;

/** Whether a browser may be sent there. */
export const isWebAddress = (text: unknown): text is string => typeof text === "string" && /^https?:\/\/[^\s/]+/i.test(text);

/** The identifier in what a carrier says: a link to a page about one says which it is. */
export function identifierIn(text: string, origin: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith(`${origin}/id/`)) return trimmed;
  try {
    return decodeURIComponent(trimmed.slice(origin.length + 4).split(/[?#]/)[0] ?? "");
  } catch {
    return trimmed;
  }
}
