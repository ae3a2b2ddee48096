import { Button, Drawer, Input } from "antd";
import { type JSX, lazy, Suspense, useState } from "react";
import { Link } from "react-router";

import { post } from "../api/client";
import type { AlarmDetail } from "../api/model";
import { useChange, useMay, useResource } from "../api/queries";
import { HistorySection } from "../audit/History";
import { useFormat, useMessage, useText } from "../i18n";
import { PriorityMark, StateText } from "../parts/Marks";
import { useNow } from "../parts/now";
import { Loaded } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { isAsking } from "./AlarmLine";

const EvidenceChart = lazy(() => import("./EvidenceChart"));

export function AlarmDrawer({ id, close, acknowledge }: { id: string | null; close: () => void; acknowledge: (id: string) => void }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const alarm = useResource<AlarmDetail>(`/alarms/${id ?? ""}`, {}, { enabled: id !== null, everyMs: 5000 });
  return (
    <Drawer open={id !== null} onClose={close} size={phone ? "100%" : 640} title={t.alarms.title} destroyOnHidden>
      <Loaded query={alarm}>{(a) => <Detail alarm={a} acknowledge={acknowledge} />}</Loaded>
    </Drawer>
  );
}

function Detail({ alarm, acknowledge }: { alarm: AlarmDetail; acknowledge: (id: string) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const message = useMessage();
  const now = useNow(1000);
  const operator = useMay("alarms:acknowledge");
  return (
    <div className="stack" data-testid="alarm-detail">
      <div className="row spread wrap">
        <div className="row"><PriorityMark priority={alarm.priority} hollow={alarm.acknowledged} label /><StateText state={alarm.state} /></div>
        {operator && isAsking(alarm) && <Button type="primary" onClick={() => { acknowledge(alarm.id); }}>{t.alarms.acknowledge}</Button>}
      </div>
      <h2 style={{ fontSize: 18, lineHeight: "26px" }}>{message(alarm)}</h2>
      <dl className="facts">
        <dt>{t.alarms.device}</dt><dd><Link to={`/devices/${alarm.device_id}?trend=${encodeURIComponent(alarm.property)}`}>{alarm.device_name}</Link> · <span className="mono">{alarm.property}</span></dd>
        <dt>{t.rules.title}</dt><dd><Link to={`/rules?rule=${alarm.rule_id}`}>{alarm.rule_name}</Link></dd>
        <dt>{t.alarms.value}</dt><dd className="num">{f.withUnit(alarm.trigger_value, alarm.unit)}{alarm.limit !== null && <span className="quiet"> · {t.alarms.limit} {f.withUnit(alarm.limit, alarm.unit)}</span>}</dd>
        <dt>{t.alarms.raised}</dt><dd className="num">{f.time(alarm.raised_ms)}{alarm.occurrences > 1 && <span className="quiet"> · {t.alarms.occurrences(alarm.occurrences)}</span>}</dd>
        <dt>{t.alarms.returned}</dt><dd className="num">{alarm.returned_ms === null ? "–" : f.time(alarm.returned_ms)}</dd>
        <dt>{t.alarms.duration}</dt><dd className="num">{f.duration((alarm.returned_ms ?? now) - alarm.raised_ms)}</dd>
        {alarm.acknowledged_ms !== null && <><dt>{t.alarms.states.acknowledged}</dt><dd>{t.alarms.acknowledgedBy(alarm.acknowledged_by ?? "", f.time(alarm.acknowledged_ms))}</dd></>}
      </dl>
      <section className="stack tight">
        <h3 style={{ fontSize: 14 }}>{t.alarms.evidence}</h3>
        <Suspense fallback={<div style={{ height: 240 }} />}><EvidenceChart alarm={alarm} /></Suspense>
      </section>
      <History alarm={alarm} />
      <HistorySection kind="alarm" id={alarm.id} />
    </div>
  );
}

function History({ alarm }: { alarm: AlarmDetail }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const operator = useMay("alarms:comment");
  const [text, setText] = useState("");
  const comment = useChange((words: string) => post(`/alarms/${alarm.id}/comments`, { text: words }), ["alarms"], () => { setText(""); });
  return (
    <section className="stack tight">
      <h3 style={{ fontSize: 14 }}>{t.alarms.entries}</h3>
      <div>
        {alarm.history.map((entry, i) => (
          <div key={`${entry.at_ms}-${i}`} style={{ borderInlineStart: "2px solid var(--line)", padding: "2px 0 10px 14px" }}>
            <div><b>{t.alarms.kinds[entry.kind as keyof typeof t.alarms.kinds]}</b>{entry.value !== null && <span className="num"> {f.withUnit(entry.value, alarm.unit)}</span>}{entry.by && <span className="quiet"> · {entry.by}</span>}</div>
            {entry.text && <div style={{ whiteSpace: "pre-wrap" }}>{entry.text}</div>}
            <div className="small faint num">{f.time(entry.at_ms)}</div>
          </div>
        ))}
      </div>
      {operator && <>
        <Input.TextArea rows={2} maxLength={4000} value={text} placeholder={t.alarms.comment} aria-label={t.alarms.comment} onChange={(event) => { setText(event.target.value); }} />
        <div><Button disabled={!text.trim()} loading={comment.isPending} onClick={() => { comment.mutate(text.trim()); }}>{t.alarms.addComment}</Button></div>
      </>}
    </section>
  );
}
