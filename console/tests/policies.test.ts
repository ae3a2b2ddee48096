import { describe, expect, it } from "vitest";

import { agentName } from "../src/people/agent";
import { fitsAll, moved, whoseOf, withNew } from "../src/retention/policy";

const policy = (device_id: string, property = "*", keep_days: number | null = 1) => ({ device_id, property, keep_days });
const [all, one, some] = [policy("*"), policy("dev_1"), policy("dev_*", "p?")];

describe("retention policies", () => {
  it("say whose series they are about", () => {
    expect([all, one, some, policy("dev_?")].map(whoseOf)).toEqual(["all", "one", "pattern", "pattern"]);
    expect([all, policy("*", "p"), one].map(fitsAll)).toEqual([true, false, false]);
  });
  it("are added before one that would keep them from being reached", () => {
    expect(withNew([some, all], one)).toEqual([some, one, all]);
    expect(withNew([some], one)).toEqual([some, one]);
    expect(withNew([all], policy("*", "*", null))).toEqual([all, policy("*", "*", null)]);
    expect(withNew([], all)).toEqual([all]);
  });
  it("move by one and not beyond the ends", () => {
    expect(moved([one, some, all], 0, 1)).toEqual([some, one, all]);
    expect(moved([one, some, all], 2, 1)).toEqual([one, all, some]);
    expect(moved([one, some], 0, -1)).toEqual([one, some]);
    expect(moved([one, some], 1, 2)).toEqual([one, some]);
  });
});

describe("where one is signed in", () => {
  it.each([
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "Edge · Windows"],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox · Linux"],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "Safari · macOS"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "Safari · iOS"],
    ["Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", "Chrome · Android"],
    ["Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36", "Chrome · HarmonyOS"],
    ["curl/8.5.0", "curl"],
    ["plc-gateway 3", "plc-gateway 3"],
    ["", ""],
  ])("%s", (agent, name) => {
    expect(agentName(agent)).toBe(name);
  });
});
