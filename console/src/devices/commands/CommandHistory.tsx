import { App, Button, Drawer, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import { post } from "../../api/client";
import type { Command, CommandDetail, Device } from "../../api/model";
import { useChange, useMay, usePages, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { useNodeWords } from "../../i18n/node";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded, Panel } from "../../parts/Page";
import { usePhone } from "../../parts/screen";

const OPEN = ["queued", "sending", "sent", "acknowledged"];
const LOOK: Record<string, { sign: string; colour: string }> = {
  confirmed: { sign: "✓", colour: "var(--ok)" }, delivered: { sign: "→", colour: "var(--quiet)" }, failed: { sign: "✕", colour: "var(--critical)" }, timed_out: { sign: "?", colour: "var(--warn)" },
  refused: { sign: "⊘", colour: "var(--critical)" }, expired: { sign: "⌛", colour: "var(--quiet)" }, cancelled: { sign: "–", colour: "var(--quiet)" }, superseded: { sign: "↷", colour: "var(--quiet)" },
};

/** A command's state: a sign and a word, so that it does not depend on colour. */
export function StateMark({ state }: { state: string }): JSX.Element {
  const t = useText();
  const look = LOOK[state] ?? { sign: "…", colour: "var(--accent)" };
  return <span className="mark" data-state={state}><b aria-hidden style={{ color: look.colour, width: 14, textAlign: "center" }}>{look.sign}</b>{t.commands.states[state] ?? state}</span>;
}

/** Whether it can be asked to come back: it waits here, or an edge has it and has not told that it was sent. */
const canCancel = (c: Command): boolean => c.state === "queued" || (c.route === "edge" && (c.state === "sending" || c.state === "sent") && !c.withdrawal);

/** The state, and who wants the command back from its edge. */
function Standing({ command }: { command: Command }): JSX.Element {
  const t = useText();
  return <span><StateMark state={command.state} />{command.withdrawal && <div className="small quiet" data-withdrawal>{t.commands.withdrawing(command.withdrawal.by_name)}</div>}</span>;
}

/** The commands of a device, newest first; states change as they are told. */
export function CommandHistory({ device }: { device: Device }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const mayCancel = useMay("commands:cancel");
  const [chosen, setChosen] = useState<string | null>(null);
  const found = usePages<Command>(`/commands`, { device_id: device.id, limit: 20 }, { everyMs: 5000 });
  const cancel = useChange((id: string) => post(`/commands/${id}/cancel`), ["commands"]);
  const ask = (c: Command): void => { void modal.confirm({ title: t.commands.cancelConfirm, okText: t.commands.cancel, cancelText: t.common.cancel, onOk: () => cancel.mutateAsync(c.id).catch(() => undefined) }); };
  const what = (c: Command): JSX.Element => <span><span className="mono">{c.name}</span> {c.kind === "write" ? <b className="num">= {f.withUnit(c.value, c.unit)}</b> : <span className="quiet mono small">({Object.entries(c.inputs).map(([k, v]) => `${k}=${String(v)}`).join(", ")})</span>}</span>;
  const took = (c: Command): string => (c.ended_ms === null ? "" : f.duration(c.ended_ms - c.asked_ms));
  const act = (c: Command): JSX.Element | null => (mayCancel && canCancel(c) ? <Button size="small" onClick={() => { ask(c); }}>{t.commands.cancel}</Button> : null);
  const columns: TableColumnsType<Command> = [
    { key: "what", title: t.commands.what, render: (_, c) => what(c) },
    { key: "state", title: t.commands.state, render: (_, c) => <Standing command={c} /> },
    { key: "by", title: t.commands.by, render: (_, c) => <span>{c.by_name}{c.reason && <div className="small quiet cut" style={{ maxWidth: 260 }}>{c.reason}</div>}</span> },
    { key: "asked", title: t.commands.asked, render: (_, c) => <span className="num quiet">{f.time(c.asked_ms)}</span> },
    { key: "took", title: t.commands.took, render: (_, c) => <span className="num quiet">{took(c)}</span> },
    { key: "act", width: 90, render: (_, c) => act(c) },
  ];
  const card = (c: Command): JSX.Element => (
    <div className="inset row spread wrap" role="button" tabIndex={0} onClick={() => { setChosen(c.id); }} onKeyDown={(e) => { if (e.key === "Enter") setChosen(c.id); }}>
      <span className="grow">{what(c)}<div className="small quiet num">{c.by_name} · {f.time(c.asked_ms)}</div></span>
      <span onClick={(e) => { if (canCancel(c)) e.stopPropagation(); }}><Standing command={c} />{act(c)}</span>
    </div>
  );
  return (
    <Panel title={t.commands.history} flush>
      <Loaded query={found} rows={3}>
        {({ items }) => (items.length ? <Listing items={items} columns={columns} rowKey={(c) => c.id} inside card={card} onOpen={(c) => { setChosen(c.id); }} more={found.hasNextPage ? () => void found.fetchNextPage() : null} loadingMore={found.isFetchingNextPage} /> : <Empty title={t.commands.empty} text={t.commands.emptyText} />)}
      </Loaded>
      {chosen && <CommandDrawer id={chosen} close={() => { setChosen(null); }} />}
    </Panel>
  );
}

function CommandDrawer({ id, close }: { id: string; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const phone = usePhone();
  const ended = (c: CommandDetail): { title: string; hint: string } => words.problem(c.outcome?.code ?? "", c.outcome?.text ?? "", c.outcome?.hint ?? "", c.outcome?.detail);
  const found = useResource<CommandDetail>(`/commands/${id}`, {}, { everyMs: 2000 });
  return (
    <Drawer open onClose={close} title={t.commands.what} size={phone ? "100%" : 520}>
      <Loaded query={found}>
        {(c) => (
          <div className="stack">
            <dl className="facts">
              <dt>{t.commands.what}</dt><dd><span className="mono">{c.name}</span>{c.kind === "write" && <b className="num"> = {f.withUnit(c.value, c.unit)}</b>}</dd>
              <dt>{t.commands.state}</dt><dd><Standing command={c} /></dd>
              <dt>{t.commands.by}</dt><dd>{c.by_name}</dd>
              {c.reason && <><dt>{t.commands.reason}</dt><dd style={{ whiteSpace: "pre-wrap" }}>{c.reason}</dd></>}
              {c.before && <><dt>{t.commands.before}</dt><dd className="num">{f.withUnit(c.before.value, c.unit)}</dd></>}
              {c.after && <><dt>{t.commands.after}</dt><dd className="num">{f.withUnit(c.after.value, c.unit)}</dd></>}
              {c.outputs && <><dt>{t.commands.answer}</dt><dd className="mono small">{JSON.stringify(c.outputs)}</dd></>}
              {c.route && <><dt>{t.commands.route}</dt><dd>{t.commands.routes[c.route] ?? c.route}</dd><dt>{t.commands.attempts}</dt><dd className="num">{c.attempts}</dd></>}
            </dl>
            {c.outcome && OPEN.indexOf(c.state) < 0 && <div className={c.state === "confirmed" ? "sentence" : "notice"}>{ended(c).title}{ended(c).hint && <div className="small quiet">{ended(c).hint}</div>}</div>}
            <h3>{t.commands.details}</h3>
            <ol className="timeline">
              {c.history.map((e, n) => <li key={`${e.at_ms}${n}`}><div className="row wrap">{e.state === "note" ? <span>{t.commands.states["note"]}</span> : <StateMark state={e.state} />}<span className="num quiet small">{f.timeOfDay(e.at_ms, true)}</span></div>{e.text && <div className="small quiet">{words.problem(typeof e.detail["code"] === "string" ? e.detail["code"] : "", e.text, "", e.detail).title}</div>}</li>)}
            </ol>
          </div>
        )}
      </Loaded>
    </Drawer>
  );
}
