import { type JSX, useId } from "react";

/** A small line of figures over time, drawn as SVG: the overview needs no chart library. */
export function Sparkline({ times, values, label, height = 96, format }: { times: readonly number[]; values: readonly (number | null)[]; label: string; height?: number; format: (value: number) => string }): JSX.Element {
  const id = useId();
  const width = 600;
  const highest = Math.max(1e-9, ...values.map((v) => v ?? 0));
  const first = times[0] ?? 0;
  const span = Math.max(1, (times.at(-1) ?? 1) - first);
  const place = (i: number): [number, number] => [(((times[i] ?? first) - first) / span) * width, height - 6 - ((values[i] ?? 0) / highest) * (height - 22)];
  const path = values.map((_, i) => `${i ? "L" : "M"}${place(i).map((n) => n.toFixed(1)).join(" ")}`).join("");
  return (
    <figure style={{ margin: 0 }}>
      <svg className="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" height={height} role="img" aria-label={label} aria-describedby={id}>
        <line x1="0" x2={width} y1={height - 6} y2={height - 6} stroke="var(--line)" vectorEffect="non-scaling-stroke" />
        <line x1="0" x2={width} y1="16" y2="16" stroke="var(--line)" strokeDasharray="2 4" vectorEffect="non-scaling-stroke" />
        {values.length > 1 && <>
          <path d={`${path}L${width} ${height - 6}L0 ${height - 6}Z`} fill="var(--accent)" opacity="0.09" />
          <path d={path} fill="none" stroke="var(--accent)" strokeWidth="1.6" vectorEffect="non-scaling-stroke" strokeLinejoin="round" />
        </>}
      </svg>
      <figcaption id={id} className="row spread small faint"><span>{label}</span><span className="num">↑ {format(highest > 1e-9 ? highest : 0)}</span></figcaption>
    </figure>
  );
}
