import { App, Button, Drawer, Select, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";
import { Link } from "react-router";

import { post } from "../../api/client";
import { SENT_STATES, type SentFiling } from "../../api/filings";
import { useChange, useMay, usePages } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { SearchField, useFilters } from "../../parts/filters";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded } from "../../parts/Page";
import { usePhone } from "../../parts/screen";
import { Chain, FilingTag, ProblemLine } from "./Chain";

/** What was filed with nodes above. */
export function SentTab(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const [parameters, set] = useFilters();
  const [open, setOpen] = useState<string | null>(null);
  const connects = useMay("filings:connect");
  const state = parameters.get("state");
  const text = parameters.get("q") ?? "";
  const filings = usePages<SentFiling>("/filings/sent", { state, q: text, limit: 50 }, { everyMs: 5000 });
  const shown = filings.data?.items.find((one) => one.id === open) ?? null;
  const show = (one: SentFiling): void => { setOpen(one.id); };
  const event = (one: SentFiling): JSX.Element => <span>{t.filings.events[one.event]}{one.passed_on && <Tag style={{ marginInlineStart: 6 }}>{t.filings.passedOn}</Tag>}</span>;
  const columns: TableColumnsType<SentFiling> = [
    { key: "prefix", title: t.filings.prefix, render: (_, one) => <button type="button" className="plain mono" style={{ fontWeight: 600 }} onClick={() => { show(one); }}>{one.prefix}</button> },
    { key: "event", title: t.filings.event, render: (_, one) => event(one) },
    { key: "upper", title: t.filings.with, render: (_, one) => one.upper_name },
    { key: "state", title: t.filings.state, render: (_, one) => <div><FilingTag state={one.state} />{one.problem && <div style={{ maxWidth: 320 }}><ProblemLine problem={one.problem} /></div>}</div> },
    { key: "number", title: t.filings.number, render: (_, one) => <span className="mono">{one.number || "–"}</span> },
    { key: "next", title: t.filings.next, render: (_, one) => <span className="num quiet">{one.next_ms === null ? "–" : f.time(one.next_ms)}</span> },
    { key: "prepared", title: t.filings.prepared, render: (_, one) => <span className="num quiet">{f.time(one.prepared_ms)}</span> },
  ];
  const filtered = state !== null || text !== "";
  return (
    <>
      <div className="row wrap filters" style={{ marginBottom: 12 }}>
        <SearchField value={text} hint={t.filings.searchHint} search={(q) => { set({ q }); }} />
        <Select allowClear placeholder={t.filings.anyState} aria-label={t.filings.state} value={state} onChange={(next) => { set({ state: next }); }} virtual={false} style={{ minWidth: 136 }} options={SENT_STATES.map((value) => ({ value, label: t.filings.states[value] }))} />
      </div>
      <Loaded query={filings}>
        {({ items }) => items.length === 0 ? (
          <div className="panel">{filtered ? <Empty title={t.filings.noMatch} /> : <Empty title={t.filings.noSent} text={t.filings.noSentText}>{connects && <Button type="primary" onClick={() => { set({ tab: "uppers" }); }}>{t.filings.connectFirst}</Button>}</Empty>}</div>
        ) : (
          <Listing
            items={items} columns={columns} rowKey={(one) => one.id} onOpen={show}
            card={(one) => (
              <button type="button" className="card" onClick={() => { show(one); }}>
                <span className="row spread"><b className="mono cut">{one.prefix}</b><FilingTag state={one.state} /></span>
                <span className="small quiet" style={{ display: "block" }}>{event(one)} · {one.upper_name} · {f.time(one.prepared_ms)}</span>
                {one.number && <span className="mono small" style={{ display: "block" }}>{one.number}</span>}
                {one.problem && <ProblemLine problem={one.problem} />}
              </button>
            )}
            more={filings.hasNextPage ? () => void filings.fetchNextPage() : null} loadingMore={filings.isFetchingNextPage}
          />
        )}
      </Loaded>
      {shown && <SentDrawer filing={shown} close={() => { setOpen(null); }} />}
    </>
  );
}

/** One filing: how it stands, and all that was signed for it. */
export function SentDrawer({ filing, close }: { filing: SentFiling; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { message } = App.useApp();
  const manages = useMay("filings:manage");
  const retry = useChange(() => post(`/filings/sent/${filing.id}/retry`), ["filings"], () => { void message.success(t.filings.asked); });
  return (
    <Drawer
      open onClose={close} size={usePhone() ? "100%" : 560} title={<span className="row wrap"><span className="mono">{filing.prefix}</span><FilingTag state={filing.state} /></span>}
      extra={manages && filing.next_ms !== null && <Button size="small" loading={retry.isPending} onClick={() => { retry.mutate(undefined); }}>{t.filings.sendNow}</Button>}
    >
      <div className="stack">
        {filing.problem && <div className="notice"><ProblemLine problem={filing.problem} /></div>}
        {filing.pending && <div className="notice" style={{ borderInlineStartColor: "var(--line)" }}>{t.filings.pendingAbove}</div>}
        <dl className="facts">
          <dt>{t.filings.event}</dt><dd>{t.filings.events[filing.event]}</dd>
          <dt>{t.filings.with}</dt><dd>{filing.upper_name}</dd>
          {filing.number && <><dt>{t.filings.number}</dt><dd className="mono">{filing.number}</dd></>}
          {filing.reason && <><dt>{t.filings.reason}</dt><dd>{filing.reason}</dd></>}
          <dt>{t.filings.prepared}</dt><dd className="num">{f.time(filing.prepared_ms)}</dd>
          <dt>{t.filings.attempts}</dt><dd className="num">{filing.attempts}</dd>
          {filing.next_ms !== null && <><dt>{filing.state === "waiting" ? t.filings.next : t.filings.askedAgain}</dt><dd className="num">{f.time(filing.next_ms)}</dd></>}
          {filing.prefix_id && <><dt>{t.filings.prefix}</dt><dd><Link to={`/prefixes/${filing.prefix_id}`}>{filing.prefix}</Link></dd></>}
        </dl>
        <h3 style={{ fontSize: 14 }}>{t.filings.chain}</h3>
        <Chain steps={filing.chain} path={`/filings/sent/${filing.id}`} name={`filing-${filing.prefix}`} />
      </div>
    </Drawer>
  );
}
