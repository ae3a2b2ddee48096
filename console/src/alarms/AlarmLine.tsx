import type { JSX } from "react";
import { Link } from "react-router";

import type { Alarm } from "../api/model";
import { useFormat, useMessage, useText } from "../i18n";
import { PriorityMark, StateText } from "../parts/Marks";
import { useNow } from "../parts/now";

export const isAsking = (alarm: Alarm): boolean => !alarm.acknowledged;

/** One alarm on a line: priority, what, where, when. */
export function AlarmLine({ alarm, to }: { alarm: Alarm; to?: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const message = useMessage();
  const now = useNow(10_000);
  return (
    <Link className="alarm-line" to={to ?? `/alarms?alarm=${alarm.id}`} data-alarm={alarm.id}>
      <PriorityMark priority={alarm.priority} hollow={alarm.acknowledged} />
      <div className="grow">
        <div className={`alarm-text ${isAsking(alarm) ? "unack" : ""}`}>{message(alarm)}</div>
        <div className="small quiet cut">{alarm.device_name} · <StateText state={alarm.state} />{alarm.occurrences > 1 && ` · ${t.alarms.occurrences(alarm.occurrences)}`}</div>
      </div>
      <div className="small quiet num nowrap" title={f.time(alarm.raised_ms)}>{f.ago(alarm.raised_ms, now)}</div>
    </Link>
  );
}
