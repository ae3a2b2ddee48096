import { describe, expect, it } from "vitest";

import type { TemplateDocument, TemplateField } from "../src/api/identifiers";
import { enteredOf, fieldsOf, withOffset } from "../src/identifiers/fields/values";
import { faultsOf as mappingFaults, isFine, mappingOf, shareOf } from "../src/identifiers/imports/mapping";
import { bodyOf, dayOf, endOfDay, isBase64, isComplete, offered, yearsAfter } from "../src/identifiers/prefixes/steps";
import { identifierIn, isWebAddress, publicPath, recordPath } from "../src/identifiers/records/address";
import { kindsFor, linkIsWrong, linksToSend, registerName, suffixToSend } from "../src/identifiers/records/register";
import { briefly, titleOf } from "../src/identifiers/records/titles";
import { cameraProblem } from "../src/codes/camera";
import { differencesOf, faultsOf, linesOfValues, moved, nextNumber, parseDocument, tidyField, valuesOfLines } from "../src/identifiers/templates/document";

describe("the steps of a prefix", () => {
  it("are offered the likeliest first, those that hurt in the menu", () => {
    expect(offered({ allowed: ["return", "approve", "reject", "certify", "withdraw"], renewal: null })).toEqual({ first: ["approve", "return"], rest: ["reject", "withdraw"] });
    expect(offered({ allowed: ["change", "submit", "withdraw"], renewal: null }).first).toEqual(["submit"]);
    expect(offered({ allowed: [], renewal: null })).toEqual({ first: [], rest: [] });
  });
  it("grant a renewal first when one was asked for", () => {
    const allowed = ["suspend", "request_renewal", "renew", "transfer", "withdraw"];
    expect(offered({ allowed, renewal: null }).first).toEqual(["request_renewal", "renew"]);
    expect(offered({ allowed, renewal: { until_ms: null, comment: "", asked_ms: 1 } }).first[0]).toBe("renew");
  });
  it("ask for a reason, a date to come, and an organisation", () => {
    const wish = { comment: " ", until: "", to: "" };
    const now = new Date(2026, 5, 15, 12).getTime();
    expect([isComplete("submit", wish, now), isComplete("reject", wish, now), isComplete("activate", wish, now)]).toEqual([true, false, true]);
    expect([isComplete("activate", { ...wish, until: "2026-06-15" }, now), isComplete("activate", { ...wish, until: "2026-06-14" }, now)]).toEqual([true, false]);
    expect([isComplete("transfer", { ...wish, comment: "sold" }, now), isComplete("transfer", { comment: "sold", until: "", to: "org_1" }, now)]).toEqual([false, true]);
    expect(bodyOf("renew", { comment: " ok ", until: "2026-06-15", to: "" })).toEqual({ comment: "ok", until_ms: new Date(2026, 5, 15, 23, 59, 59, 999).getTime() });
    expect(bodyOf("transfer", { comment: "sold", until: "", to: "org_1" })).toEqual({ comment: "sold", to_id: "org_1" });
  });
  it("know days", () => {
    expect([dayOf(endOfDay("2028-02-29")), dayOf(null), endOfDay(""), yearsAfter(endOfDay("2028-02-28") ?? 0, 1)]).toEqual(["2028-02-29", "", null, "2029-02-28"]);
  });
  it("know base 64", () => {
    expect(["", "AQID", "AQI=", "AQ==", "AQI", "A?=="].map(isBase64)).toEqual([true, true, true, true, false, false]);
  });
});

const field = (number: number, name: string, more: Partial<TemplateField> = {}): TemplateField => ({ number, name, ...more });

describe("a template's document", () => {
  it("gives numbers that were never used", () => {
    expect([nextNumber([]), nextNumber([field(2, "a")], [field(7, "b")])]).toEqual([1, 8]);
  });
  it("moves a field, and stays as it is at the ends", () => {
    expect([moved(["a", "b", "c"], 0, 2), moved(["a", "b", "c"], 2, 0), moved(["a", "b"], 0, -1), moved(["a"], 5, 0)]).toEqual([["b", "c", "a"], ["c", "a", "b"], ["a", "b"], ["a"]]);
  });
  it("drops what a type has no use for", () => {
    const tidy = tidyField(field(1, " a ", { type: "boolean", minimum: 1, unit: "kg", pattern: "x", values: [{ value: "v", label: "", label_zh: "" }], granted_to: { organisations: ["o"], roles: [] } }));
    expect([tidy.name, tidy.minimum, tidy.unit, tidy.pattern, tidy.values, tidy.granted_to]).toEqual(["a", null, null, null, [], null]);
    expect(tidyField(field(1, "a", { visibility: "granted", granted_to: { organisations: ["o"], roles: [] } })).granted_to).toEqual({ organisations: ["o"], roles: [] });
  });
  it("says what is wrong with each field", () => {
    const faults = faultsOf([field(1, "a"), field(1, "a"), field(3, "Ä"), field(4, "e", { type: "enum" }), field(5, "q", { type: "quantity" }), field(6, "n", { type: "number", minimum: 2, maximum: 1 })]);
    expect([...faults]).toEqual([[0, ["nameTwice", "numberTwice"]], [1, ["nameTwice", "numberTwice"]], [2, ["nameWrong"]], [3, ["valuesNeeded"]], [4, ["unitNeeded"]], [5, ["rangeWrong"]]]);
  });
  it("writes the values of an enum as lines and reads them", () => {
    const values = [{ value: "a", label: "A", label_zh: "甲" }, { value: "b", label: "", label_zh: "" }];
    expect(linesOfValues(values)).toBe("a | A | 甲\nb");
    expect(valuesOfLines(`${linesOfValues(values)}\n\n`)).toEqual(values);
  });
  it.each([["[]", "{ … }"], ["{}", "name"], ['{"name":"a","fields":{}}', "fields"], ['{"name":"a","fields":[{}]}', "fields/0"]])("is not %s", (text, why) => {
    expect(() => parseDocument(text)).toThrow(why);
  });
  it("differs by what was added, removed, changed and moved", () => {
    const before: TemplateDocument = { name: "P", fields: [field(1, "a"), field(2, "b"), field(3, "c")] };
    const after: TemplateDocument = { name: "P", title: "Pump", fields: [field(2, "b"), field(1, "a", { required: true }), field(4, "d")] };
    expect(differencesOf(before, after).map((one) => [one.field?.name ?? "", one.kind, one.changes.map((each) => each.key)])).toEqual([
      ["", "changed", ["title"]], ["b", "moved", []], ["a", "changed", ["required"]], ["d", "added", []], ["c", "removed", []],
    ]);
    expect(differencesOf(before, { ...before, fields: before.fields?.map((one) => ({ ...one, visibility: "public", ttl: 86_400 })) ?? [] })).toEqual([]);
  });
});

describe("what is typed into the form of a template", () => {
  const fields = [
    field(1, "name"), field(2, "tags", { repeated: true }), field(3, "weight", { type: "quantity", unit: "kg" }), field(4, "made", { type: "datetime" }), field(5, "extra", { type: "json" }),
    field(6, "place", { type: "geo" }), field(7, "manual", { type: "file" }), field(8, "active", { type: "boolean" }), field(9, "count", { type: "integer" }),
  ];
  it("is sent without what is empty", () => {
    expect(fieldsOf(fields, { name: " Pump ", tags: ["a", "", undefined, "b"], weight: { value: 2, unit: "" }, extra: '{"a":1}', place: { latitude: 1.5, longitude: null }, manual: { digest: "sha256:00", url: "" }, active: false, count: 0 })).toEqual({
      fields: { name: "Pump", tags: ["a", "b"], weight: { value: 2, unit: "kg" }, extra: { a: 1 }, place: { latitude: 1.5, longitude: 0 }, manual: { digest: "sha256:00" }, active: false, count: 0 }, faults: [],
    });
    expect(fieldsOf(fields, { name: "  ", tags: [], weight: { value: null, unit: "kg" }, place: { latitude: null, longitude: null }, manual: { digest: " " }, count: null }).fields).toEqual({});
  });
  it("is no JSON where it is none", () => {
    expect(fieldsOf(fields, { extra: "{" })).toEqual({ fields: {}, faults: ["extra"] });
  });
  it("has the offset of where the person is, and comes back the same", () => {
    const sent = fieldsOf(fields, { made: "2026-03-04T05:06" }).fields["made"] as string;
    expect(sent).toMatch(/^2026-03-04T05:06:00[+-]\d{2}:\d{2}$/);
    expect(enteredOf(fields, { made: sent, extra: { a: 1 }, tags: ["x"] })).toEqual({ made: "2026-03-04T05:06:00", extra: '{\n  "a": 1\n}', tags: ["x"] });
    expect(withOffset("soon")).toBe("soon");
  });
});

describe("addresses of an identifier", () => {
  it("carry whatever it has", () => {
    expect([recordPath("88.1/a b?c"), publicPath("88.1/泵 7?"), publicPath("(01)09506000134352(21)a/b")]).toEqual(["/identifiers/record?identifier=88.1%2Fa%20b%3Fc", "/id/88.1/%E6%B3%B5%207%3F", "/id/(01)09506000134352(21)a/b"]);
  });
  it("are known again on a label", () => {
    const origin = "https://node.example";
    expect([`${origin}${publicPath("88.1/泵 7?")}`, " 88.1/a ", "https://other.example/id/88.1/a", `${origin}/id/%zz`].map((text) => identifierIn(text, origin))).toEqual(["88.1/泵 7?", "88.1/a", "https://other.example/id/88.1/a", `${origin}/id/%zz`]);
  });
  it("are those of the web only where a browser is sent", () => {
    expect(["https://a.example/b", "HTTP://a", "javascript:alert(1)", "https://", 7, null].map(isWebAddress)).toEqual([true, true, false, false, false, false]);
  });
});

describe("registering", () => {
  it("names a prefix as the register does", () => {
    expect([registerName({ system: "handle", prefix: "88.1" }), registerName({ system: "gs1", prefix: "690123" }), registerName({ system: "ma", prefix: "156.1" })]).toEqual(["88.1", "GS1:690123", "MA:156.1"]);
    expect([kindsFor("handle")[0], kindsFor("gs1")[0], kindsFor("ecode")]).toEqual(["serial", "sscc", []]);
  });
  it("makes suffixes that fit the system", () => {
    const suffix = { kind: "serial" as const, before: "p-", digits: 4, gtin: "6901234567892", extension: 3 };
    expect(suffixToSend(suffix, "handle").gtin).toBeNull();
    expect(suffixToSend(suffix, "gs1").gtin).toBe("6901234567892");
    expect(suffixToSend({ ...suffix, kind: "sscc" }, "gs1")).toEqual({ kind: "sscc", before: "", digits: 4, gtin: null, extension: 3 });
  });
  it("sends links that were filled in", () => {
    expect(linksToSend([{ linkType: "defaultLink", href: " https://a.example ", title: "", hreflang: ["en"] }, { linkType: "pip", href: "", title: "x" }])).toEqual([{ linkType: "defaultLink", href: "https://a.example", title: "https://a.example", hreflang: [] }]);
    expect([linkIsWrong({ linkType: "pip", href: "a", title: "" }), linkIsWrong({ linkType: "pip", href: "", title: "" })]).toEqual([true, false]);
  });
});

describe("the columns of an import", () => {
  const columns = [{ name: "标识", samples: [], target: "identifier" }, { name: "名", samples: [], target: "fields.name" }, { name: "色", samples: [], target: "" }];
  const fields = [field(1, "name", { required: true }), field(2, "colour")];
  it("are what the node takes them for, with what was said on top", () => {
    expect(mappingOf(columns, { 色: "fields.colour", 标识: "" })).toEqual({ 标识: "", 名: "fields.name", 色: "fields.colour" });
  });
  it("have what is required, once", () => {
    const taken = mappingOf(columns, {});
    expect(isFine(mappingFaults(taken, fields, false))).toBe(true);
    expect(mappingFaults({ ...taken, 名: "" }, fields, false).missing.map((one) => one.name)).toEqual(["name"]);
    expect(mappingFaults({ ...taken, 色: "fields.name" }, fields, false).twice).toEqual(["fields.name"]);
    expect(mappingFaults({ a: "links.pip", b: "links.pip", c: "fields.name" }, fields, true)).toEqual({ missing: [], twice: [], noIdentifier: false });
    expect(mappingFaults({ ...taken, 标识: "" }, fields, false).noIdentifier).toBe(true);
  });
  it("show how far it is", () => {
    expect([shareOf({ rows: 5, total: 10, state: "running" }), shareOf({ rows: 5, total: null, state: "running" }), shareOf({ rows: 5, total: null, state: "done" }), shareOf({ rows: 0, total: 0, state: "running" })]).toEqual([0.5, null, 1, 1]);
  });
});

describe("a record in a list", () => {
  it("is called by the usual fields, with some of the others", () => {
    const fields = { name: " ", title: "Pump", colour: "red", tags: ["a", "b", "c"], weight: { value: 1 }, count: 3 };
    expect([titleOf(fields), briefly(fields), titleOf({})]).toEqual(["Pump", "red · a · b", ""]);
  });
});

describe("a camera that gives no picture", () => {
  const named = (name: string): Error => Object.assign(new Error(name), { name });
  it.each([["NotAllowedError", "refused"], ["SecurityError", "refused"], ["NotFoundError", "absent"], ["OverconstrainedError", "absent"], ["NotReadableError", "busy"], ["TypeError", "absent"]])("%s: it is %s", (name, problem) => {
    expect(cameraProblem(named(name), true)).toBe(problem);
  });
  it("is kept from pages over plain HTTP", () => {
    expect(cameraProblem(named("TypeError"), false)).toBe("insecure");
  });
});
