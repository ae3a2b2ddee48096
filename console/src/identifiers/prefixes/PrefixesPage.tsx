import { PlusOutlined } from "@ant-design/icons";
import { Button, Segmented, Select, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";
import { useNavigate } from "react-router";

import { PREFIX_STATES, PREFIX_SYSTEMS, type PrefixInfo, type PrefixSummary } from "../../api/identifiers";
import { useMay, usePages, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { SearchField, useFilters } from "../../parts/filters";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded, Page } from "../../parts/Page";
import { ApplicationBox } from "./ApplicationBox";
import { StateTag } from "./StateTag";

const SIDES = ["all", "holder", "registrar"] as const;

/** Prefixes of one's own organisations, and those one decides on. */
export default function PrefixesPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const navigate = useNavigate();
  const [parameters, set] = useFilters();
  const [applying, setApplying] = useState(false);
  const applies = useMay("prefixes:apply");
  const decides = useMay("prefixes:review", "prefixes:administer");
  const side = SIDES.find((one) => one === parameters.get("side")) ?? "all";
  const state = parameters.get("state");
  const system = parameters.get("system");
  const text = parameters.get("q") ?? "";
  const summary = useResource<PrefixSummary>("/prefixes/summary", {}, { everyMs: 15_000 });
  const waiting = summary.data?.waiting ?? 0;
  const prefixes = usePages<PrefixInfo>("/prefixes", { side: side === "all" ? null : side, state, system, q: text, limit: 50 }, { everyMs: 15_000 });
  const filtered = state !== null || system !== null || text !== "";
  const open = (one: PrefixInfo): void => { void navigate(`/prefixes/${one.id}`); };
  const apply = applies && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setApplying(true); }}>{t.prefixes.apply}</Button>;
  const until = (one: PrefixInfo): JSX.Element => <span className="num">{one.until_ms === null ? (one.granted_ms === null ? "–" : t.prefixes.noEnd) : f.date(one.until_ms)}</span>;
  const marks = (one: PrefixInfo): JSX.Element => <>{one.certified && <Tag>{t.prefixes.certified}</Tag>}{one.filed && <Tag>{t.prefixes.filed}</Tag>}{one.renewal_asked && <Tag color="processing">{t.prefixes.renewalAsked}</Tag>}</>;
  const columns: TableColumnsType<PrefixInfo> = [
    { key: "prefix", title: t.prefixes.prefix, render: (_, one) => <button type="button" className="plain mono" style={{ fontWeight: 600 }} onClick={() => { open(one); }}>{one.prefix}</button> },
    { key: "system", title: t.prefixes.system, render: (_, one) => <span className="quiet">{t.prefixes.systems[one.system]}</span> },
    { key: "state", title: t.prefixes.state, render: (_, one) => <StateTag state={one.state} /> },
    { key: "holder", title: t.prefixes.holder, render: (_, one) => one.organisation_name || one.organisation_id },
    { key: "registrar", title: t.prefixes.registrar, render: (_, one) => <span className="quiet">{one.registrar_name ?? "–"}</span> },
    { key: "until", title: t.prefixes.until, render: (_, one) => until(one) },
    { key: "marks", title: "", render: (_, one) => marks(one) },
    { key: "changed", title: t.prefixes.changed, render: (_, one) => <span className="num quiet">{f.time(one.changed_ms)}</span> },
  ];
  const nothing = filtered
    ? <Empty title={t.prefixes.noMatch} text={t.prefixes.noMatchText}><Button onClick={() => { set({ state: null, system: null, q: null }); }}>{t.devices.clear}</Button></Empty>
    : side === "registrar" ? <Empty title={t.prefixes.noneToDecide} text={t.prefixes.noneToDecideText} /> : <Empty title={t.prefixes.empty} text={t.prefixes.emptyText}>{apply}</Empty>;
  return (
    <Page title={t.prefixes.title} text={t.prefixes.text} actions={apply} lead={waiting > 0 ? <Tag color="processing">{t.prefixes.waiting(waiting)}</Tag> : null}>
      <div className="row wrap filters" style={{ marginBottom: 12 }}>
        {decides && <Segmented value={side} onChange={(next) => { set({ side: next === "all" ? null : next }); }} options={SIDES.map((value) => ({ value, label: t.prefixes.sides[value] }))} />}
        <SearchField value={text} hint={t.prefixes.searchHint} search={(q) => { set({ q }); }} />
        <Select allowClear placeholder={t.prefixes.anyState} aria-label={t.prefixes.state} value={state} onChange={(next) => { set({ state: next }); }} virtual={false} style={{ minWidth: 136 }} options={PREFIX_STATES.map((value) => ({ value, label: t.prefixes.states[value] }))} />
        <Select allowClear placeholder={t.prefixes.anySystem} aria-label={t.prefixes.system} value={system} onChange={(next) => { set({ system: next }); }} virtual={false} style={{ minWidth: 176 }} options={PREFIX_SYSTEMS.map((value) => ({ value, label: t.prefixes.systems[value] }))} />
      </div>
      <Loaded query={prefixes}>
        {({ items }) => items.length === 0 ? <div className="panel">{nothing}</div> : (
          <Listing
            items={items} columns={columns} rowKey={(one) => one.id} onOpen={open}
            card={(one) => (
              <button type="button" className="card" onClick={() => { open(one); }}>
                <span className="row spread"><b className="mono cut">{one.prefix}</b><StateTag state={one.state} /></span>
                <span className="small quiet" style={{ display: "block" }}>{t.prefixes.systems[one.system]} · {one.organisation_name || one.organisation_id}</span>
                <span className="row wrap small" style={{ marginBlockStart: 4 }}>{marks(one)}<span className="quiet">{t.prefixes.until} {until(one)}</span></span>
              </button>
            )}
            more={prefixes.hasNextPage ? () => void prefixes.fetchNextPage() : null} loadingMore={prefixes.isFetchingNextPage}
          />
        )}
      </Loaded>
      {applying && <ApplicationBox prefix={null} close={() => { setApplying(false); }} />}
    </Page>
  );
}
