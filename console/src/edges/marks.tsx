import type { JSX } from "react";

import type { Edge, UpgradeStatus } from "../api/model";
import { type Dictionary, useText } from "../i18n";

/** How an edge is: by a word, a dot beside it. */
export function EdgeState({ edge }: { edge: Edge }): JSX.Element {
  const t = useText();
  const dot = edge.state === "connected" ? "ok" : edge.state === "cut" ? "off" : "never";
  return <span className="mark" data-state={edge.state}><i className={`dot ${dot}`} />{t.edges.states[edge.state]}</span>;
}

export function Lacks({ edge }: { edge: Edge }): JSX.Element | null {
  const t = useText();
  if (edge.lacks.length === 0) return null;
  return <div className="small" style={{ color: "var(--warn)" }}>{edge.lacks.map((each) => <div key={each}>{t.edges.lack[each] ?? each}</div>)}</div>;
}

/** How far the last version that was ordered is. */
export const upgradeText = (t: Dictionary, u: UpgradeStatus): string => {
  const share = u.progress === "fetching" && u.bytes ? ` ${Math.floor((u.fetched / u.bytes) * 100)} %` : "";
  return `${u.version ? `${u.version}: ` : ""}${t.releases.progress[u.progress] ?? u.progress}${share}${u.why ? `. ${u.why}` : ""}`;
};

/** How far the parent is behind the edge; `null` while nothing waits or nothing is known. */
export const lagOf = (edge: Edge, nowMs: number): number | null => {
  const oldest = edge.status?.backlog_oldest_ms;
  return oldest == null ? null : Math.max(0, nowMs - oldest);
};
