/** One Server-Sent Events connection for the whole console, re-opened when the watched devices change. */
import { useEffect, useRef, useSyncExternalStore } from "react";

import { address } from "./client";
import type { Alarm, Value } from "./model";

export interface LiveReadings { device_id: string; readings: [property: string, time_ms: number, value: Value, quality: number][] }
export interface LivePresence { device_id: string; online: boolean; since_ms?: number | null; last_seen_ms?: number | null; reason?: string | null }
export interface LiveEvents {
  readings: LiveReadings; alarm: Alarm; presence: LivePresence; stats: unknown; arrivals: unknown; dead_letters: unknown;
}
export type LiveState = "connecting" | "open" | "lost" | "idle";
type Handler<K extends keyof LiveEvents> = (event: LiveEvents[K]) => void;

const NAMES: (keyof LiveEvents)[] = ["readings", "alarm", "presence", "stats", "arrivals", "dead_letters"];
const REOPEN_AFTER_MS = 3000;
const SETTLE_MS = 150;

class LiveFeed {
  private source: EventSource | null = null;
  private handlers = new Map<keyof LiveEvents, Set<Handler<never>>>();
  private devices = new Map<string, number>();
  private watchers = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private enabled = false;
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

  private open(): void {
    this.source?.close();
    this.source = null;
    if (!this.enabled || document.hidden) {
      this.move("idle");
      return;
    }
    const source = new EventSource(address("/live", { device_id: [...this.devices.keys()].sort() }));
    this.source = source;
    if (this.state !== "open") this.move("connecting");
    source.onopen = () => {
      this.move("open");
    };
    source.onerror = () => {
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
