import { CheckCircleFilled, CloseCircleFilled, DownloadOutlined, QuestionCircleFilled } from "@ant-design/icons";
import { Button, Tag, Tooltip } from "antd";
import type { JSX } from "react";

import { get } from "../../api/client";
import type { FilingProblem, SignedStep } from "../../api/filings";
import { usePreferences } from "../../app/preferences";
import { useFormat, useText } from "../../i18n";
import { Snippet } from "../../parts/Copy";
import { save } from "../../parts/files";
import { useComplain } from "../../parts/Problem";

const COLOURS: Record<string, string> = { received: "processing", in_review: "processing", accepted: "success", refused: "error", failed: "error", waiting: "warning" };

/** The state of a filing, above or below. */
export function FilingTag({ state }: { state: "waiting" | "received" | "accepted" | "refused" | "failed" | "in_review" }): JSX.Element {
  const t = useText();
  return <Tag {...(COLOURS[state] && { color: COLOURS[state] })} data-filing={state}>{t.filings.states[state]}</Tag>;
}

/** Why nothing is delivered, in the person's language. */
export function ProblemLine({ problem }: { problem: FilingProblem }): JSX.Element {
  const { language } = usePreferences();
  const f = useFormat();
  const t = useText();
  return <span className="small" style={{ color: "var(--warn)" }}>{(language === "zh" && problem.why_zh) || problem.message}{(problem.since_ms ?? 0) > 0 && <span className="quiet"> · {t.filings.since(f.time(problem.since_ms ?? 0))}</span>}</span>;
}

/** What was signed for a filing, each with whether its signature holds. */
export function Chain({ steps, path, name }: { steps: readonly SignedStep[]; path: string; name: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const complain = useComplain();
  if (steps.length === 0) return <p className="quiet">{t.filings.notSent}</p>;
  const take = (): void => { get<unknown>(`${path}/proof`).then((proof) => { save(`${name}.json`, new Blob([JSON.stringify(proof, null, 1)], { type: "application/json" })); }, complain); };
  return (
    <div className="stack tight">
      <p className="small quiet">{t.filings.chainText}</p>
      <ol className="timeline" data-testid="chain">
        {steps.map((one, place) => {
          const [icon, said] = one.signature === "wrong" ? [<CloseCircleFilled key="w" style={{ color: "var(--critical)" }} />, t.filings.wrong]
            : one.trusted ? [<CheckCircleFilled key="v" style={{ color: "var(--ok)" }} />, t.filings.valid] : [<QuestionCircleFilled key="u" style={{ color: "var(--warn)" }} />, t.filings.unknownKey];
          return (
            <li key={place} data-signature={one.signature} data-trusted={one.trusted} data-node={one.node}>
              <div className="row wrap"><b>{t.filings.kinds[one.kind]}</b><span>{one.node || "?"}</span>{one.kind === "receipt" && one.state && <FilingTag state={one.state as "accepted"} />}{one.kind === "filing" && <span className="quiet">{t.filings.prefixStates[one.state] ?? one.state}</span>}</div>
              {one.number && <div className="mono">{one.number}</div>}
              {one.reason && <div>{one.reason}</div>}
              <div className="small quiet row wrap">{icon}<span>{said}</span><Tooltip title={t.filings.key}><span className="mono">{one.key_id}</span></Tooltip>{one.at_ms > 0 && <span className="num">{f.time(one.at_ms)}</span>}</div>
            </li>
          );
        })}
      </ol>
      <div><Button size="small" icon={<DownloadOutlined />} onClick={take}>{t.filings.proof}</Button></div>
      <div className="small quiet">{t.filings.verifyBy}</div>
      <Snippet text={`millwright identifiers filing verify ${name}.json --key …`} />
    </div>
  );
}
