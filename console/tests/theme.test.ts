import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { PALETTES } from "../src/app/theme";

/** Contrast of two colours (WCAG 2.2, 1.4.3). */
function contrast(a: string, b: string): number {
  const light = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high = 0, low = 0] = [light(a), light(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

describe.each(["light", "dark"] as const)("the %s palette", (name) => {
  const p = PALETTES[name];
  const inks = { text: p.text, quiet: p.quiet, faint: p.faint, accent: p.accent, warn: p.warn, ...p.priority };
  it.each(Object.entries(inks))("%s is read on every ground", (_, ink) => {
    for (const ground of [p.page, p.surface, p.raised]) expect(contrast(ink, ground)).toBeGreaterThanOrEqual(4.5);
  });
  it("is the one of the style sheet", () => {
    const css = readFileSync(new URL("../src/app/console.css", import.meta.url), "utf-8");
    const block = name === "light" ? /^:root \{([^}]*)\}/m.exec(css)?.[1] : /data-theme="dark"\] \{([^}]*)\}/.exec(css)?.[1];
    for (const [key, ink] of Object.entries(inks)) expect(block).toMatch(new RegExp(`--${key}: ${ink}|--${key}: ${ink.replace(/^#(.)\1(.)\2(.)\3$/, "#$1$2$3")}`));
  });
});
