import { type TableColumnsType, Tag } from "antd";
import type { JSX } from "react";

import type { NodeFigures } from "../../api/identifiers";
import { useFormat, useText } from "../../i18n";
import { Listing } from "../../parts/Listing";
import { Empty, Panel } from "../../parts/Page";
import { latency } from "./latency";

type Interface = NodeFigures["interfaces"][number];
type Cause = NodeFigures["causes"][number];

/** Each way to ask, over the last hour. */
export function InterfacesPanel({ node }: { node: NodeFigures }): JSX.Element {
  const { operation: o } = useText();
  const f = useFormat();
  const name = (one: Interface): string => o.interfaces[one.interface] ?? one.interface;
  const number = (key: "asked" | "found" | "failed"): TableColumnsType<Interface>[number] => ({ key, title: o[key], align: "right", render: (_, one) => <span className="num">{f.number(one[key])}</span> });
  return (
    <Panel title={o.byInterface} flush>
      <Listing
        inside size="small" items={node.interfaces} rowKey={(one) => one.interface}
        columns={[
          { key: "interface", title: o.interface, render: (_, one) => name(one) }, number("asked"), number("found"), number("failed"),
          { key: "latency", title: `${o.latencyChart} ${o.p50} / ${o.p99}`, align: "right", render: (_, one) => <span className="num nowrap">{latency(one.p50_us, f)} / {latency(one.p99_us, f)}</span> },
        ]}
        card={(one) => <div className="inset"><div className="row spread"><b>{name(one)}</b><span className="num">{f.number(one.asked)}</span></div><div className="small quiet num">{o.found} {f.number(one.found)} · {o.failed} {f.number(one.failed)} · {latency(one.p50_us, f)} / {latency(one.p99_us, f)}</div></div>}
      />
    </Panel>
  );
}

/** What became of the questions that found nothing, most often first. */
export function CausesPanel({ node }: { node: NodeFigures }): JSX.Element {
  const { operation: o } = useText();
  const f = useFormat();
  const most = Math.max(1, ...node.causes.map((one) => one.count));
  const name = (one: Cause): string => o.outcomes[one.outcome] ?? one.outcome;
  return (
    <Panel title={o.causes}>
      {node.causes.length === 0 ? <Empty title={o.noCauses} /> : (
        <div className="stack tight" data-testid="causes">
          {node.causes.map((one) => (
            <div key={one.outcome}>
              <div className="row spread"><span>{name(one)} {one.failure && <Tag color="warning" style={{ marginInlineStart: 4 }}>{o.isFailure}</Tag>}</span><span className="num">{f.number(one.count)}</span></div>
              <div className="bar"><i style={{ width: `${(one.count / most) * 100}%`, ...(one.failure && { background: "var(--warn)" }) }} /></div>
            </div>
          ))}
        </div>
      )}
    </Panel>
  );
}
