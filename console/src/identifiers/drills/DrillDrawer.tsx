import { Alert, Drawer, Spin } from "antd";
import type { JSX, ReactNode } from "react";

import type { Drill, DrillStep } from "../../api/identifiers";
import { useFormat, useText } from "../../i18n";
import { usePhone } from "../../parts/screen";
import { DrillTag } from "./DrillsPage";

const HIDDEN = new Set(["digest"]);

/** One drill: what it measured beside its aims, and its steps with their times; it grows while the drill is under way. */
export function DrillDrawer({ drill, close }: { drill: Drill; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const phone = usePhone();
  const found = drill.measured ?? {};
  const seconds = (n: number): string => t.drills.seconds(f.number(Math.round(n * 1000) / 1000));
  const facts: [string, ReactNode][] = [];
  const fact = (label: string, value: number | null | undefined, shown: (value: number) => ReactNode): void => { if (typeof value === "number") facts.push([label, shown(value)]); };
  fact(t.drills.rto, found.rto_s, (n) => <>{seconds(n)} <span className="quiet">· {t.drills.aim(seconds(drill.aims.rto_s ?? 0))}</span></>);
  fact(t.drills.firstAnswer, found.first_answer_s, seconds);
  fact(t.drills.gap, found.longest_gap_s, seconds);
  fact(t.drills.rpo, found.rpo_records, (n) => <>{t.drills.records(f.number(n))} <span className="quiet">· {t.drills.batches(f.number(found.rpo_batches ?? 0), f.number(found.rpo_s ?? 0))} · {t.drills.aim(t.drills.records(f.number(drill.aims.rpo_records ?? 0)))}</span></>);
  fact(t.drills.handles, found.handles, (n) => f.number(n));
  fact(t.drills.rate, found.records_per_s, (n) => t.drills.perSecond(f.number(Math.round(n))));
  fact(t.drills.compared, found.compared, (n) => t.drills.differ(f.number(n), f.number(found.wrong ?? 0)));
  if (typeof found.equal === "boolean") facts.push([t.drills.digests, found.equal ? t.drills.equal : t.drills.different]);
  if (found.digest) facts.push([t.drills.digest, <span key="digest" className="mono small" style={{ overflowWrap: "anywhere" }}>{found.digest}</span>]);
  facts.push([t.drills.at, <span key="at" className="num">{f.time(drill.begun_ms)}</span>]);
  if (!drill.who) facts.push([t.drills.by, t.drills.commandLine]);
  return (
    <Drawer open onClose={close} size={phone ? "100%" : 680} title={<span className="row">{t.drills.kinds[drill.kind]} <span className="quiet small">{drill.live ? t.drills.live : t.drills.rehearsal}</span></span>} extra={<DrillTag drill={drill} />}>
      <div className="stack">
        {drill.problem && <Alert type="error" showIcon title={drill.problem.message} description={drill.problem.hint} />}
        {(drill.missed ?? []).length > 0 && <Alert type="warning" showIcon title={(drill.missed ?? []).map((each) => t.drills.missed[each] ?? each).join(" · ")} />}
        <dl className="facts">{facts.flatMap(([label, value]) => [<dt key={label}>{label}</dt>, <dd key={`${label}=`}>{value}</dd>])}</dl>
        <h3 style={{ margin: 0, fontSize: 14 }}>{t.drills.steps}</h3>
        <ol style={{ listStyle: "none", margin: 0, padding: 0 }} data-testid="drill-steps">
          {(drill.steps ?? []).map((step) => <Step key={step.name} step={step} />)}
        </ol>
        {drill.state === "running" && <div className="row quiet"><Spin size="small" /> {t.drills.states.running}</div>}
      </div>
    </Drawer>
  );
}

function Step({ step }: { step: DrillStep }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const said = Object.entries(step.detail ?? {}).filter(([key]) => !HIDDEN.has(key));
  return (
    <li style={{ display: "grid", gridTemplateColumns: "72px minmax(0, 1fr) auto", gap: "2px 12px", padding: "8px 0", borderBlockEnd: "1px solid var(--line)" }}>
      <span className="num quiet">{t.drills.seconds((step.at_ms / 1000).toFixed(2))}</span>
      <span>{t.drills.names[step.name] ?? step.name}</span>
      <span className="num">{f.number(Math.round(step.took_ms))} ms</span>
      {said.length > 0 && <span className="small quiet" style={{ gridColumn: "2 / -1", overflowWrap: "anywhere" }}>{said.map(([key, value]) => `${t.drills.words[key] ?? key} ${typeof value === "boolean" ? (value ? t.drills.yes : t.drills.no) : typeof value === "number" ? f.number(value) : String(value)}`).join(" · ")}</span>}
    </li>
  );
}
