import type { JSX } from "react";

import type { ConnectionHealth, FieldConnection } from "../api/model";
import { useFormat, useText } from "../i18n";
import { useNow } from "../parts/now";

const DOTS: Record<string, string> = { running: "ok", connecting: "never", lost: "off", refused: "off", stopped: "never" };

/** How a connection does, by shape and word. */
export function StateMark({ connection, health, long = false }: { connection: FieldConnection; health: ConnectionHealth | undefined; long?: boolean }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(5000);
  const state = !connection.enabled ? "stopped" : health?.state ?? "connecting";
  const since = long && health?.since_ms ? t.connectors.since(f.duration(Math.max(0, now - health.since_ms))) : "";
  return <span className="mark" data-state={state}><i className={`dot ${DOTS[state] ?? "never"}`} />{t.connectors.states[state] ?? state} {since && <span className="quiet">{since}</span>}</span>;
}
