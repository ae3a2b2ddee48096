import { describe, expect, it } from "vitest";

import type { Condition } from "../src/api/model";
import { dictionaries } from "../src/i18n";
import { formatter } from "../src/i18n/format";
import { conditionOf, messagesOf } from "../src/rules/RuleDrawer";
import { sentence } from "../src/rules/sentence";

const f = formatter("en-GB", "en");
const tell = (condition: Condition, language: "en" | "zh" = "en"): string =>
  sentence({ condition, priority: "high", property: language === "en" ? "A feed flow" : "A 进料流量", unit: "kscmh" }, dictionaries[language], language === "en" ? f : formatter("zh-CN", "zh"));
const limit = (change: Partial<Extract<Condition, { kind: "limit" }>>): Condition => ({ kind: "limit", high: null, low: null, deadband: 0, on_delay_s: 0, off_delay_s: 0, ...change });
const rate = (direction: "both" | "rising" | "falling"): Condition => ({ kind: "rate_of_change", per_s: 0.5, window_s: 60, direction, deadband: 0, on_delay_s: 0, off_delay_s: 0 });

describe("a rule in plain words", () => {
  it.each([
    [limit({ low: 0.1, deadband: 0.02, on_delay_s: 30 }), "Raise a high-priority alarm when A feed flow stays below 0.1 kscmh for 30 s; clears above 0.12 kscmh."],
    [limit({ high: 2900, deadband: 20, on_delay_s: 5, off_delay_s: 10 }), "Raise a high-priority alarm when A feed flow stays above 2,900 kscmh for 5 s; clears below 2,880 kscmh after 10 s."],
    [limit({ high: 5 }), "Raise a high-priority alarm when A feed flow rises above 5 kscmh; clears once back inside."],
    [limit({ high: 5, low: 1, deadband: 0.5 }), "Raise a high-priority alarm when A feed flow leaves 1 kscmh to 5 kscmh; clears between 1.5 kscmh and 4.5 kscmh."],
    [rate("rising"), "Raise a high-priority alarm when A feed flow rises faster than 0.5 kscmh per second over 1 min."],
    [rate("both"), "Raise a high-priority alarm when A feed flow changes faster than 0.5 kscmh per second over 1 min."],
    [{ kind: "stale", after_s: 300 } as Condition, "Raise a high-priority alarm when A feed flow has sent nothing for 5 min."],
  ])("%j", (condition, text) => {
    expect(tell(condition)).toBe(text);
  });
  it("is Chinese in Chinese", () => {
    expect(tell(limit({ low: 0.1, deadband: 0.02, on_delay_s: 30 }), "zh")).toBe("当A 进料流量持续低于 0.1 kscmh达 30 秒时，发出高优先级报警；高于 0.12 kscmh 后恢复。");
  });
  it("asks for a limit while there is none", () => {
    expect(tell(limit({}))).toBe("Give a high limit, a low limit or both");
  });
});

describe("the messages", () => {
  it("of one language stand for both", () => {
    expect(messagesOf({ message: " a " })).toEqual({ message: "a", message_zh: "a" });
    expect(messagesOf({ message_zh: "甲" })).toEqual({ message: "甲", message_zh: "甲" });
    expect(messagesOf({})).toEqual({ message: "", message_zh: null });
    expect(messagesOf({ message: "a", message_zh: "甲" })).toEqual({ message: "a", message_zh: "甲" });
  });
});

describe("the form's condition", () => {
  const fields = { name: "n", target: "device", property: "p", priority: "low", enabled: true } as const;
  it("holds only what belongs to its kind", () => {
    expect(conditionOf({ ...fields, kind: "stale", high: 9, after_s: 30 })).toEqual({ kind: "stale", after_s: 30 });
    expect(conditionOf({ ...fields, kind: "limit", high: 9, per_s: 3 })).toEqual({ kind: "limit", high: 9, low: null, deadband: 0, on_delay_s: 0, off_delay_s: 0 });
  });
});
