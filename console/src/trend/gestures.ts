import { type RefObject, useEffect, useRef } from "react";

import { pan, type TimeRange, zoom } from "./series";
import { PLOT_LEFT, PLOT_RIGHT } from "./options";

const WHEEL_STEP = 1.0015;

/** Drag pans, wheel and pinch zoom. Upright swipes are left to the page. */
export function useGestures(element: RefObject<HTMLDivElement | null>, range: TimeRange, change: (range: TimeRange) => void): void {
  const now = useRef({ range, change });
  useEffect(() => {
    now.current = { range, change };
  });
  useEffect(() => {
    const host = element.current;
    if (!host) return undefined;
    const fingers = new Map<number, number>();
    let pinch: { distance: number; centre: number } | null = null;
    const share = (x: number): number => {
      const box = host.getBoundingClientRect();
      return Math.min(1, Math.max(0, (x - box.left - PLOT_LEFT) / Math.max(1, box.width - PLOT_LEFT - PLOT_RIGHT)));
    };
    const width = (): number => Math.max(1, host.clientWidth - PLOT_LEFT - PLOT_RIGHT);
    const apply = (next: TimeRange): void => {
      now.current.range = next;
      now.current.change(next);
    };
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) apply(pan(now.current.range, event.deltaX / width()));
      else apply(zoom(now.current.range, WHEEL_STEP ** event.deltaY, share(event.clientX)));
    };
    const onDown = (event: PointerEvent): void => {
      fingers.set(event.pointerId, event.clientX);
      if (event.pointerType === "mouse") host.setPointerCapture(event.pointerId);
      pinch = null;
    };
    const onMove = (event: PointerEvent): void => {
      const before = fingers.get(event.pointerId);
      if (before === undefined) return;
      fingers.set(event.pointerId, event.clientX);
      if (fingers.size === 1) {
        if (event.clientX !== before) apply(pan(now.current.range, (before - event.clientX) / width()));
        return;
      }
      const [a = 0, b = 0] = [...fingers.values()];
      const distance = Math.max(10, Math.abs(a - b));
      const centre = share((a + b) / 2);
      if (pinch) apply(zoom(now.current.range, pinch.distance / distance, centre));
      pinch = { distance, centre };
    };
    const onUp = (event: PointerEvent): void => {
      fingers.delete(event.pointerId);
      pinch = null;
    };
    host.addEventListener("wheel", onWheel, { passive: false });
    host.addEventListener("pointerdown", onDown);
    host.addEventListener("pointermove", onMove);
    for (const end of ["pointerup", "pointercancel", "pointerleave"] as const) host.addEventListener(end, onUp);
    return () => {
      host.removeEventListener("wheel", onWheel);
      host.removeEventListener("pointerdown", onDown);
      host.removeEventListener("pointermove", onMove);
      for (const end of ["pointerup", "pointercancel", "pointerleave"] as const) host.removeEventListener(end, onUp);
    };
  }, [element]);
}
