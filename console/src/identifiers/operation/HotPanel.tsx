import { Segmented, Tag } from "antd";
import { type JSX, useState } from "react";
import { Link } from "react-router";

import type { HotNames } from "../../api/identifiers";
import { useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Empty, Loaded, Panel } from "../../parts/Page";
import { recordPath } from "../records/address";

/** The identifiers that are asked for most; each leads to its record. */
export function HotPanel(): JSX.Element {
  const { operation: o } = useText();
  const f = useFormat();
  const [span, setSpan] = useState<HotNames["span"]>("hour");
  const hot = useResource<HotNames>("/identifiers/operation/hot", { span, limit: 15 }, { everyMs: 5000, keep: true });
  return (
    <Panel title={o.hot} extra={<div className="row" style={{ justifyContent: "flex-end" }}><Segmented size="small" value={span} onChange={setSpan} options={[{ value: "hour", label: o.spans.hour }, { value: "day", label: o.spans.day }]} /></div>}>
      <Loaded query={hot}>
        {({ items }) => {
          const most = items[0]?.count ?? 1;
          return items.length === 0 ? <Empty title={o.noHot} /> : (
            <ol className="stack tight" style={{ listStyle: "none", margin: 0, padding: 0 }} data-testid="hot">
              {items.map((one) => (
                <li key={one.name}>
                  <div className="row spread">
                    <span className="grow" style={{ overflowWrap: "anywhere" }}>{one.registered ? <Link to={recordPath(one.name)} className="mono">{one.name}</Link> : <><span className="mono">{one.name}</span> <Tag>{o.unregistered}</Tag></>}</span>
                    <span className="num" title={one.error > 0 ? o.within(f.number(one.error)) : ""}>{f.number(one.count)}{one.error > 0 && "+"}</span>
                  </div>
                  <div className="bar"><i style={{ width: `${(one.count / most) * 100}%` }} /></div>
                </li>
              ))}
            </ol>
          );
        }}
      </Loaded>
    </Panel>
  );
}
