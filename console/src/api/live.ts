/** One Server-Sent Events connection for the whole console, re-opened when the watched devices change. */
import { useEffect, useRef, useSyncExternalStore } from "react";

import { address } from "./client";
import type { Alarm, Command, Value } from "./model";

export interface LiveReadings { device_id: string; readings: [property: string, time_ms: number, value: Value, quality: number][] }
export interface LivePresence { device_id: string; online: boolean; since_ms?: number | null; last_seen_ms?: number | null; reason?: string | null }
export interface LiveEvents {
  readings: LiveReadings; alarm: Alarm; command: Command; location: unknown; presence: LivePresence; stats: unknown; arrivals: unknown; dead_letters: unknown;
}
export type LiveState = "connecting" | "open" | "lost" | "idle";
type Handler<K extends keyof LiveEvents> = (event: LiveEvents[K]) => void;

const NAMES: (keyof LiveEvents)[] = ["readings", "alarm", "command", "location", "presence", "stats", "arrivals", "dead_letters"];
const REOPEN_AFTER_MS = 3000;
const SETTLE_MS = 150;

export class LiveFeed {
  private source: EventSource | null = null;
  private sources = new Set<EventSource>();
  private handlers = new Map<keyof LiveEvents, Set<Handler<never>>>();
  private devices = new Map<string, number>();
  private watchers = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private enabled = false;
  private missing = false;
  private returns = new Set<() => void>();
  state: LiveState = "idle";

  constructor() {
    // A hidden page holds no connection: browsers allow only six to one host over HTTP/1.1.
    if (typeof document !== "undefined")
      document.addEventListener("visibilitychange", () => {
        this.reopen(document.hidden ? 30_000 : 0);
      });
  }

  enable(on: boolean): void {
    this.enabled = on;
    this.reopen(0);
  }

  on<K extends keyof LiveEvents>(name: K, handler: Handler<K>): () => void {
    const set = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, set.add(handler as Handler<never>));
    return () => set.delete(handler as Handler<never>);
  }

  watch(devices: readonly string[]): () => void {
    for (const id of devices) this.devices.set(id, (this.devices.get(id) ?? 0) + 1);
    this.reopen(SETTLE_MS);
    return () => {
      for (const id of devices) {
        const left = (this.devices.get(id) ?? 1) - 1;
        if (left > 0) this.devices.set(id, left);
        else this.devices.delete(id);
      }
      this.reopen(SETTLE_MS);
    };
  }

  subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Calls `handler` each time the feed is open again after events may have been missed. */
  onReturn(handler: () => void): () => void {
    this.returns.add(handler);
    return () => this.returns.delete(handler);
  }

  private move(state: LiveState): void {
    if (state === this.state) return;
    this.state = state;
    for (const watcher of this.watchers) watcher();
  }

  private reopen(afterMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.open();
    }, afterMs);
  }

  /** Closes every connection but this one. The one before stays until the next is open, so that nothing is missed. */
  private keep(source: EventSource | null): void {
    for (const one of this.sources) if (one !== source) { one.close(); this.sources.delete(one); }
  }

  private open(): void {
    if (!this.enabled || document.hidden) {
      this.source = null;
      this.keep(null);
      this.missing = true;
      this.move("idle");
      return;
    }
    const source = new EventSource(address("/live", { device_id: [...this.devices.keys()].sort() }));
    this.source = source;
    this.sources.add(source);
    if (this.state !== "open") this.move("connecting");
    source.onopen = () => {
      if (this.source !== source) return;
      this.keep(source);
      this.move("open");
      if (!this.missing) return;
      this.missing = false;
      for (const handler of this.returns) handler();
    };
    source.onerror = () => {
      if (this.source !== source) return;
      this.keep(source);
      this.missing = true;
      this.move("lost");
      // A refused connection is closed for good by the browser: ask again ourselves.
      if (source.readyState === EventSource.CLOSED) this.reopen(REOPEN_AFTER_MS);
    };
    for (const name of NAMES)
      source.addEventListener(name, (message: MessageEvent<string>) => {
        const event = JSON.parse(message.data) as never;
        for (const handler of this.handlers.get(name) ?? []) handler(event);
      });
  }
}

export const live = new LiveFeed();

/** Calls `handler` for each live event of a kind while the component is mounted. */
export function useLive<K extends keyof LiveEvents>(name: K, handler: Handler<K>): void {
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  useEffect(() => live.on(name, (event) => { latest.current(event); }), [name]);
}

/** Keeps the readings of these devices flowing while the component is mounted. */
export function useWatch(devices: readonly string[]): void {
  const key = devices.join(" ");
  useEffect(() => live.watch(key ? key.split(" ") : []), [key]);
}

export const useLiveState = (): LiveState => useSyncExternalStore(live.subscribe, () => live.state);
