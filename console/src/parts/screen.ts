import { useSyncExternalStore } from "react";

const query = typeof matchMedia === "undefined" ? null : matchMedia("(max-width: 767px)");
const subscribe = (watcher: () => void): (() => void) => {
  query?.addEventListener("change", watcher);
  return () => query?.removeEventListener("change", watcher);
};

/** Whether the screen is a phone's: cards take the place of tables, the drawer that of the side bar. */
export const usePhone = (): boolean => useSyncExternalStore(subscribe, () => query?.matches ?? false);
