import { describe, expect, it } from "vitest";

import { strengthOf } from "../src/account/security/strength";

describe("the strength of a password", () => {
  it.each(["", "short", "aaaaaaaaaaaaaaaaaaaa", "123456789012", "abcdefghijklmnop", "abababababab"])("%s is easily guessed", (password) => {
    expect(strengthOf(password)).toBe(0);
  });
  it.each(["copper kettles whistle", "老虎不吃草但是吃西瓜吗真的吗", "zv9#Lq2mXw7!Kp4"])("%s is strong", (password) => {
    expect(strengthOf(password)).toBe(3);
  });
  it("grows with what is added", () => {
    const phrase = "tin mills hum at dawn";
    const levels = [...phrase].map((_, at) => strengthOf(phrase.slice(0, at + 1)));
    expect(levels).toEqual([...levels].sort());
  });
});
