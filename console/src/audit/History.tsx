import { type JSX, useState } from "react";

import type { LedgerEntry } from "../api/model";
import { useMay, usePages } from "../api/queries";
import { useText } from "../i18n";
import { Empty, Loaded } from "../parts/Page";
import { EntryDrawer } from "./EntryDrawer";
import { EntryList } from "./EntryList";

/** What one object went through. */
export function History({ kind, id }: { kind: string; id: string }): JSX.Element {
  const t = useText();
  const [open, setOpen] = useState<LedgerEntry | null>(null);
  const entries = usePages<LedgerEntry>(`/ledger/objects/${kind}/${encodeURIComponent(id)}`, { limit: 50 }, { everyMs: 15_000 });
  return (
    <>
      <Loaded query={entries}>
        {({ items }) => items.length === 0
          ? <div className="panel"><Empty title={t.audit.noHistory} text={t.audit.noHistoryText} /></div>
          : <EntryList brief entries={items} open={setOpen} more={entries.hasNextPage ? () => void entries.fetchNextPage() : null} />}
      </Loaded>
      <EntryDrawer entry={open} close={() => { setOpen(null); }} />
    </>
  );
}

/** Histories of people and of what they may do are for those who audit. */
const AUDITED = new Set(["person", "organisation", "grant", "group", "role"]);

/** The same as a part of a page, for who may see it. */
export function HistorySection({ kind, id }: { kind: string; id: string }): JSX.Element | null {
  const t = useText();
  const looks = useMay("ledger:look");
  const audits = useMay("ledger:read");
  if (!(AUDITED.has(kind) ? audits : looks)) return null;
  return <section style={{ marginBlockStart: 24 }}><h3 style={{ fontSize: 14, marginBlockEnd: 8 }}>{t.audit.history}</h3><History kind={kind} id={id} /></section>;
}
