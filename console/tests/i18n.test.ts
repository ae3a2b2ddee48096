import { describe, expect, it } from "vitest";

import { languageOf } from "../src/app/preferences";
import { en } from "../src/i18n/en";
import { formatter, unitSign } from "../src/i18n/format";
import { zh } from "../src/i18n/zh";

type Leaf = string | ((...given: never[]) => string);
function* leaves(node: object, path = ""): Generator<[string, Leaf]> {
  for (const [key, value] of Object.entries(node) as [string, Leaf | object][]) {
    if (typeof value === "object") yield* leaves(value, `${path}/${key}`);
    else yield [`${path}/${key}`, value];
  }
}
const english = new Map(leaves(en));
const chinese = new Map(leaves(zh));
const said = (leaf: Leaf): string => (typeof leaf === "string" ? leaf : leaf(...(["α", "β", "γ", "δ"] as never[])));
/** Texts that are the same in every language. */
const SAME = /^\/(models\/json|deadLetters\/json|device\/sparkplug|wizard\/arrivedText)$/;

describe("the dictionaries", () => {
  it("have the same texts", () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });
  it.each([...english])("%s takes the same values in both", (path, text) => {
    const other = chinese.get(path);
    expect(typeof other).toBe(typeof text);
    for (const mark of ["α", "β", "γ", "δ"]) expect([path, mark, said(other ?? "").includes(mark)]).toEqual([path, mark, said(text).includes(mark)]);
  });
  it.each([...chinese].filter(([path]) => !SAME.test(path)))("%s is said in Chinese", (_, text) => {
    expect(said(text)).toMatch(/[\u4e00-\u9fff，；。]/);
  });
  it.each([...chinese])("%s uses Chinese punctuation after Chinese words", (_, text) => {
    expect(said(text)).not.toMatch(/[\u4e00-\u9fff][,;:?!()]/);
  });
  it.each([...english])("%s has no Chinese in English", (_, text) => {
    expect(said(text)).not.toMatch(/[\u4e00-\u9fff]/);
  });
});

describe("the first language", () => {
  it.each([[["zh-Hant-TW", "en"], "zh"], [["fr", "en-US", "zh"], "en"], [["de"], "en"], [[], "en"]] as const)("of %j is %s", (preferred, language) => {
    expect(languageOf(preferred)).toBe(language);
  });
});

describe("figures", () => {
  const f = formatter("en-GB", "en");
  const z = formatter("zh-CN", "zh");
  it.each([[0.1 + 0.2, "0.3"], [2705.123456, "2,705.12"], [1234567.8, "1,234,568"], [0.00001, "1.000e-5"], [-0.5, "-0.5"], [0, "0"]])("%d is shown as %s", (value, text) => {
    expect(f.value(value)).toBe(text);
  });
  it("shows truth, text and nothing", () => {
    expect([f.value(true), z.value(false), f.value("AUTO"), f.value(null), f.value(Number.NaN)]).toEqual(["yes", "否", "AUTO", "–", "–"]);
  });
  it.each([[0, "0 s"], [250, "250 ms"], [3400, "3.4 s"], [65_000, "1 min 5 s"], [660_000, "11 min"], [5_400_000, "1 h 30 min"], [86_400_000, "1 d"], [900 * 86_400_000, "2 y 169 d"]])("%d ms lasts %s", (ms, text) => {
    expect(f.duration(ms)).toBe(text);
  });
  it("says ages in both languages", () => {
    expect([f.ago(0, 65_000), z.ago(0, 65_000), z.ago(0, 10)]).toEqual(["1 min 5 s ago", "1 分钟 5 秒前", "刚刚"]);
  });
  it.each([[0, "0 B"], [1023, "1,023 B"], [1536, "1.5 KB"], [5_503_441_992, "5.1 GB"]])("%d bytes are %s", (bytes, text) => {
    expect(f.bytes(bytes)).toBe(text);
  });
  it.each([["10*3.m3/h", "10³·m³/h"], ["kg.m-2", "kg·m⁻²"], ["m/s2", "m/s²"], ["J/(kg.Cel)", "J/(kg·°C)"], ["um", "µm"], ["uS/cm", "µS/cm"], ["{rev}/min", "rev/min"], ["kW.h", "kW·h"], ["kvar.h", "kvar·h"]])("prints %s as %s", (code, sign) => {
    expect(unitSign(code)).toBe(sign);
  });
  it("shows UCUM units as people write them, and unknown ones as they are", () => {
    expect([unitSign("Cel"), unitSign("m3/h"), unitSign("kscmh"), unitSign(null), f.withUnit(21.5, "Cel")]).toEqual(["°C", "m³/h", "kscmh", "", "21.5 °C"]);
  });
});
