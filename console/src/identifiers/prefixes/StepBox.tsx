import { Alert, App, AutoComplete, Button, Input, Modal, Radio } from "antd";
import { type JSX, useState } from "react";

import { etagOf, post, ProblemError, request } from "../../api/client";
import type { PrefixDetail } from "../../api/identifiers";
import { useChange, useRights } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { useNow } from "../../parts/now";
import { bodyOf, dayOf, type Former, FORMERS, isComplete, type Step, STEPS, type Wish, yearsAfter } from "./steps";

const YEARS = [1, 3, 5];

/** One step of a prefix: what it does, and what it asks for. */
export function StepBox({ prefix, step, close }: { prefix: PrefixDetail; step: Step; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(60_000);
  const { message } = App.useApp();
  const { needs, path, danger } = STEPS[step];
  const organisations = useRights().data?.organisations ?? [];
  const wanted = step === "renew" && prefix.renewal ? prefix.renewal.until_ms : step === "activate" ? prefix.form.until_ms : null;
  const [wish, setWish] = useState<Wish>({ comment: "", until: dayOf(wanted), to: "" });
  const [name, setName] = useState("");
  const take = useChange(
    () => request<PrefixDetail>("POST", `/prefixes/${prefix.id}/${path}`, { body: bodyOf(step, wish), etag: etagOf(prefix) }), ["prefixes", "identifiers"],
    () => { void message.success(t.prefixes.done[step]); close(); },
  );
  const left = take.error instanceof ProblemError && take.error.problem.code === "prefixes.names_left";
  const reason = needs === "reason" || needs === "transfer";
  const hint = reason ? t.prefixes.reasonHint : t.prefixes.commentHint;
  const text = step === "withdraw" && prefix.granted_ms !== null ? t.prefixes.stepTexts.withdrawHeld : t.prefixes.stepTexts[step];
  const complete = isComplete(step, wish, now);
  const from = Math.max(now, step === "activate" ? 0 : prefix.until_ms ?? 0);
  return (
    <Modal
      open onCancel={close} title={`${t.prefixes.steps[step]}: ${prefix.prefix}`} okText={t.prefixes.steps[step]} cancelText={t.common.cancel} confirmLoading={take.isPending}
      onOk={() => { take.mutate(undefined); }} okButtonProps={{ disabled: !complete, danger: danger ?? false, "data-testid": "take-step" } as never}
    >
      <div className="stack tight">
        <p className="quiet">{text}</p>
        {step === "activate" && !prefix.certified && <Alert type="warning" showIcon title={t.prefixes.notCertifiedYet} description={t.prefixes.notCertifiedYetText} />}
        {step === "renew" && prefix.renewal && <Alert type="info" showIcon title={prefix.renewal.until_ms === null ? t.prefixes.noEnd : t.prefixes.renewalWish(f.date(prefix.renewal.until_ms))} description={prefix.renewal.comment} />}
        {needs === "until" && (
          <label className="stack" style={{ gap: 4 }}>
            <span>{t.prefixes.until}</span>
            <span className="row wrap">
              <Input type="date" style={{ width: 170 }} value={wish.until} min={dayOf(now)} onChange={(event) => { setWish({ ...wish, until: event.target.value }); }} status={complete ? "" : "error"} />
              {YEARS.map((years) => <Button key={years} size="small" onClick={() => { setWish({ ...wish, until: yearsAfter(from, years) }); }}>{t.prefixes.years(years)}</Button>)}
              <Button size="small" onClick={() => { setWish({ ...wish, until: "" }); }}>{t.prefixes.noEnd}</Button>
            </span>
            {!complete && <span className="small" style={{ color: "var(--critical)" }}>{t.prefixes.untilPast}</span>}
          </label>
        )}
        {needs === "transfer" && (
          <AutoComplete
            value={name} options={organisations.filter((one) => one.id !== prefix.organisation_id).map((one) => ({ value: one.name, key: one.id }))} showSearch={{ filterOption: (typed, option) => (option?.value ?? "").toLowerCase().includes(typed.toLowerCase()) }}
            onChange={(typed: string) => { setName(typed); setWish({ ...wish, to: organisations.find((one) => one.name === typed)?.id ?? typed.trim() }); }}
          ><Input placeholder={t.prefixes.transferToHint} aria-label={t.prefixes.transferTo} /></AutoComplete>
        )}
        {left && (
          <Alert type="warning" showIcon title={t.emergency.former} description={<div className="stack tight"><Radio.Group value={wish.former ?? ""} onChange={(event) => { setWish({ ...wish, former: event.target.value as Former }); }} options={FORMERS.map((value) => ({ value, label: t.emergency.formers[value] }))} /><span className="small">{t.emergency.formerText}</span></div>} />
        )}
        <Input.TextArea rows={3} maxLength={1000} placeholder={hint} aria-label={hint} value={wish.comment} onChange={(event) => { setWish({ ...wish, comment: event.target.value }); }} autoFocus={needs !== "transfer"} />
      </div>
    </Modal>
  );
}

/** A line to the other side. */
export function SayBox({ prefix }: { prefix: PrefixDetail }): JSX.Element {
  const t = useText();
  const [text, setText] = useState("");
  // Who decides speaks as such; what is allowed tells which side one is on.
  const decides = prefix.allowed.some((step) => ["review", "return", "approve", "certify", "suspend", "renew", "file"].includes(step));
  const say = useChange((comment: string) => post(`/prefixes/${prefix.id}/${decides ? "remarks" : "comments"}`, { text: comment }), ["prefixes"], () => { setText(""); });
  return (
    <div className="stack tight">
      <Input.TextArea rows={2} maxLength={1000} value={text} placeholder={t.prefixes.sayHint} aria-label={t.prefixes.sayHint} onChange={(event) => { setText(event.target.value); }} />
      <div><Button disabled={text.trim() === ""} loading={say.isPending} onClick={() => { say.mutate(text.trim()); }}>{t.prefixes.say}</Button></div>
    </div>
  );
}
