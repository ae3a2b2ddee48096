import { Alert, App, Button, Drawer, Input, Modal } from "antd";
import { type JSX, useState } from "react";

import { post } from "../api/client";
import type { Approval, ApprovalAnswer, ApprovalDetail } from "../api/model";
import { useChange, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { Loaded } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { StateTag } from "./StateTag";
import { linesOf, useActionName, useObjectName } from "./words";

const EVERYTHING = ["approvals", "devices", "models", "places", "rules", "alarms", "people", "grants", "roles", "groups", "organisations", "certificates", "retention", "overview", "session"];
type Verdict = "approve" | "reject" | "withdraw";

/** One request: who asks for what, what it holds, and the decision. */
export function ApprovalDrawer({ id, close }: { id: string | null; close: () => void }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const approval = useResource<ApprovalDetail>(`/approvals/${id ?? ""}`, {}, { enabled: id !== null, everyMs: 5000 });
  return (
    <Drawer open={id !== null} onClose={close} size={phone ? "100%" : 640} title={t.approvals.request} destroyOnHidden>
      <Loaded query={approval}>{(one) => <Detail approval={one} />}</Loaded>
    </Drawer>
  );
}

function Detail({ approval }: { approval: ApprovalDetail }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const action = useActionName();
  const object = useObjectName();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  return (
    <div className="stack" data-testid="approval-detail">
      <div className="row spread wrap">
        <StateTag approval={approval} />
        <span className="row">
          {approval.may_decide && <><Button onClick={() => { setVerdict("reject"); }}>{t.approvals.reject}</Button><Button type="primary" onClick={() => { setVerdict("approve"); }}>{t.approvals.approve}</Button></>}
          {approval.mine && approval.state === "asked" && <Button onClick={() => { setVerdict("withdraw"); }}>{t.approvals.withdraw}</Button>}
        </span>
      </div>
      {approval.emergency && <Alert type="warning" showIcon title={t.approvals.emergency} />}
      <h2 style={{ fontSize: 18, lineHeight: "26px" }}>{action(approval.action)} · {object(approval)}</h2>
      <dl className="facts">
        <dt>{t.approvals.requester}</dt><dd>{approval.requester_name}</dd>
        <dt>{t.approvals.organisation}</dt><dd>{approval.organisation_name || approval.organisation_id}</dd>
        {approval.reason && <><dt>{t.approvals.reason}</dt><dd style={{ whiteSpace: "pre-wrap" }}>{approval.reason}</dd></>}
        <dt>{t.approvals.asked}</dt><dd className="num">{f.time(approval.asked_ms)}</dd>
        {approval.state === "asked" && <><dt>{t.approvals.expires}</dt><dd className="num">{f.time(approval.expires_ms)}</dd></>}
        {approval.decider_name && <><dt>{t.approvals.decider}</dt><dd>{approval.decider_name}{approval.comment && <span className="quiet"> · {approval.comment}</span>}</dd></>}
        <dt>{t.approvals.request}</dt><dd className="mono small" style={{ overflowWrap: "anywhere" }}>{approval.method} {approval.path}{approval.query && `?${approval.query}`}</dd>
      </dl>
      <Outcome approval={approval} />
      <section className="stack tight">
        <h3 style={{ fontSize: 14 }}>{t.approvals.contents}</h3>
        {approval.body !== null && approval.body !== undefined ? <><Document value={approval.body} /><p className="small faint">{t.approvals.hidden}</p></>
          : <p className="quiet">{approval.body_bytes > 0 ? t.approvals.notShown(f.bytes(approval.body_bytes)) : t.approvals.noContents}</p>}
      </section>
      <History approval={approval} />
      <p className="small faint mono" style={{ overflowWrap: "anywhere" }}>{t.approvals.digest}: {approval.digest}</p>
      {verdict && <DecisionBox approval={approval} verdict={verdict} close={() => { setVerdict(null); }} />}
    </div>
  );
}

/** A document as a table of paths and values. */
function Document({ value }: { value: unknown }): JSX.Element {
  return (
    <table className="differences">
      <tbody>{linesOf(value).map((line, i) => <tr key={`${line.path}-${i}`}><th scope="row" className="mono">{line.path}</th><td className="is" style={{ overflowWrap: "anywhere" }}>{line.value}</td></tr>)}</tbody>
    </table>
  );
}

function Outcome({ approval }: { approval: ApprovalDetail }): JSX.Element | null {
  const t = useText();
  const words = useNodeWords();
  const { modal } = App.useApp();
  const [taken, setTaken] = useState<ApprovalAnswer | null>(null);
  const take = useChange(() => post<ApprovalAnswer>(`/approvals/${approval.id}/answer`), ["approvals"], setTaken);
  const { result } = approval;
  if (!result) return null;
  const failed = words.problem(result.code, result.message || String(result.status), "");
  const ask = (): void => { void modal.confirm({ title: t.approvals.take, content: t.approvals.takeText, okText: t.approvals.take, cancelText: t.common.cancel, onOk: () => take.mutateAsync(undefined).catch(() => undefined) }); };
  return (
    <section className="stack tight">
      <h3 style={{ fontSize: 14 }}>{t.approvals.result}</h3>
      {approval.state === "done" ? <Alert type="success" showIcon title={t.approvals.states.done} /> : <Alert type="error" showIcon title={failed.title} description={<span className="mono small">{result.code}</span>} />}
      {approval.answer !== null && approval.answer !== undefined && approval.state === "done" && <details><summary className="small quiet">{t.approvals.answer}</summary><Document value={approval.answer} /></details>}
      {approval.answer_waiting && approval.state === "done" && <div><Button size="small" onClick={ask}>{t.approvals.take}</Button></div>}
      <Modal open={taken !== null} onCancel={() => { setTaken(null); }} title={t.approvals.answer} footer={<Button type="primary" onClick={() => { setTaken(null); }}>{t.common.done}</Button>}>
        <p className="quiet">{t.approvals.taken}</p>
        {taken && <Document value={taken.body} />}
      </Modal>
    </section>
  );
}

function History({ approval }: { approval: ApprovalDetail }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const [text, setText] = useState("");
  const say = useChange((comment: string) => post(`/approvals/${approval.id}/comments`, { comment }), ["approvals"], () => { setText(""); });
  const hint = approval.mine ? t.approvals.whyHint : t.approvals.askHint;
  return (
    <section className="stack tight">
      <h3 style={{ fontSize: 14 }}>{t.approvals.history}</h3>
      <div>
        {approval.history.map((step, i) => (
          <div key={`${step.at_ms}-${i}`} style={{ borderInlineStart: "2px solid var(--line)", padding: "2px 0 10px 14px" }}>
            <div><b>{step.transition === null ? t.approvals.comment : t.approvals.steps[step.transition as keyof typeof t.approvals.steps]}</b><span className="quiet"> · {step.actor_name}</span></div>
            {step.comment && <div style={{ whiteSpace: "pre-wrap" }}>{step.comment}</div>}
            <div className="small faint num">{f.time(step.at_ms)}</div>
          </div>
        ))}
      </div>
      {approval.state === "asked" && <>
        <Input.TextArea rows={2} maxLength={1000} value={text} placeholder={hint} aria-label={hint} onChange={(event) => { setText(event.target.value); }} />
        <div><Button disabled={!text.trim()} loading={say.isPending} onClick={() => { say.mutate(text.trim()); }}>{t.approvals.say}</Button></div>
      </>}
    </section>
  );
}

function DecisionBox({ approval, verdict, close }: { approval: Approval; verdict: Verdict; close: () => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [comment, setComment] = useState("");
  const needed = verdict === "reject";
  const decide = useChange(() => post<Approval>(`/approvals/${approval.id}/${verdict}`, { comment: comment.trim() }), EVERYTHING, (ended) => {
    const said = { approve: ended.state === "failed" ? t.approvals.failed : t.approvals.approved, reject: t.approvals.rejected, withdraw: t.approvals.withdrawn }[verdict];
    void (ended.state === "failed" ? message.warning(said) : message.success(said));
    close();
  });
  const text = { approve: t.approvals.approveText, reject: t.approvals.rejectText, withdraw: t.approvals.withdrawText }[verdict];
  const hint = needed ? t.approvals.commentNeeded : t.approvals.commentHint;
  return (
    <Modal
      open onCancel={close} title={t.approvals[verdict]} okText={t.approvals[verdict]} cancelText={t.common.cancel} confirmLoading={decide.isPending}
      onOk={() => { decide.mutate(undefined); }} okButtonProps={{ disabled: needed && !comment.trim(), danger: needed, "data-testid": "decide" } as never}
    >
      <p className="quiet" style={{ marginBottom: 12 }}>{text}</p>
      <Input.TextArea rows={3} maxLength={1000} placeholder={hint} aria-label={hint} value={comment} onChange={(event) => { setComment(event.target.value); }} autoFocus />
    </Modal>
  );
}
