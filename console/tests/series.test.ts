import { describe, expect, it } from "vitest";

import type { Buckets } from "../src/api/model";
import { bucketsFor, draw, drawAll, extend, hasPoints, lonely, MOST_BUCKETS, nearest, pan, type Point, remember, unitsOf, zoom } from "../src/trend/series";

const series = { property: "p", unit: "kPa", time_ms: [0, 10, 40], min: [1, null, -4], max: [3, null, 6], mean: [2, null, 1] };

describe("drawing buckets", () => {
  it("puts a bucket at its middle and the band between min and max, below zero too", () => {
    const drawn = draw(series, 10);
    expect(drawn.mean[0]).toEqual([5, 2]);
    expect(drawn.low[2]).toEqual([45, -4]);
    expect(drawn.spread[2]).toEqual([45, 10]);
  });
  it("breaks line and band at a bucket of nulls, and only there", () => {
    const drawn = draw(series, 10);
    expect(drawn.mean.map(([, v]) => v)).toEqual([2, null, 1]);
    expect(drawn.spread.map(([, v]) => v)).toEqual([2, null, 10]);
    // 20 and 30 were left out by the node: no point, and so no break either.
    expect(drawn.mean).toHaveLength(3);
  });
  it("draws the mean alone when the band was not asked for", () => {
    const drawn = draw({ property: "p", unit: null, time_ms: [0], mean: [7] }, 2);
    expect(drawn.low).toEqual([[1, 7]]);
    expect(drawn.spread).toEqual([[1, 0]]);
  });
  it("says whether a range holds anything at all", () => {
    const empty: Buckets = { from_ms: 0, to_ms: 1, width_ms: 1, series: [{ property: "p", unit: null, time_ms: [0], mean: [null] }] };
    expect(hasPoints(drawAll(empty))).toBe(false);
    expect(hasPoints([draw(series, 1)])).toBe(true);
  });
  it("gives each unit one strip", () => {
    expect(unitsOf([{ unit: "kPa" }, { unit: "" }, { unit: "kPa" }])).toEqual(["kPa", ""]);
  });
});

describe("asking for buckets", () => {
  it("asks for one a pixel and never beyond the limit", () => {
    expect(bucketsFor(812.7)).toBe(812);
    expect(bucketsFor(99_999)).toBe(MOST_BUCKETS);
    expect(bucketsFor(0)).toBeGreaterThan(0);
  });
});

describe("the live tail", () => {
  it("keeps order, drops bad quality, other properties and repeats", () => {
    const tail = new Map<string, Point[]>();
    remember(tail, { device_id: "d", readings: [["p", 50, 1.5, 192], ["p", 50, 9, 192], ["p", 40, 9, 192], ["q", 60, 1, 192], ["p", 60, 2, 0], ["p", 70, true, 64]] }, ["p"]);
    expect(tail.get("p")).toEqual([[50, 1.5], [70, 1]]);
    expect(tail.has("q")).toBe(false);
  });
  it("goes on the end of the line without touching what was drawn", () => {
    const drawn = [draw(series, 10)];
    const longer = extend(drawn, new Map([["p", [[45, 5], [46, 6]] as Point[]]]));
    expect(longer[0]?.mean.slice(-2)).toEqual([[45, 1], [46, 6]]);
    expect(drawn[0]?.mean).toHaveLength(3);
  });
});

describe("moving the window", () => {
  it("keeps the moment under the pointer where it is", () => {
    const next = zoom({ from_ms: 0, to_ms: 100_000 }, 0.5, 0.25);
    expect(next).toEqual({ from_ms: 12_500, to_ms: 62_500 });
  });
  it("never shows less than a second", () => {
    const next = zoom({ from_ms: 0, to_ms: 1000 }, 0.001, 0.5);
    expect(next.to_ms - next.from_ms).toBe(1000);
  });
  it("pans by a share of the span", () => {
    expect(pan({ from_ms: 100, to_ms: 200 }, -0.5)).toEqual({ from_ms: 50, to_ms: 150 });
  });
});

describe("points between gaps", () => {
  it("are found, for a line would not show them", () => {
    expect([...lonely([[0, 1], [1, null], [2, 5], [3, null], [4, 6], [5, 7]])]).toEqual([0, 2]);
    expect(lonely([[0, 1], [1, 2]]).size).toBe(0);
  });
});

describe("the nearest point", () => {
  const points: Point[] = [[0, 1], [10, 2], [30, 3]];
  it.each([[-5, 0], [4, 0], [6, 1], [19, 1], [21, 2], [99, 2]])("of %d is number %d", (time, at) => {
    expect(nearest(points, time)).toBe(at);
  });
  it("is none of an empty line", () => { expect(nearest([], 5)).toBe(-1); });
});
