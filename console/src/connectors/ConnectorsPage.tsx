import { PlusOutlined, WarningOutlined } from "@ant-design/icons";
import { Alert, Button, type TableColumnsType } from "antd";
import { type JSX, lazy, Suspense } from "react";

import type { ConnectionHealth, ConnectorKind, ConnectorKinds, Edge, FieldConnection } from "../api/model";
import { useList, useMay, useResource } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { useFilters } from "../parts/filters";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page } from "../parts/Page";
import { Sparkline } from "../parts/Sparkline";
import { StateMark } from "./StateMark";

const ConnectWizard = lazy(() => import("./ConnectWizard"));
const ConnectionDrawer = lazy(() => import("./ConnectionDrawer"));
const STEP_MS = 2000;

/** Every connection with its health and throughput; the way to connect a machine. */
export default function ConnectorsPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const { language } = usePreferences();
  const [filters, setFilters] = useFilters();
  const engineer = useMay("connectors:write");
  const kinds = useResource<ConnectorKinds>("/connectors/kinds");
  const connections = useList<FieldConnection>("/connectors", {}, { everyMs: 5000 });
  const health = useList<ConnectionHealth>("/connectors/health", {}, { everyMs: 2000 });
  const edges = useList<Edge>("/edges", {}, { enabled: useMay("edges:read") });
  const opened = filters.get("connection");
  const byId = new Map((health.data ?? []).map((one) => [one.connection_id, one]));
  const kindOf = (one: FieldConnection): ConnectorKind | undefined => kinds.data?.kinds.find((kind) => kind.key === one.kind);
  const titleOf = (one: FieldConnection): string => kindOf(one)?.title[language] ?? one.kind;
  const nameOf = (id: string): string => edges.data?.find((each) => each.id === id)?.name ?? id;
  const open = (one: FieldConnection): void => { setFilters({ connection: one.id }); };
  const add = engineer && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setFilters({ new: "1" }); }}>{t.connectors.add}</Button>;
  const rate = (one: FieldConnection, height: number): JSX.Element => {
    const found = byId.get(one.id);
    const recent = found?.recent ?? [];
    return <Sparkline times={recent.map((_, at) => at * STEP_MS)} values={recent} label={t.connectors.perSecond(f.rate(found?.samples_per_s ?? 0))} height={height} format={(value) => f.rate(value)} />;
  };
  const error = (one: FieldConnection): string | null => {
    const found = one.enabled ? byId.get(one.id)?.error : null;
    return found ? words.problem(found.code, found.message, found.hint).title : null;
  };
  const goodness = (one: FieldConnection): JSX.Element => {
    const found = byId.get(one.id);
    if (!found || found.state === "stopped") return <span className="quiet">{t.connectors.points(f.number(one.points))}</span>;
    return <span className="num">{t.connectors.good(f.number(found.points_good), f.number(found.points))}{found.points_bad > 0 && <span style={{ color: "var(--warn)" }}> · {t.connectors.bad(f.number(found.points_bad))}</span>}</span>;
  };
  const columns: TableColumnsType<FieldConnection> = [
    { key: "name", title: t.common.name, render: (_, one) => <><button type="button" className="plain" style={{ fontWeight: 500 }} onClick={() => { open(one); }}>{one.name}</button><div className="small quiet">{titleOf(one)}{one.edge_id && <> · {nameOf(one.edge_id)}</>}</div></> },
    { key: "state", title: t.connectors.state, render: (_, one) => <><StateMark connection={one} health={byId.get(one.id)} />{error(one) && <div className="small quiet" style={{ maxWidth: 320, whiteSpace: "normal" }}>{error(one)}</div>}</> },
    { key: "points", title: t.connectors.wizard.tags, render: (_, one) => goodness(one) },
    { key: "rate", title: t.connectors.rate, width: 220, render: (_, one) => rate(one, 36) },
    { key: "lag", title: t.connectors.lag, align: "right", render: (_, one) => { const lag = byId.get(one.id)?.lag_ms; return <span className="num quiet">{lag === null || lag === undefined ? "–" : f.duration(Math.max(0, lag))}</span>; } },
    { key: "warn", title: "", width: 40, render: (_, one) => (one.program_changed || (byId.get(one.id)?.problems.length ?? 0) > 0) && <WarningOutlined style={{ color: "var(--warn)" }} /> },
  ];
  return (
    <Page title={t.connectors.title} text={t.connectors.text} actions={add}>
      <div className="stack">
        {(kinds.data?.broken ?? []).map((one) => <Alert key={one.key} type="warning" showIcon title={t.connectors.broken(one.key, one.error)} />)}
        <Loaded query={connections}>
          {(list) => list.length
            ? (
              <Listing
                items={list} columns={columns} rowKey={(one) => one.id} onOpen={open}
                card={(one) => (
                  <button type="button" className="card" onClick={() => { open(one); }}>
                    <span className="row spread"><b className="cut">{one.name}</b><StateMark connection={one} health={byId.get(one.id)} /></span>
                    <span className="small quiet" style={{ display: "block" }}>{titleOf(one)} · {goodness(one)}</span>
                    {error(one) && <span className="small quiet" style={{ display: "block" }}>{error(one)}</span>}
                    {rate(one, 36)}
                  </button>
                )}
              />
            )
            : <div className="panel"><Empty title={t.connectors.empty} text={t.connectors.emptyText}>{add}</Empty></div>}
        </Loaded>
      </div>
      <Suspense fallback={null}>
        {filters.get("new") !== null && kinds.data && <ConnectWizard kinds={kinds.data.kinds} close={() => { setFilters({ new: null }); }} />}
        {opened !== null && kinds.data && <ConnectionDrawer id={opened} kinds={kinds.data.kinds} health={byId.get(opened)} close={() => { setFilters({ connection: null, show: null }); }} />}
      </Suspense>
    </Page>
  );
}
