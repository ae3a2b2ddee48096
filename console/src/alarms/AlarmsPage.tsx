import { Button, Segmented, Select, Switch, type TableColumnsType } from "antd";
import { type JSX, type Key, useState } from "react";
import { Link } from "react-router";

import { type Alarm, PRIORITIES, type Priority, type Rule } from "../api/model";
import { useList, useMay, usePages } from "../api/queries";
import { setPreferences, usePreferences } from "../app/preferences";
import { useFormat, useMessage, useText } from "../i18n";
import { SearchField, useFilters } from "../parts/filters";
import { Listing } from "../parts/Listing";
import { PriorityMark, StateText } from "../parts/Marks";
import { Empty, Loaded, Page } from "../parts/Page";
import { AcknowledgeBox } from "./AcknowledgeBox";
import { AlarmDrawer } from "./AlarmDrawer";
import { AlarmLine, isAsking } from "./AlarmLine";

/** Alarms as they come; several are acknowledged at once. */
export default function AlarmsPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const message = useMessage();
  const operator = useMay("alarms:acknowledge");
  const { sound } = usePreferences();
  const [parameters, set] = useFilters();
  const [selected, setSelected] = useState<Key[]>([]);
  const [acknowledging, setAcknowledging] = useState<string[] | null>(null);
  const all = parameters.get("view") === "all";
  const priority = parameters.get("priority") as Priority | null;
  const state = parameters.get("state");
  const q = parameters.get("q") ?? "";
  const open = parameters.get("alarm");
  const openStates = ["unacknowledged", "acknowledged", "returned_unacknowledged"];
  const alarms = usePages<Alarm>("/alarms", { state: state ?? (all ? null : openStates), priority, q, limit: 50 }, { everyMs: 5000 });
  const rules = useList<Rule>("/rules", { limit: 1 });
  // Only what is seen is acknowledged: a filter, or a colleague, may have taken away what was chosen before.
  const seen = new Set((alarms.data?.items ?? []).filter(isAsking).map((a) => a.id));
  const chosen = selected.map(String).filter((id) => seen.has(id));

  const columns: TableColumnsType<Alarm> = [
    { key: "priority", title: t.alarms.priority, width: 96, render: (_, a) => <PriorityMark priority={a.priority} hollow={a.acknowledged} label /> },
    { key: "state", title: t.alarms.state, render: (_, a) => <><div><StateText state={a.state} /></div>{a.occurrences > 1 && <div className="quiet small">{t.alarms.occurrences(a.occurrences)}</div>}</> },
    { key: "message", title: t.alarms.message, render: (_, a) => <button type="button" style={{ maxWidth: 380 }} title={message(a)} className={`plain cut ${isAsking(a) ? "unack" : ""}`} onClick={() => { set({ alarm: a.id }); }}>{message(a)}</button> },
    { key: "device", title: t.alarms.device, render: (_, a) => <Link to={`/devices/${a.device_id}`}>{a.device_name}</Link> },
    { key: "value", title: t.alarms.value, align: "right", render: (_, a) => <span className="num">{a.trigger_value === null ? "–" : f.withUnit(a.trigger_value, a.unit)}</span> },
    { key: "raised", title: t.alarms.raised, render: (_, a) => <><div className="num">{f.time(a.raised_ms)}</div>{a.returned_ms !== null && <div className="num small quiet">{t.alarms.returned} {f.time(a.returned_ms)}</div>}</> },
    ...(operator ? [{ key: "act", width: 112, fixed: "right" as const, render: (_: unknown, a: Alarm) => isAsking(a) && <Button size="small" onClick={() => { setAcknowledging([a.id]); }}>{t.alarms.acknowledge}</Button> }] : []),
  ];
  return (
    <Page
      title={t.alarms.title}
      actions={<>
        <label className="row small"><Switch size="small" checked={sound} onChange={(on) => { setPreferences({ sound: on }); }} />{t.alarms.sound}</label>
        {operator && chosen.length > 0 && <Button type="primary" onClick={() => { setAcknowledging(chosen); }}>{t.alarms.acknowledgeN(chosen.length)}</Button>}
      </>}
    >
      <div className="row wrap filters" style={{ marginBottom: 12 }}>
        <Segmented value={all ? "all" : "active"} onChange={(view) => { set({ view: view === "all" ? "all" : null, state: null }); }} options={[{ value: "active", label: t.alarms.active }, { value: "all", label: t.alarms.history }]} />
        <Select allowClear style={{ minWidth: 128 }} aria-label={t.alarms.priority} placeholder={t.alarms.priority} value={priority} onChange={(value: Priority | undefined) => { set({ priority: value ?? null }); }} options={PRIORITIES.map((value) => ({ value, label: <PriorityMark priority={value} label /> }))} />
        <Select allowClear style={{ minWidth: 144 }} aria-label={t.alarms.state} placeholder={t.alarms.state} value={state} onChange={(value: string | undefined) => { set({ state: value ?? null }); }} options={[...openStates, ...(all ? ["normal"] : [])].map((value) => ({ value, label: t.alarms.states[value as Alarm["state"]] }))} />
        <SearchField hint={t.common.search} value={q} search={(text) => { set({ q: text }); }} />
      </div>
      <Loaded query={alarms}>
        {({ items }) => items.length === 0
          ? <div className="panel">{rules.data?.length === 0
              ? <Empty title={t.alarms.noRule} text={t.alarms.noRuleText}><Link to="/rules?new=1"><Button type="primary">{t.alarms.newRule}</Button></Link></Empty>
              : <Empty title={all || q || priority || state ? t.alarms.emptyAll : t.alarms.empty} text={all || q || priority || state ? undefined : t.alarms.emptyText} />}</div>
          : <Listing
              items={items} columns={columns} rowKey={(a) => a.id} onOpen={(a) => { set({ alarm: a.id }); }} size="small"
              card={(a) => <div className="panel"><AlarmLine alarm={a} to={`?alarm=${a.id}`} /></div>}
              more={alarms.hasNextPage ? () => void alarms.fetchNextPage() : null} loadingMore={alarms.isFetchingNextPage}
              {...(operator && { selected: { keys: chosen, change: setSelected, disabled: (a: Alarm) => a.acknowledged } })}
            />}
      </Loaded>
      <AlarmDrawer id={open} close={() => { set({ alarm: null }); }} acknowledge={(id) => { setAcknowledging([id]); }} />
      <AcknowledgeBox ids={acknowledging} close={() => { setAcknowledging(null); }} done={() => { setSelected([]); setAcknowledging(null); }} />
    </Page>
  );
}
