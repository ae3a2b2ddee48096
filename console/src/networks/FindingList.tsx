import type { JSX } from "react";

import type { NetworkFinding } from "../api/model";
import { useFormat, useText } from "../i18n";
import { useNow } from "../parts/now";

const COLOURS = { error: "var(--critical)", warning: "var(--high)", info: "var(--quiet)" };

/** What is not as it should be, each with what to do. */
export function FindingList({ findings }: { findings: readonly NetworkFinding[] }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow();
  if (findings.length === 0) return <div><b>{t.networks.noFindings}</b><div className="quiet">{t.networks.noFindingsText}</div></div>;
  return (
    <ul style={{ listStyle: "none", margin: 0, padding: 0 }} className="stack tight">
      {findings.map((each) => {
        const [title, todo] = t.networks.finding(each.kind, each.about, each.detail);
        return (
          <li key={`${each.kind} ${each.about}`} data-finding={each.kind} style={{ borderInlineStart: `3px solid ${COLOURS[each.severity]}`, paddingInlineStart: 10 }}>
            <div><span className="small" style={{ color: COLOURS[each.severity] }}>{t.networks.severities[each.severity]}</span> <b>{title}</b> <span className="small faint">{f.ago(each.since_ms, now)}</span></div>
            <div className="quiet">{todo}</div>
          </li>
        );
      })}
    </ul>
  );
}
