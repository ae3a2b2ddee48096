/** Signs of state: each has a shape and a word, so that none depends on colour alone. */
import type { JSX } from "react";

import type { AlarmState, Presence, Priority } from "../api/model";
import { useNow } from "./now";
import { useFormat, useText } from "../i18n";

const SHAPES: Record<Priority, { d: string; sign: string }> = {
  critical: { d: "M5.5 1h7L17 5.5v7L12.5 17h-7L1 12.5v-7z", sign: "1" },
  high: { d: "M9 .8 17.6 16.6H.4z", sign: "2" },
  medium: { d: "M9 .5 17.5 9 9 17.5.5 9z", sign: "3" },
  low: { d: "M9 1a8 8 0 1 0 0 16A8 8 0 1 0 9 1z", sign: "4" },
};

/** Priority: octagon 1, triangle 2, diamond 3, circle 4. Filled while it asks for somebody, hollow once acknowledged. */
export function PriorityMark({ priority, hollow = false, label = false }: { priority: Priority; hollow?: boolean; label?: boolean }): JSX.Element {
  const t = useText();
  const { d, sign } = SHAPES[priority];
  const colour = `var(--${priority})`;
  return (
    <span className="mark" title={t.alarms.priorities[priority]}>
      <svg width="18" height="18" viewBox="0 0 18 18" role="img" aria-label={t.alarms.priorities[priority]}>
        <path d={d} fill={hollow ? "none" : colour} stroke={colour} strokeWidth={hollow ? 1.6 : 0} />
        <text x="9" y={priority === "high" ? 14.4 : 12.6} textAnchor="middle" fontSize="10" fontWeight="700" fill={hollow ? colour : "var(--surface)"}>
          {sign}
        </text>
      </svg>
      {label && <span>{t.alarms.priorities[priority]}</span>}
    </span>
  );
}

export function StateText({ state }: { state: AlarmState }): JSX.Element {
  const t = useText();
  const asks = state === "unacknowledged" || state === "returned_unacknowledged";
  return <span className={asks ? "unack" : "quiet"}>{t.alarms.states[state]}</span>;
}

/** Presence: a full dot while online (calm grey), an open ring when offline, dashed when never seen. */
export function PresenceMark({ presence, disabled = false, long = false }: { presence: Presence; disabled?: boolean; long?: boolean }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(10_000);
  const never = !presence.online && presence.last_seen_ms === null && presence.since_ms === null;
  const word = disabled ? t.devices.disabled : presence.online ? t.devices.online : never ? t.devices.never : t.devices.offline;
  const since = presence.since_ms === null ? "" : f.duration(now - presence.since_ms);
  const text = long && since && !disabled ? (presence.online ? t.devices.sinceOnline(since) : t.devices.sinceOffline(since)) : word;
  return (
    <span className="mark" data-presence={presence.online ? "online" : never ? "never" : "offline"}>
      <i className={`dot ${disabled || never ? "never" : presence.online ? "on" : "off"}`} />
      {text}
    </span>
  );
}
