import { afterEach, describe, expect, it, vi } from "vitest";

import { address, get, ProblemError, readProblem } from "../src/api/client";
import { itemsOf } from "../src/api/queries";
import { bytesOf, hexDump, prettyJson } from "../src/deadletters/payload";
import { csvOf, csvRow, rowsOf } from "../src/devices/exchange";
import { mosquitto, paho, waysOf } from "../src/devices/connection";
import { treeOf } from "../src/devices/PlaceTree";
import { EMPTY, parse, tidy } from "../src/models/document";
import { levelsBelow } from "../src/places/PlacesPage";

afterEach(() => { vi.unstubAllGlobals(); });

describe("the rows of a file", () => {
  it("are counted in any encoding", () => {
    // 名称 and 循环泵 in GB 18030
    const gb = Uint8Array.from([0x6e, 0x61, 0x6d, 0x65, 0x0d, 0x0a, 0xd1, 0xad, 0xbb, 0xb7, 0xb1, 0xc3, 0x0d, 0x0a, 0x0d, 0x0a]);
    expect(rowsOf(gb.buffer)).toBe(1);
    expect(rowsOf(new TextEncoder().encode("\uFEFFname\n泵\n泵二").buffer as ArrayBuffer)).toBe(2);
    expect(rowsOf(new ArrayBuffer(0))).toBe(0);
  });
});

describe("requests", () => {
  it("repeat lists and leave out what is empty", () => {
    expect(address("/readings/buckets", { property: ["a b", "c"], buckets: 5, q: "", place_id: null, active: false })).toBe("/api/v1/readings/buckets?property=a+b&property=c&buckets=5&active=false");
  });
  it("read problem details", () => {
    const problem = readProblem(400, "Bad Request", { title: "Bad Request", detail: "Wrong values.", code: "web.invalid", hint: "Mend it.", errors: [{ pointer: "/name", source: "body", message: "too long" }] }, "7");
    expect(problem).toMatchObject({ detail: "Wrong values.", hint: "Mend it.", retryAfterS: 7, fields: [{ path: "/name", message: "too long" }] });
  });
  it("still say something when a proxy answers with a page", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response("<html>", { status: 502, statusText: "Bad Gateway" })));
    await expect(get("/x")).rejects.toMatchObject({ problem: { status: 502, title: "Bad Gateway" } });
  });
  it("tell an unreachable node from a refusing one", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed")));
    const error: unknown = await get("/x").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).unreachable).toBe(true);
  });
  it("take lists with and without pages", () => {
    expect([itemsOf([1]), itemsOf({ items: [1], next: null })]).toEqual([[1], [1]]);
  });
});

describe("payloads", () => {
  it("are dumped sixteen bytes a line", () => {
    expect(hexDump(bytesOf(btoa("ABCDEFGHIJKLMNOP\x00z")))).toBe(
      "00000000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  |ABCDEFGHIJKLMNOP|\n00000010  00 7a                                             |.z|",
    );
  });
  it("stop being dumped at the limit, and say so", () => {
    expect(hexDump(new Uint8Array(40), 32).split("\n")).toHaveLength(3);
  });
  it("are shown as JSON only when they are", () => {
    expect([prettyJson('{"a":1}'), prettyJson("{"), prettyJson(null)]).toEqual(['{\n  "a": 1\n}', null, null]);
  });
});

describe("files", () => {
  it("quote as RFC 4180 says and defuse formulas", () => {
    expect(csvRow(["a,b", 'say "x"', "=1+1", null, 3])).toBe(`"a,b","say ""x""",'=1+1,,3`);
  });
  it("show commands that carry the token", () => {
    for (const way of [{ port: 1884, tls: false, ownRoot: false }, { port: 8884, tls: true, ownRoot: false }, { port: 8885, tls: true, ownRoot: true }])
      for (const text of [mosquitto("h", way, "mwd_x"), paho("h", way, "mwd_x")]) {
        expect(text).toContain("mwd_x");
        expect(text).toContain(String(way.port));
        expect(/tls|--cafile/.test(text)).toBe(way.tls);
        expect(text.includes("root.pem")).toBe(way.ownRoot);
      }
  });
  it("offer the ways in that are open, the plain one first", () => {
    const plain = { port: 1883, tls: false, ownRoot: false }, secured = { port: 8883, tls: true, ownRoot: false };
    expect(waysOf({ mqtt_port: 1883, mqtt_tls_port: 8883, own_authority: false })).toEqual([plain, secured]);
    expect(waysOf({ mqtt_port: null, mqtt_tls_port: 8883, own_authority: true })).toEqual([{ ...secured, ownRoot: true }]);
    expect(waysOf({ mqtt_port: null, mqtt_tls_port: null, own_authority: false })).toEqual([]);
  });
  it("end every row as RFC 4180 says", () => {
    expect(csvOf(["name", "token"], [["-pump", "mwd_x"]])).toBe("name,token\r\n'-pump,mwd_x\r\n");
  });
});

describe("models", () => {
  it("send a unit and a range for numbers only", () => {
    const tidied = tidy({ ...EMPTY, name: " m ", title: " ", properties: [{ name: " p ", type: "string", unit: "Cel", minimum: 1, writable: false }, { name: "q", type: "integer", unit: " kPa ", maximum: 9, writable: true }] });
    expect(tidied).toMatchObject({ name: "m", title: null, properties: [{ name: "p", unit: null, minimum: null }, { name: "q", unit: "kPa", maximum: 9 }] });
  });
  it("are read from JSON, or refused with the reason", () => {
    expect(parse('{"name":"m","properties":[]}')).toMatchObject({ name: "m", events: [] });
    expect(() => parse("[1]")).toThrow(TypeError);
    expect(() => parse('{"name":')).toThrow(SyntaxError);
  });
});

describe("places", () => {
  const place = (id: string, parent_id: string | null, device_count = 0) => ({ id, parent_id, level: "site" as const, name: id, path: id, device_count, created_ms: 0, organisation_id: "org_root" });
  it("count the devices below them; an orphan stands at the top", () => {
    const tree = treeOf([place("a", null, 1), place("b", "a", 2), place("c", "b", 4), place("z", "gone")]);
    expect(tree.map((b) => [b.place.id, b.devices])).toEqual([["a", 7], ["z", 0]]);
  });
  it("lie below their parent's level", () => {
    expect(levelsBelow("line")).toEqual(["cell", "unit"]);
    expect(levelsBelow(null)[0]).toBe("enterprise");
  });
});
