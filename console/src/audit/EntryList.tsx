import { Tag, type TableColumnsType } from "antd";
import type { JSX } from "react";
import { Link } from "react-router";

import type { LedgerEntry } from "../api/model";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { absent, actionWords, actorWords, changeWords, linkOf, targetWords } from "./words";

const COLOURS = { done: "default", denied: "error", failed: "warning" } as const;

export function OutcomeTag({ entry }: { entry: LedgerEntry }): JSX.Element {
  const t = useText();
  return <Tag color={COLOURS[entry.outcome]} title={entry.error} style={{ marginInlineEnd: 0 }}>{t.audit.outcomes[entry.outcome]}{entry.count > 1 && ` ×${entry.count}`}</Tag>;
}

/** One line for what changed: the first values, and how many more there are. */
function Gist({ entry }: { entry: LedgerEntry }): JSX.Element {
  const t = useText();
  const f = useFormat();
  if (entry.outcome !== "done") return <span className="mono small faint">{entry.error}</span>;
  const shown = entry.changes.slice(0, 2).map((c) => `${c.path.slice(1)}: ${absent(c.before) ? "" : `${changeWords(c.path, c.before, f.time)} → `}${changeWords(c.path, c.after, f.time)}`).join("; ");
  return <span className="quiet small">{shown}{entry.changes.length > 2 && ` ${t.audit.more(entry.changes.length - 2)}`}</span>;
}

/** Entries as a table, or as cards on a phone. `brief` leaves the object out, for lists about one object. */
export function EntryList({ entries, open, more, brief = false }: { entries: readonly LedgerEntry[]; open: (entry: LedgerEntry) => void; more: (() => void) | null; brief?: boolean }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const target = (entry: LedgerEntry): JSX.Element => {
    const link = linkOf(entry);
    return link ? <Link to={link}>{targetWords(entry, t)}</Link> : <>{targetWords(entry, t)}</>;
  };
  const columns: TableColumnsType<LedgerEntry> = [
    { key: "time", title: t.audit.time, width: 176, render: (_, e) => <span className="num nowrap">{f.time(e.at_ms)}</span> },
    { key: "who", title: t.audit.who, render: (_, e) => <div className="cut" style={{ maxWidth: 200 }}>{actorWords(e, t)}</div> },
    { key: "what", title: t.audit.what, render: (_, e) => <span title={e.action}>{actionWords(e.action, t)}</span> },
    ...(brief ? [] : [{ key: "object", title: t.audit.object, render: (_: unknown, e: LedgerEntry) => <div className="cut" style={{ maxWidth: 240 }}>{target(e)}</div> }]),
    { key: "gist", title: t.audit.changes, render: (_, e) => <div className="cut" style={{ maxWidth: 380 }}><Gist entry={e} /></div> },
    { key: "outcome", title: t.audit.outcome, width: 110, render: (_, e) => <OutcomeTag entry={e} /> },
  ];
  return (
    <Listing
      items={entries} columns={columns} rowKey={(e) => e.id} size="small" onOpen={open} more={more}
      card={(e) => (
        <button type="button" className="card" onClick={() => { open(e); }}>
          <div className="row spread"><b className="cut">{actionWords(e.action, t)}</b><OutcomeTag entry={e} /></div>
          {!brief && <div className="cut">{targetWords(e, t)}</div>}
          <div className="cut"><Gist entry={e} /></div>
          <div className="row spread small faint"><span className="cut">{actorWords(e, t)}</span><span className="num nowrap">{f.time(e.at_ms)}</span></div>
        </button>
      )}
    />
  );
}
