/** What is sent to register: prefixes by the names the register has, suffixes to be made, and links. */
import type { NewSuffix, PrefixInfo, PrefixSystem, RecordLink, SuffixKind } from "../../api/identifiers";
import { isWebAddress } from "./address";

export interface Suffix { kind: SuffixKind; before: string; digits: number; gtin: string; extension: number }

const LABELS: Record<PrefixSystem, string> = { handle: "", gs1: "GS1:", oid: "OID:", did: "DID:", ma: "MA:", ecode: "ECODE:" };

/** The name by which the register knows a prefix. */
export const registerName = (prefix: Pick<PrefixInfo, "system" | "prefix">): string => `${LABELS[prefix.system]}${prefix.prefix}`;

/** Which suffixes are made for the codes of a system; for the others the whole identifier is given. */
export function kindsFor(system: PrefixSystem): SuffixKind[] {
  switch (system) {
    case "handle": case "did": case "ma": return ["serial", "random", "uuid"];
    case "oid": case "ecode": return ["serial"];
    case "gs1": return ["sscc", "serial", "random"];
  }
}

export function suffixToSend(suffix: Suffix, system: PrefixSystem): NewSuffix {
  const gtin = system === "gs1" && suffix.kind !== "sscc" && suffix.gtin !== "" ? suffix.gtin : null;
  return { kind: suffix.kind, before: suffix.kind === "sscc" ? "" : suffix.before, digits: suffix.digits, gtin, extension: suffix.extension };
}

/** Links without those that were not filled in. */
export const linksToSend = (links: readonly RecordLink[]): RecordLink[] =>
  links.filter((link) => link.href.trim() !== "").map((link) => ({ ...link, href: link.href.trim(), title: link.title.trim() || link.href.trim(), hreflang: link.linkType === "defaultLink" ? [] : (link.hreflang ?? []) }));

export const linkIsWrong = (link: RecordLink): boolean => link.href.trim() !== "" && !isWebAddress(link.href.trim());
