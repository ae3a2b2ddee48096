import { describe, expect, it } from "vitest";

import { markedAt, segmentsOf } from "../src/codes/segments";

describe("the parts of a code in its text", () => {
  it("are coloured where they stand, with what is between them", () => {
    const parts = [{ at: 0, value: "88" }, { at: 3, value: "118" }, { at: 7, value: "泵" }];
    expect(segmentsOf("88.118/泵", parts)).toEqual([
      { text: "88", part: 0 }, { text: ".", part: null }, { text: "118", part: 1 }, { text: "/", part: null }, { text: "泵", part: 2 },
    ]);
  });
  it("count characters and not UTF-16 units", () => {
    expect(segmentsOf("😀/a", [{ at: 2, value: "a" }])).toEqual([{ text: "😀/", part: null }, { text: "a", part: 0 }]);
  });
  it("reach to the next part when they were escaped, and never twice over a character", () => {
    expect(segmentsOf("hdl:1/%41b", [{ at: 4, value: "1" }, { at: 6, value: "Ab" }])).toEqual([
      { text: "hdl:", part: null }, { text: "1", part: 0 }, { text: "/", part: null }, { text: "%41b", part: 1 },
    ]);
    const joined = segmentsOf("/Example/1", [{ at: 1, value: "Example" }, { at: 1, value: "Example" }, { at: 9, value: "1" }]);
    expect(joined.map((segment) => segment.text).join("")).toBe("/Example/1");
  });
  it("are left out where they stand nowhere", () => {
    expect(segmentsOf("3074257B", [{ value: "307" }, { at: -1, value: "sgtin-96" }])).toEqual([{ text: "3074257B", part: null }]);
    expect(segmentsOf("MA.1", [{ value: "x" }, { at: 0, value: "MA" }])).toEqual([{ text: "MA", part: 1 }, { text: ".1", part: null }]);
  });
  it("are marked at the character that is wrong", () => {
    expect(markedAt("ab c", 2)).toEqual(["ab", " ", "c"]);
    expect(markedAt("ab", 2)).toEqual(["ab", "\u00a0", ""]);
  });
});
