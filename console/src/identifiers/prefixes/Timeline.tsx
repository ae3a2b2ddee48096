import type { JSX } from "react";

import type { PrefixStep } from "../../api/identifiers";
import { useFormat, useText } from "../../i18n";

/** What happened, newest first; `names` of the steps of another kind of case. */
export function Timeline({ steps, names }: { steps: readonly PrefixStep[]; names?: Record<string, string> }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const newest = [...steps].sort((a, b) => b.at_ms - a.at_ms);
  const when = (value: unknown): string => (typeof value === "number" ? f.date(value) : "");
  const more = ({ data }: PrefixStep): string => [
    "until_ms" in data ? `${t.prefixes.until} ${when(data["until_ms"]) || t.prefixes.noEnd}` : "",
    ...["certified_by", "node", "number"].map((name) => (typeof data[name] === "string" ? data[name] : "")),
    typeof data["filing"] === "string" ? (t.prefixes.filingStates as Record<string, string>)[data["filing"]] ?? "" : "",
  ].filter(Boolean).join(" · ");
  return (
    <ol className="timeline" data-testid="timeline">
      {newest.map((step, place) => (
        <li key={`${step.at_ms}-${place}`} data-step={step.transition ?? "comment"}>
          <div><b>{step.transition === null ? t.prefixes.said : ((names ?? t.prefixes.transitions)[step.transition] ?? step.transition)}</b><span className="quiet"> · {step.actor_name || t.prefixes.node}</span></div>
          {more(step) && <div className="small quiet">{more(step)}</div>}
          {step.comment && <div style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{step.comment}</div>}
          <div className="small faint num">{f.time(step.at_ms)}</div>
        </li>
      ))}
    </ol>
  );
}
