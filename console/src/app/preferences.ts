/** What a person chose for this browser: language, theme, sound. Kept in local storage, shared by all components. */
import { useSyncExternalStore } from "react";

export type Language = "zh" | "en";
export type Appearance = "light" | "dark" | "system";
export interface Preferences { language: Language; appearance: Appearance; sound: boolean }

const KEY = "millwright.preferences";

/** The language of the first visit: Chinese when the browser prefers any Chinese to English. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    if (/^zh\b/i.test(tag)) return "zh";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}

/** Whether this browser has a choice of its own. */
export function hasPreferences(): boolean {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}

function load(): Preferences {
  const first: Preferences = {
    language: languageOf(typeof navigator === "undefined" ? [] : navigator.languages),
    appearance: "system",
    sound: false,
  };
  try {
    return { ...first, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>) };
  } catch {
    return first;
  }
}

let current = load();
const watchers = new Set<() => void>();

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Storage may be refused (private window): the choice then lasts as long as the page.
  }
  for (const watcher of watchers) watcher();
}

// Another tab chose: this one follows, and does not write its older choice over it.
if (typeof window !== "undefined")
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    current = load();
    for (const watcher of watchers) watcher();
  });

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};
export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, () => current);

const darkQuery = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");
const subscribeDark = (watcher: () => void): (() => void) => {
  darkQuery?.addEventListener("change", watcher);
  return () => darkQuery?.removeEventListener("change", watcher);
};

/** Whether the dark theme is on: chosen, or the system's. */
export function useDark(): boolean {
  const { appearance } = usePreferences();
  const system = useSyncExternalStore(subscribeDark, () => darkQuery?.matches ?? false);
  return appearance === "system" ? system : appearance === "dark";
}
