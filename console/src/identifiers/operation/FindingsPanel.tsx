import { App, Button, Input, Modal, Segmented } from "antd";
import { type JSX, useState } from "react";

import { post } from "../../api/client";
import type { Finding } from "../../api/identifiers";
import { useChange, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Empty, Loaded, Panel } from "../../parts/Page";

const SHOWN = ["asked", "missed", "names", "run", "networks", "others", "mean_of_others", "missing", "found"] as const;

/** What looks like abuse, with what shows it; somebody looks into it and says what it was. */
export function FindingsPanel({ open }: { open: number }): JSX.Element {
  const { operation: o } = useText();
  const f = useFormat();
  const [state, setState] = useState<Finding["state"]>("open");
  const [chosen, setChosen] = useState<Finding | null>(null);
  const findings = useResource<{ items: Finding[] }>("/identifiers/operation/findings", { state }, { everyMs: 5000, keep: true });
  return (
    <Panel title={o.findings} extra={<div className="row" style={{ justifyContent: "flex-end" }}><Segmented size="small" value={state} onChange={setState} options={[{ value: "open", label: open > 0 ? `${o.open} ${f.number(open)}` : o.open }, { value: "acknowledged", label: o.acknowledged }]} /></div>}>
      <Loaded query={findings}>
        {({ items }) => items.length === 0 ? <Empty title={state === "open" ? o.noFindings : o.noneAcknowledged} text={state === "open" ? o.noFindingsText : undefined} /> : (
          <div className="stack tight" data-testid="findings">{items.map((one) => <FindingBox key={one.id} finding={one} acknowledge={() => { setChosen(one); }} />)}</div>
        )}
      </Loaded>
      {chosen && <AcknowledgeBox finding={chosen} close={() => { setChosen(null); }} />}
    </Panel>
  );
}

function FindingBox({ finding, acknowledge }: { finding: Finding; acknowledge: () => void }): JSX.Element {
  const { operation: o } = useText();
  const f = useFormat();
  const counted = SHOWN.flatMap((key) => {
    const value = finding.evidence[key];
    return typeof value === "number" ? [{ key, value }] : [];
  });
  const { threshold, from, to, window_min: minutes } = finding.evidence;
  const open = finding.state === "open";
  return (
    <article className="notice" style={open ? undefined : { borderInlineStartColor: "var(--line)" }} data-kind={finding.kind}>
      <div className="row spread wrap">
        <b>{o.kinds[finding.kind] ?? finding.kind}</b>
        <span className="small faint num">{o.times(finding.times)} · {o.last} {f.time(finding.last_ms)}</span>
      </div>
      <div className="mono" style={{ overflowWrap: "anywhere", margin: "2px 0" }}>{finding.subject || <span className="faint">{o.network}: {o.removed}</span>}{finding.prefixes.length > 0 && finding.prefixes.join() !== finding.subject && <span className="quiet small"> → {finding.prefixes.join(", ")}</span>}</div>
      <div className="row wrap" style={{ gap: "2px 16px" }}>
        {counted.map(({ key, value }) => <span key={key} className="small nowrap"><b className="num">{f.value(value)}</b> <span className="quiet">{o.evidence[key]}</span></span>)}
        {typeof minutes === "number" && <span className="small nowrap quiet"><span className="num">{minutes}</span> {o.evidence.window_min}</span>}
        {typeof threshold === "number" && <span className="small nowrap faint">{o.threshold(f.number(threshold))}</span>}
      </div>
      {typeof from === "string" && typeof to === "string" && <div className="small" style={{ overflowWrap: "anywhere" }}><span className="quiet">{o.evidence.from}</span> <span className="mono">{from}</span> <span className="quiet">{o.evidence.to}</span> <span className="mono">{to}</span></div>}
      {finding.kind !== "counterfeit" && finding.names.length > 0 && <div className="small" style={{ overflowWrap: "anywhere" }}><span className="quiet">{o.examples}</span> <span className="mono">{finding.names.slice(0, 4).join("  ")}</span> {finding.hidden > 0 && <span className="faint">{o.hidden(finding.hidden)}</span>}</div>}
      {open ? (
        <div className="row spread wrap" style={{ marginTop: 6, alignItems: "flex-end" }}>
          <span className="small quiet grow" style={{ flexBasis: 260 }}>{o.hints[finding.kind]}</span>
          <Button size="small" onClick={acknowledge}>{o.acknowledge}</Button>
        </div>
      ) : <div className="small" style={{ marginTop: 6 }}>{finding.comment} <span className="faint">– {finding.acknowledged_by}, {f.time(finding.acknowledged_ms ?? 0)}</span></div>}
    </article>
  );
}

function AcknowledgeBox({ finding, close }: { finding: Finding; close: () => void }): JSX.Element {
  const t = useText();
  const { operation: o } = t;
  const { message } = App.useApp();
  const [comment, setComment] = useState("");
  const save = useChange((said: string) => post(`/identifiers/operation/findings/${finding.id}/acknowledge`, { comment: said }), ["identifiers"], () => { void message.success(o.acknowledgedDone); close(); });
  return (
    <Modal open onCancel={close} title={`${o.acknowledge}: ${o.kinds[finding.kind] ?? finding.kind}`} okText={o.acknowledge} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { save.mutate(comment.trim()); }} okButtonProps={{ disabled: comment.trim() === "", "data-testid": "take-acknowledge" } as never}>
      <div className="stack tight">
        <p className="quiet">{o.acknowledgeText}</p>
        <Input.TextArea rows={3} maxLength={1000} autoFocus placeholder={o.comment} aria-label={o.comment} value={comment} onChange={(event) => { setComment(event.target.value); }} />
      </div>
    </Modal>
  );
}
