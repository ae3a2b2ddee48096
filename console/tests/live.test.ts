import { beforeEach, describe, expect, it, vi } from "vitest";

class FakeSource {
  static made: FakeSource[] = [];
  static readonly CLOSED = 2;
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) { FakeSource.made.push(this); }
  addEventListener(): void { /* no events in these tests */ }
  close(): void { this.readyState = 2; }
  opens(): void { this.readyState = 1; this.onopen?.(); }
  breaks(): void { this.readyState = 0; this.onerror?.(); }
  get isOpen(): boolean { return this.readyState !== 2; }
}

const page = Object.assign(new EventTarget(), { hidden: false });
vi.stubGlobal("document", page);
vi.stubGlobal("EventSource", FakeSource);
vi.useFakeTimers();
const { LiveFeed } = await import("../src/api/live");

const last = (): FakeSource => FakeSource.made.at(-1) as FakeSource;

describe("the live feed", () => {
  beforeEach(() => { FakeSource.made = []; page.hidden = false; });

  it("tells that it is back only when it may have missed something", () => {
    const feed = new LiveFeed();
    let returns = 0;
    feed.onReturn(() => { returns += 1; });
    feed.enable(true);
    vi.runAllTimers();
    last().opens();
    expect([feed.state, returns]).toEqual(["open", 0]);
    last().breaks();
    expect(feed.state).toBe("lost");
    last().opens();
    expect([feed.state, returns]).toEqual(["open", 1]);
  });

  it("counts the time of a hidden page as missed", () => {
    const feed = new LiveFeed();
    let returns = 0;
    feed.onReturn(() => { returns += 1; });
    feed.enable(true);
    vi.runAllTimers();
    last().opens();
    page.hidden = true;
    page.dispatchEvent(new Event("visibilitychange"));
    vi.advanceTimersByTime(31_000);
    expect([feed.state, last().isOpen]).toEqual(["idle", false]);
    page.hidden = false;
    page.dispatchEvent(new Event("visibilitychange"));
    vi.runAllTimers();
    last().opens();
    expect([feed.state, returns]).toEqual(["open", 1]);
  });

  it("keeps the connection before until the next is open, and never two after", () => {
    const feed = new LiveFeed();
    feed.enable(true);
    vi.runAllTimers();
    const first = last();
    first.opens();
    const leave = feed.watch(["dev_1"]);
    vi.runAllTimers();
    const second = last();
    expect(second.url).toContain("device_id=dev_1");
    expect([first.isOpen, second.isOpen, feed.state]).toEqual([true, true, "open"]);
    leave();
    vi.runAllTimers();
    second.opens();
    expect(first.isOpen).toBe(true);
    last().opens();
    expect(FakeSource.made.map((one) => one.isOpen)).toEqual([false, false, true]);
    feed.enable(false);
    vi.runAllTimers();
    expect(FakeSource.made.some((one) => one.isOpen)).toBe(false);
  });
});
