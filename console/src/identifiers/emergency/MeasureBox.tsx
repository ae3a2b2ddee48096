import { useQuery } from "@tanstack/react-query";
import { Alert, App, Button, Input, Modal, Segmented, Select } from "antd";
import { type JSX, useState } from "react";

import { post, ProblemError } from "../../api/client";
import { MEASURE_KINDS, MEASURE_SCOPES, type MeasureInfo, type MeasureReach, SEVERITIES } from "../../api/identifiers";
import { useChange } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { useFormat, useText } from "../../i18n";
import { useNow } from "../../parts/now";
import { useSettled } from "../../parts/settled";
import { bodyOf, EMPTY, fieldOf, isComplete, type MeasureWish, timeOf } from "./measures";

const HOURS = [24, 24 * 7, 24 * 30];

/** Takes a measure: for what, with what it touches in sight, and what everybody will read. */
export function MeasureBox({ start, close }: { start: Partial<MeasureWish>; close: () => void }): JSX.Element {
  const t = useText().emergency;
  const common = useText().common;
  const f = useFormat();
  const now = useNow(30_000);
  const { message } = App.useApp();
  const [wish, setWish] = useState<MeasureWish>({ ...EMPTY, ...start });
  const change = (part: Partial<MeasureWish>): void => { setWish((before) => ({ ...before, ...part })); };
  const target = { scope: wish.scope, on: useSettled(wish.on.trim(), 350) };
  const reach = useQuery({ queryKey: ["identifiers", "measures", "preview", target], queryFn: () => post<MeasureReach>("/identifiers/measures/preview", target), enabled: target.on !== "", retry: false, staleTime: 5000 });
  const settled = target.on === wish.on.trim() ? reach.data : undefined;
  const take = useChange(() => post<MeasureInfo>(`/identifiers/measures/${wish.kind}`, bodyOf(wish)), ["identifiers"], () => { void message.success(t.done); close(); });
  const until = timeOf(wish.until);
  const past = until !== null && until <= now;
  return (
    <Modal
      open onCancel={close} title={t.take} width={640} okText={t.kinds[wish.kind]} cancelText={common.cancel} confirmLoading={take.isPending} onOk={() => { take.mutate(undefined); }}
      okButtonProps={{ danger: wish.kind !== "announce", disabled: !isComplete(wish, settled, now), "data-testid": "take-measure" } as never}
    >
      <div className="stack tight">
        <Segmented block value={wish.kind} onChange={(kind) => { change({ kind }); }} aria-label={t.kind} options={MEASURE_KINDS.map((value) => ({ value, label: t.kinds[value] }))} />
        <p className="quiet small">{t.kindTexts[wish.kind]}</p>
        <Select value={wish.scope} onChange={(scope) => { change({ scope, touched: "" }); }} aria-label={t.on} virtual={false} options={MEASURE_SCOPES.map((value) => ({ value, label: t.scopes[value] }))} />
        <Input className="mono" value={wish.on} aria-label={t.onLabels[wish.scope]} placeholder={t.onHints[wish.scope]} spellCheck={false} autoFocus={wish.on === ""} onChange={(event) => { change({ on: event.target.value, touched: "" }); }} />
        <Reach reach={settled} error={reach.error} busy={reach.isFetching} asked={target.on !== ""} />
        {settled?.confirm && <label className="stack" style={{ gap: 4 }}><b>{t.confirm(String(settled.touched))}</b><Input inputMode="numeric" style={{ width: 170 }} value={wish.touched} aria-label={t.confirmLabel} onChange={(event) => { change({ touched: event.target.value }); }} status={Number(wish.touched) === settled.touched ? "" : "warning"} /></label>}
        {wish.kind !== "suspend" && <Labelled text={t.href}><Input value={wish.href} type="url" aria-label={t.href} placeholder={wish.kind === "redirect" ? t.hrefRedirect : t.hrefNotice} onChange={(event) => { change({ href: event.target.value }); }} /></Labelled>}
        {wish.kind === "announce" && <Labelled text={t.severity}><Select value={wish.severity} onChange={(severity) => { change({ severity }); }} aria-label={t.severity} virtual={false} options={SEVERITIES.map((value) => ({ value, label: t.severities[value] }))} /></Labelled>}
        <Labelled text={t.wordsZh}><Input.TextArea rows={2} maxLength={1000} value={wish.textZh} aria-label={t.wordsZh} placeholder={t.wordsHint} onChange={(event) => { change({ textZh: event.target.value }); }} /></Labelled>
        <Labelled text={t.words}><Input.TextArea rows={2} maxLength={1000} value={wish.text} aria-label={t.words} placeholder={t.wordsHint} onChange={(event) => { change({ text: event.target.value }); }} /></Labelled>
        <label className="stack" style={{ gap: 4 }}>
          <span>{t.untilLabel}</span>
          <span className="row wrap">
            <Input type="datetime-local" style={{ width: 220 }} value={wish.until} min={fieldOf(now)} status={past ? "error" : ""} onChange={(event) => { change({ until: event.target.value }); }} />
            {HOURS.map((hours) => <Button key={hours} size="small" onClick={() => { change({ until: fieldOf(now + hours * 3_600_000) }); }}>{hours < 48 ? t.hours(hours) : t.days(hours / 24)}</Button>)}
            <Button size="small" onClick={() => { change({ until: "" }); }}>{t.noEnd}</Button>
          </span>
          {past && <span className="small" style={{ color: "var(--critical)" }}>{t.past}</span>}
          {until !== null && !past && <span className="small quiet num">{f.time(until)}</span>}
        </label>
        <Labelled text={t.reason}><Input.TextArea rows={2} maxLength={1000} value={wish.reason} aria-label={t.reason} placeholder={t.reasonHint} onChange={(event) => { change({ reason: event.target.value }); }} /></Labelled>
      </div>
    </Modal>
  );
}

/** A field with its name above it, which stays when something was filled in. */
function Labelled({ text, children }: { text: string; children: JSX.Element }): JSX.Element {
  return <div className="stack" style={{ gap: 4 }}><span className="small" aria-hidden>{text}</span>{children}</div>;
}

function Reach({ reach, error, busy, asked }: { reach: MeasureReach | undefined; error: Error | null; busy: boolean; asked: boolean }): JSX.Element | null {
  const t = useText().emergency;
  const f = useFormat();
  const zh = usePreferences().language === "zh";
  if (!asked) return <span className="small quiet">{t.gs1}</span>;
  if (reach === undefined && error instanceof ProblemError && !busy) {
    const why = (error.problem as unknown as { data?: { why_zh?: string } }).data?.why_zh;
    return <Alert type="warning" showIcon title={(zh && why) || error.message} />;
  }
  if (reach === undefined) return <span className="small quiet">{t.looking}</span>;
  const words = reach.touched === 0 ? t.touchesNone : reach.touched === 1 ? t.touchesOne : t.touches(f.number(reach.touched));
  return (
    <Alert
      type={reach.confirm ? "warning" : "info"} showIcon data-testid="reach" title={words}
      description={reach.examples.length > 0 && <span className="small">{t.examples} <span className="mono" style={{ overflowWrap: "anywhere" }}>{reach.examples.join(" · ")}</span></span>}
    />
  );
}
