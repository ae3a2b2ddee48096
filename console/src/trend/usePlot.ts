import { type RefObject, useEffect, useRef, useState } from "react";

import { type ECharts, init } from "./echarts";

/** A chart that fills its element and follows its size. */
export function usePlot(element: RefObject<HTMLDivElement | null>): { chart: ECharts | null; width: number } {
  const [chart, setChart] = useState<ECharts | null>(null);
  const [width, setWidth] = useState(0);
  const last = useRef(0);
  useEffect(() => {
    const host = element.current;
    if (!host) return undefined;
    const made = init(host, null, { renderer: "canvas" });
    setChart(made);
    const observer = new ResizeObserver(() => {
      if (made.isDisposed() || host.clientWidth === 0) return;
      made.resize({ silent: true });
      if (Math.abs(host.clientWidth - last.current) > 8) {
        last.current = host.clientWidth;
        setWidth(host.clientWidth);
      }
    });
    observer.observe(host);
    return () => {
      observer.disconnect();
      made.dispose();
      setChart(null);
    };
  }, [element]);
  return { chart, width };
}
