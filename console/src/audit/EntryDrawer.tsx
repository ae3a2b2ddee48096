import { Drawer, Tabs } from "antd";
import type { JSX } from "react";
import { Link } from "react-router";

import type { LedgerEntry } from "../api/model";
import { useMay } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { usePhone } from "../parts/screen";
import { OutcomeTag } from "./EntryList";
import { ProofView } from "./ProofView";
import { absent, actionWords, actorWords, changeWords, linkOf, targetWords } from "./words";

/** One entry: who, what, the differences; and, for those who may, the proof that it is in the log. */
export function EntryDrawer({ entry, close }: { entry: LedgerEntry | null; close: () => void }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const administrator = useMay("ledger:read");
  return (
    <Drawer open={entry !== null} onClose={close} size={phone ? "100%" : 680} title={entry && actionWords(entry.action, t)} destroyOnHidden>
      {entry && (administrator
        ? <Tabs size="small" items={[
            { key: "what", label: t.audit.changes, children: <Facts entry={entry} /> },
            { key: "proof", label: t.audit.proof, children: <ProofView entry={entry} /> },
          ]} />
        : <Facts entry={entry} />)}
    </Drawer>
  );
}

function Facts({ entry }: { entry: LedgerEntry }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const link = linkOf(entry);
  return (
    <div className="stack">
      <dl className="facts">
        <dt>{t.audit.time}</dt><dd className="num">{f.time(entry.at_ms)}</dd>
        <dt>{t.audit.who}</dt><dd>{actorWords(entry, t)} <span className="small faint">{t.audit.actorKinds[entry.actor.kind]}</span></dd>
        {entry.approved_by !== null && <><dt>{t.approvals.approvedBy}</dt><dd>{entry.approved_by.name ?? entry.approved_by.id}</dd></>}
        {entry.on_behalf !== null && <><dt>{t.audit.behalf}</dt><dd>{entry.on_behalf.name ?? entry.on_behalf.id}</dd></>}
        <dt>{t.audit.object}</dt><dd>{link ? <Link to={link}>{targetWords(entry, t)}</Link> : targetWords(entry, t)}</dd>
        <dt>{t.audit.outcome}</dt><dd><OutcomeTag entry={entry} /> {entry.error && <span className="mono small quiet">{entry.error}</span>}</dd>
        {entry.address !== null && <><dt>{t.audit.from}</dt><dd className="mono">{entry.address}</dd></>}
        {entry.agent !== null && <><dt>{t.audit.agent}</dt><dd className="small">{entry.agent}</dd></>}
        {entry.grant && <><dt>{t.audit.grant}</dt><dd className="mono">{entry.grant}</dd></>}
        <dt>{t.audit.number}</dt><dd className="num">{f.number(entry.index)}</dd>
      </dl>
      {entry.changes.length > 0 && <Differences entry={entry} />}
      {entry.erased.length > 0 && <div className="notice">{t.audit.erasedText}</div>}
      <dl className="facts small">
        {entry.before && <><dt>{t.audit.digestBefore}</dt><dd className="mono">{entry.before}</dd></>}
        {entry.after && <><dt>{t.audit.digestAfter}</dt><dd className="mono">{entry.after}</dd></>}
        <dt>{t.audit.request}</dt><dd className="mono">{entry.request_id || "–"}</dd>
        <dt>{t.audit.id}</dt><dd className="mono">{entry.id}</dd>
      </dl>
    </div>
  );
}

function Differences({ entry }: { entry: LedgerEntry }): JSX.Element {
  const t = useText();
  const f = useFormat();
  return (
    <table className="differences">
      <thead><tr><th>{t.audit.field}</th><th>{t.audit.before}</th><th>{t.audit.after}</th></tr></thead>
      <tbody>
        {entry.changes.map((c) => (
          <tr key={c.path}>
            <th scope="row" className="mono">{c.path.slice(1).replaceAll("/", " / ")}</th>
            <td className="was">{absent(c.before) ? <span className="faint">–</span> : <del>{changeWords(c.path, c.before, f.time)}</del>}</td>
            <td className="is">{absent(c.after) ? <span className="faint">–</span> : <ins>{changeWords(c.path, c.after, f.time)}</ins>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
