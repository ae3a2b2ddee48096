import { type JSX, useState } from "react";

import type { LedgerEntry } from "../api/model";
import { usePages } from "../api/queries";
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
