import { App, Button } from "antd";
import type { JSX } from "react";

import { type HeldError, ProblemError } from "../api/client";
import { dictionaries, type Dictionary, useText } from "../i18n";
import { nodeWords } from "../i18n/node";

/** Title and advice of any failure, in the node's words where it gave some. */
export function wordsOf(error: unknown, t: Dictionary): { title: string; hint: string; code: string } {
  if (!(error instanceof ProblemError)) return { title: t.problem.failed, hint: error instanceof Error ? error.message : String(error), code: "" };
  const { problem } = error;
  if (error.unreachable) return { title: t.problem.unreachable, hint: t.problem.unreachableHint, code: "" };
  const fields = problem.fields.map((f) => [f.path, f.message].filter(Boolean).join(": ")).join("; ");
  const retry = problem.retryAfterS === null ? "" : t.problem.retryIn(problem.retryAfterS);
  const zh = t === dictionaries.zh;
  // Some errors carry their reason in Chinese too.
  const why = zh ? problem.data["why_zh"] : null;
  const said = typeof why === "string" && why !== ""
    ? nodeWords.zh.problem(problem.code, why, "")
    : nodeWords[zh ? "zh" : "en"].problem(problem.code, problem.detail || problem.title || t.problem.failed, problem.hint, problem.data);
  const hint = [fields, said.hint || (problem.status === 403 ? t.problem.deniedHint : ""), retry].filter(Boolean).join(" ");
  return { title: said.title, hint, code: problem.code };
}

/** A failure in place of the content it kept away. */
export function ProblemView({ error, retry }: { error: unknown; retry?: () => void }): JSX.Element {
  const t = useText();
  const { title, hint, code } = wordsOf(error, t);
  return (
    <div className="empty" role="alert">
      <svg width="40" height="40" viewBox="0 0 40 40" fill="none" stroke="var(--warn)" strokeWidth="2" aria-hidden>
        <path d="M20 5 36.5 34h-33z" strokeLinejoin="round" /><path d="M20 16v8m0 4.5v.5" strokeLinecap="round" />
      </svg>
      <h3>{title}</h3>
      {hint && <p className="quiet">{hint}</p>}
      {code && <p className="small faint mono">{code}</p>}
      {retry && <div className="actions"><Button onClick={retry}>{t.common.retry}</Button></div>}
    </div>
  );
}

/** Shows failures of actions as a notification that stays until read. */
export function useComplain(): (error: unknown) => void {
  const { notification } = App.useApp();
  const t = useText();
  return (error) => {
    const { title, hint } = wordsOf(error, t);
    notification.error({ title, description: hint, duration: 8, placement: "bottomRight" });
  };
}

/** Says that something waits for a second person, with a way to it. */
export function useTellHeld(): (held: HeldError) => void {
  const { notification } = App.useApp();
  const t = useText();
  return (held) => {
    // A plain link: the notification is drawn outside of the router.
    notification.info({ title: t.approvals.sent, description: <>{t.approvals.sentText} <a href={`/approvals?view=mine&approval=${held.approvalId}`}>{t.approvals.open}</a></>, duration: 10, placement: "bottomRight" });
  };
}
