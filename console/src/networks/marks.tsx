import type { JSX } from "react";

import type { SiteLink, SiteNetwork } from "../api/model";
import { useText } from "../i18n";

type State = SiteLink["state"];

/** The colour of a state; its word always stands beside it. */
export const colourOf = (state: State): string => ({ ok: "var(--ok)", slow: "var(--medium)", lossy: "var(--high)", down: "var(--critical)", unknown: "var(--faint)" })[state];

export function StateDot({ state, words }: { state: State; words: Record<State, string> }): JSX.Element {
  return <span className="mark" data-state={state}><i className="dot" style={state === "unknown" ? { border: "1.5px dashed var(--faint)" } : { background: colourOf(state) }} />{words[state]}</span>;
}

export function SiteState({ site }: { site: SiteNetwork }): JSX.Element {
  const words = useText().networks;
  return <StateDot state={site.state} words={site.watched ? words.siteStates : { ...words.siteStates, unknown: words.notWatched }} />;
}

/** The last latencies of a link; a gap is an answer that did not come. */
export function Latencies({ link, label }: { link: SiteLink; label: string }): JSX.Element | null {
  const values = link.recent;
  if (values.length < 2) return null;
  const width = 96, height = 22;
  const highest = Math.max(1e-6, ...values.map((v) => v ?? 0));
  const x = (i: number): number => (i / (values.length - 1)) * width;
  let path = "", open = false;
  values.forEach((v, i) => {
    if (v === null) { open = false; return; }
    path += `${open ? "L" : "M"}${x(i).toFixed(1)} ${(height - 3 - (v / highest) * (height - 6)).toFixed(1)}`;
    open = true;
  });
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {values.map((v, i) => v === null && <line key={i} x1={x(i)} x2={x(i)} y1={3} y2={height - 3} stroke="var(--critical)" strokeWidth="1.5" />)}
      <path d={path} fill="none" stroke={colourOf(link.state)} strokeWidth="1.5" strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}

export const msOf = (value: number | null, number: (n: number) => string): string => (value === null ? "–" : `${number(value < 10 ? Math.round(value * 100) / 100 : Math.round(value))} ms`);
