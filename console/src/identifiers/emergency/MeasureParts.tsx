import { App, Button, Input, Modal, Tag } from "antd";
import { type JSX, useState } from "react";
import { Link } from "react-router";

import { post } from "../../api/client";
import type { MeasureInfo } from "../../api/identifiers";
import { useChange, useList, useMay } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { useFormat, useText } from "../../i18n";

const COLOURS = { planned: "processing", in_force: "error", ended: "default", lifted: "default" } as const;

export function StateMark({ measure }: { measure: MeasureInfo }): JSX.Element {
  const t = useText().emergency;
  return <Tag color={measure.state === "in_force" && measure.kind === "announce" ? "warning" : COLOURS[measure.state]}>{t.states[measure.state]}</Tag>;
}

/** From when and until when. */
export function Span({ measure }: { measure: MeasureInfo }): JSX.Element {
  const t = useText().emergency;
  const f = useFormat();
  const end = measure.lifted_ms ?? measure.until_ms;
  return <span className="num">{f.time(measure.since_ms)} – {end === null ? t.openEnd : f.time(end)}</span>;
}

/** What everybody reads, in the reader's language where there is one. */
export function Words({ measure }: { measure: MeasureInfo }): JSX.Element | null {
  const zh = usePreferences().language === "zh";
  const text = zh ? measure.text_zh || measure.text : measure.text || measure.text_zh;
  if (text === "" && measure.href === "") return null;
  return <div style={{ overflowWrap: "anywhere" }}>{text}{measure.href !== "" && <div className="small mono">→ {measure.href}</div>}</div>;
}

/** Ends a measure, and asks why. */
export function LiftButton({ measure }: { measure: MeasureInfo }): JSX.Element | null {
  const t = useText().emergency;
  const common = useText().common;
  const { message } = App.useApp();
  const may = useMay("identifiers:emergency");
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const lift = useChange(() => post(`/identifiers/measures/${measure.id}/lift`, { reason: reason.trim() }), ["identifiers"], () => { void message.success(t.lifted); setOpen(false); });
  if (!may || !measure.may_lift) return null;
  return <>
    <Button size="small" onClick={() => { setOpen(true); }}>{t.lift}</Button>
    <Modal open={open} onCancel={() => { setOpen(false); }} title={t.liftTitle(measure.identifier)} okText={t.lift} cancelText={common.cancel} confirmLoading={lift.isPending} okButtonProps={{ disabled: reason.trim() === "" }} onOk={() => { lift.mutate(undefined); }}>
      <p className="quiet" style={{ marginBlockEnd: 12 }}>{t.liftText}</p>
      <Input.TextArea rows={2} maxLength={1000} value={reason} placeholder={t.reasonHint} aria-label={t.reason} onChange={(event) => { setReason(event.target.value); }} autoFocus />
    </Modal>
  </>;
}

/** The measures in force for an identifier or a prefix, on top of its page. */
export function MeasuresBanner({ identifier, prefix }: { identifier?: string; prefix?: string }): JSX.Element | null {
  const t = useText().emergency;
  const measures = useList<MeasureInfo>("/identifiers/measures", { state: "in_force", identifier: identifier ?? null, prefix: prefix ?? null }, { enabled: useMay("identifiers:read"), everyMs: 15_000 });
  if (!measures.data || measures.data.length === 0) return null;
  return (
    <div className="stack tight" data-testid="measures">
      {measures.data.map((one) => (
        <div key={one.id} role="alert" className="notice" style={{ borderInlineStartColor: one.kind === "announce" ? "var(--warn)" : "var(--critical)" }}>
          <div className="row spread wrap"><span><b>{t.taken[one.kind]}</b> <span className="quiet small">{t.scopes[one.scope]} <span className="mono" style={{ overflowWrap: "anywhere" }}>{one.identifier}</span></span></span><span className="row"><LiftButton measure={one} /><Link to="/emergency" className="small">{t.all}</Link></span></div>
          <Words measure={one} />
          <div className="small quiet">{one.reason} · <Span measure={one} />{one.side === "registrar" && ` · ${t.registrar}`}</div>
        </div>
      ))}
    </div>
  );
}
