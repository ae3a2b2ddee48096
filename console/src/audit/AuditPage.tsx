import { DownloadOutlined } from "@ant-design/icons";
import { Button, DatePicker, Select } from "antd";
import dayjs from "dayjs";
import type { JSX } from "react";

import { address } from "../api/client";
import type { LedgerEntry } from "../api/model";
import { usePages, useResource } from "../api/queries";
import { useText } from "../i18n";
import { SearchField, useFilters } from "../parts/filters";
import { Empty, Loaded, Page } from "../parts/Page";
import { EntryDrawer } from "./EntryDrawer";
import { EntryList } from "./EntryList";

const OUTCOMES = ["done", "denied", "failed"] as const;

/** Search over everything that was done and denied. */
export default function AuditPage(): JSX.Element {
  const t = useText();
  const [parameters, set] = useFilters();
  const [from, to, opened] = [parameters.get("from"), parameters.get("to"), parameters.get("entry")];
  const query = { q: parameters.get("q"), object_kind: parameters.get("kind"), outcome: parameters.get("outcome"), actor_id: parameters.get("actor"), from_ms: from, to_ms: to };
  const filtered = Object.values(query).some(Boolean);
  const entries = usePages<LedgerEntry>("/ledger/entries", { ...query, limit: 100 }, { everyMs: 10_000 });
  const listed = entries.data?.items.find((e) => e.id === opened) ?? null;
  const fetched = useResource<LedgerEntry>(`/ledger/entries/${opened ?? ""}`, {}, { enabled: opened !== null && listed === null });
  return (
    <Page title={t.audit.title} text={t.audit.about} actions={<Button icon={<DownloadOutlined />} href={address("/ledger/export", query)}>{t.audit.export}</Button>}>
      <div className="row wrap filters">
        <SearchField value={query.q ?? ""} hint={t.audit.searchHint} search={(text) => { set({ q: text }); }} />
        <Select allowClear style={{ minWidth: 140 }} placeholder={t.audit.object} value={query.object_kind} onChange={(kind: string | undefined) => { set({ kind: kind ?? null }); }} options={Object.entries(t.audit.kinds).map(([value, label]) => ({ value, label }))} />
        <Select allowClear style={{ minWidth: 120 }} placeholder={t.audit.outcome} value={query.outcome} onChange={(outcome: string | undefined) => { set({ outcome: outcome ?? null }); }} options={OUTCOMES.map((value) => ({ value, label: t.audit.outcomes[value] }))} />
        <DatePicker.RangePicker
          allowEmpty value={[from ? dayjs(Number(from)) : null, to ? dayjs(Number(to)).subtract(1, "day") : null]}
          onChange={(range) => { set({ from: range?.[0] ? String(range[0].startOf("day").valueOf()) : null, to: range?.[1] ? String(range[1].startOf("day").add(1, "day").valueOf()) : null }); }}
        />
      </div>
      <Loaded query={entries} rows={10}>
        {({ items }) => items.length === 0
          ? <div className="panel"><Empty title={filtered ? t.audit.noMatch : t.audit.empty} text={filtered ? t.audit.noMatchText : t.audit.emptyText}>{filtered && <Button onClick={() => { set({ q: null, kind: null, outcome: null, actor: null, from: null, to: null }); }}>{t.devices.clear}</Button>}</Empty></div>
          : <EntryList entries={items} open={(e) => { set({ entry: e.id }); }} more={entries.hasNextPage ? () => void entries.fetchNextPage() : null} />}
      </Loaded>
      <EntryDrawer entry={opened === null ? null : listed ?? fetched.data ?? null} close={() => { set({ entry: null }); }} />
    </Page>
  );
}
