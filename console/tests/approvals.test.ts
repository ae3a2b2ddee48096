import { afterEach, describe, expect, it, vi } from "vitest";

import { HeldError, remove } from "../src/api/client";
import { linesOf } from "../src/approvals/words";

const answering = (status: number, body: unknown): void => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body === null ? null : JSON.stringify(body), { status })));
};

describe("an operation that takes a second person", () => {
  afterEach(() => { vi.unstubAllGlobals(); });

  it("is no success: it says which request waits", async () => {
    answering(202, { approval: { id: "apr_1" } });
    const sent = remove("/devices/dev_1");
    await expect(sent).rejects.toBeInstanceOf(HeldError);
    await expect(sent).rejects.toMatchObject({ approvalId: "apr_1" });
  });

  it("is not mistaken for another 202", async () => {
    answering(202, { accepted: true });
    await expect(remove("/devices/dev_1")).resolves.toEqual({ accepted: true });
  });

  it("shows what it holds line by line", () => {
    expect(linesOf({ name: "kiln", tags: ["a", "b"], scope: { device_id: null }, rows: [{ x: 1 }, { x: true }] })).toEqual([
      { path: "name", value: "kiln" }, { path: "tags", value: "a, b" }, { path: "scope / device_id", value: "–" },
      { path: "rows / 1 / x", value: "1" }, { path: "rows / 2 / x", value: "true" },
    ]);
  });
});
