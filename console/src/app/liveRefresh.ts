import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { live, type LiveEvents, useLive } from "../api/live";
import { alarmBeep } from "../parts/sound";
import { usePreferences } from "./preferences";

const AT_MOST_EVERY_MS = 1000;
const SHOWS: Partial<Record<keyof LiveEvents, string[]>> = {
  alarm: ["alarms", "overview", "devices"],
  command: ["commands"],
  location: ["location"],
  presence: ["devices", "overview"],
  arrivals: ["arrivals", "overview", "devices"],
  dead_letters: ["dead-letters", "overview"],
};

/** Refreshes what is on screen when the node says that it changed, at most once a second each. */
export function useLiveRefresh(): void {
  const client = useQueryClient();
  const waiting = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  const { sound } = usePreferences();
  const refresh = (event: keyof LiveEvents): void => {
    for (const resource of SHOWS[event] ?? []) {
      if (waiting.current.has(resource)) continue;
      waiting.current.set(resource, setTimeout(() => {
        waiting.current.delete(resource);
        void client.invalidateQueries({ queryKey: [resource] });
      }, event === "alarm" ? 50 : AT_MOST_EVERY_MS));
    }
  };
  useLive("alarm", (alarm) => {
    refresh("alarm");
    if (sound && alarm.state === "unacknowledged") alarmBeep(alarm.priority);
  });
  useLive("command", () => { refresh("command"); });
  useLive("location", () => { refresh("location"); });
  useLive("presence", () => { refresh("presence"); });
  useLive("arrivals", () => { refresh("arrivals"); });
  useLive("dead_letters", () => { refresh("dead_letters"); });
  // What happened while the feed was away was not told: everything on screen is asked for again.
  useEffect(() => live.onReturn(() => void client.invalidateQueries({ refetchType: "active" })), [client]);
  useEffect(() => {
    const timers = waiting.current;
    return () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    };
  }, []);
}
