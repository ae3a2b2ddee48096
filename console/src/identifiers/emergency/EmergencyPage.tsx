import { AlertOutlined } from "@ant-design/icons";
import { Button, Segmented, Select, type TableColumnsType } from "antd";
import type { JSX } from "react";
import { Link } from "react-router";

import { MEASURE_KINDS, MEASURE_SCOPES, MEASURE_STATES, type MeasureInfo } from "../../api/identifiers";
import { useMay, usePages } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { useFilters } from "../../parts/filters";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded, Page } from "../../parts/Page";
import { recordPath } from "../records/address";
import { usePersonName } from "../records/use";
import { MeasureBox } from "./MeasureBox";
import { LiftButton, Span, StateMark, Words } from "./MeasureParts";

/** Measures in force and all that were: what was ordered, by whom, why, and how it ended. */
export default function EmergencyPage(): JSX.Element {
  const t = useText().emergency;
  const clear = useText().devices.clear;
  const f = useFormat();
  const person = usePersonName();
  const acts = useMay("identifiers:emergency");
  const [parameters, set] = useFilters();
  const state = parameters.get("state") ?? "in_force";
  const kind = parameters.get("kind");
  const taking = parameters.get("take");
  const measures = usePages<MeasureInfo>("/identifiers/measures", { state: state === "all" ? null : state, kind, limit: 50 }, { everyMs: 10_000 });
  const take = acts && <Button type="primary" danger icon={<AlertOutlined />} onClick={() => { set({ take: "suspend" }); }}>{t.take}</Button>;
  const what = (one: MeasureInfo): JSX.Element => <><div className="small quiet">{t.scopes[one.scope]}</div>{one.scope === "identifier" ? <Link className="mono" style={{ overflowWrap: "anywhere" }} to={recordPath(one.identifier)}>{one.identifier}</Link> : <span className="mono" style={{ overflowWrap: "anywhere" }}>{one.identifier}</span>}</>;
  const why = (one: MeasureInfo): JSX.Element => <><div>{one.reason}</div>{one.lifted_ms !== null && <div className="small quiet">{t.liftedBy(person(one.lifted_by), one.lifted_why)}</div>}{one.side === "registrar" && <div className="small quiet">{t.registrar}</div>}</>;
  const columns: TableColumnsType<MeasureInfo> = [
    { key: "kind", title: t.kind, render: (_, one) => <><b>{t.kinds[one.kind]}</b><div><StateMark measure={one} /></div></> },
    { key: "on", title: t.on, render: (_, one) => what(one) },
    { key: "touched", title: t.touched, align: "right", render: (_, one) => <span className="num">{f.number(one.touched)}</span> },
    { key: "words", title: t.kinds.announce, render: (_, one) => <Words measure={one} /> },
    { key: "reason", title: t.reason, render: (_, one) => why(one) },
    { key: "span", title: t.since, render: (_, one) => <><Span measure={one} /><div className="small quiet">{person(one.taken_by)}</div></> },
    { key: "lift", title: "", render: (_, one) => <LiftButton measure={one} /> },
  ];
  return (
    <Page title={t.title} text={t.text} actions={take}>
      <div className="row wrap filters" style={{ marginBottom: 12 }}>
        <Segmented value={state} onChange={(next) => { set({ state: next === "in_force" ? null : next }); }} options={[...MEASURE_STATES.map((value) => ({ value: value as string, label: t.states[value] })), { value: "all", label: t.anyState }]} />
        <Select allowClear placeholder={t.anyKind} aria-label={t.kind} value={kind} onChange={(next) => { set({ kind: next }); }} virtual={false} style={{ minWidth: 128 }} options={MEASURE_KINDS.map((value) => ({ value, label: t.kinds[value] }))} />
      </div>
      <Loaded query={measures}>
        {({ items }) => items.length === 0 ? (
          <div className="panel">{state === "in_force" && kind === null ? <Empty title={t.none} text={t.noneText}>{take}</Empty> : <Empty title={t.noMatch} text={t.noMatchText}><Button onClick={() => { set({ state: null, kind: null }); }}>{clear}</Button></Empty>}</div>
        ) : (
          <Listing
            items={items} columns={columns} rowKey={(one) => one.id}
            card={(one) => (
              <div className="card">
                <span className="row spread"><b>{t.kinds[one.kind]}</b><StateMark measure={one} /></span>
                {what(one)}<Words measure={one} />
                <div className="small quiet">{one.touched === 1 ? t.touchesOne : t.touches(f.number(one.touched))} · <Span measure={one} /></div>
                {why(one)}<LiftButton measure={one} />
              </div>
            )}
            more={measures.hasNextPage ? () => void measures.fetchNextPage() : null} loadingMore={measures.isFetchingNextPage}
          />
        )}
      </Loaded>
      {acts && taking !== null && (
        <MeasureBox
          key={`${taking} ${parameters.get("on") ?? ""}`} close={() => { set({ take: null, scope: null, on: null }); }}
          start={{ kind: MEASURE_KINDS.find((one) => one === taking) ?? "suspend", scope: MEASURE_SCOPES.find((one) => one === parameters.get("scope")) ?? "identifier", on: parameters.get("on") ?? "" }}
        />
      )}
    </Page>
  );
}
