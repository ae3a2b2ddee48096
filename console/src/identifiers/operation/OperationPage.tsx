import { ScanOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { type JSX, lazy, Suspense } from "react";
import { Link } from "react-router";

import type { NodeFigures, OperationSummary } from "../../api/identifiers";
import { useMay, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Empty, Loaded, Page, Panel } from "../../parts/Page";
import { FindingsPanel } from "./FindingsPanel";
import { HotPanel } from "./HotPanel";
import { latency } from "./latency";
import { MirrorsPanel, UnfiledPanel } from "./MirrorsPanel";
import { CausesPanel, InterfacesPanel } from "./OutcomePanels";

const ChartsPanel = lazy(() => import("./ChartsPanel"));

/** How identifiers are resolved: the node as a whole for who watches it, and what is of one's own prefixes. */
export default function OperationPage(): JSX.Element {
  const t = useText();
  const summary = useResource<OperationSummary>("/identifiers/operation", {}, { everyMs: 5000 });
  const watches = useMay("resolution:read");
  const node = useResource<NodeFigures>("/identifiers/operation/node", {}, { enabled: watches, everyMs: 2000 });
  return (
    <Page title={t.operation.title} text={t.operation.text}>
      <Loaded query={summary} rows={10}>
        {(found) => (
          <div className="stack">
            {watches ? <Loaded query={node}>{(figures) => <Whole node={figures} />}</Loaded> : <p className="quiet small" style={{ margin: 0 }}>{t.operation.notNode}</p>}
            <FindingsPanel open={found.open_findings} />
            <div className="grid two-wide">
              <HotPanel />
              <UnfiledPanel prefixes={found.unfiled} days={found.unfiled_days} />
            </div>
            {node.data && <MirrorsPanel node={node.data} />}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Whole({ node }: { node: NodeFigures }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { operation: o } = t;
  return (
    <>
      <div className="tiles fill" data-testid="tiles">
        <Tile name={o.rate} value={<>{f.rate(node.rate_per_s)}<small>{o.perSecond}</small></>} text={o.lastHour(f.number(node.asked))} />
        <Tile name={o.hits} value={node.hit_ratio === null ? "–" : f.percent(node.hit_ratio)} text={node.cache_hit_ratio === null ? o.hitsText : o.cache(f.percent(node.cache_hit_ratio))} />
        <Tile name={o.latency} value={latency(node.p50_us, f)} text={o.latencyText(latency(node.p99_us, f))} />
        <Tile name={o.failures} value={f.number(node.failed)} text={node.failed === 0 ? o.noFailures : o.failuresText(f.percent(node.failed / Math.max(1, node.asked)))} />
      </div>
      {node.asked === 0 && <Panel><Empty title={o.none} text={o.noneText}><Link to="/scan"><Button icon={<ScanOutlined />}>{o.toScan}</Button></Link></Empty></Panel>}
      <Suspense fallback={<Panel title={o.overTime}><div style={{ height: 320 }} /></Panel>}><ChartsPanel /></Suspense>
      {node.asked > 0 && <div className="grid two-wide"><InterfacesPanel node={node} /><CausesPanel node={node} /></div>}
    </>
  );
}

function Tile({ name, value, text }: { name: string; value: JSX.Element | string; text: string }): JSX.Element {
  return <div className="tile"><div className="label">{name}</div><div className="tile-value">{value}</div><div className="small quiet">{text}</div></div>;
}
