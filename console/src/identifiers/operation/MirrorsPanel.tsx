import type { JSX } from "react";
import { Link } from "react-router";

import type { MirrorView, NodeFigures, UnfiledPrefix } from "../../api/identifiers";
import { useMay } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Listing } from "../../parts/Listing";
import { Empty, Panel } from "../../parts/Page";
import { useNow } from "../../parts/now";

/** How far each mirror is, and whether it says the same as this node. */
export function MirrorsPanel({ node }: { node: NodeFigures }): JSX.Element {
  const t = useText();
  const { operation: o } = t;
  const f = useFormat();
  const now = useNow(1000);
  const state = (one: MirrorView): JSX.Element => {
    const fine = one.state === "equal" || one.state === "behind";
    return <span className="mark" style={fine ? undefined : { color: "var(--warn)", fontWeight: 600 }}><i className={`dot ${fine ? "ok" : "off"}`} />{o.mirrorStates[one.state]}</span>;
  };
  const lag = (one: MirrorView): string => (one.behind === 0 ? "–" : `${o.behind(f.number(one.behind))}, ${f.duration(one.lag_ms)}`);
  const seen = (one: MirrorView): string => t.common.ago(f.duration(Math.max(0, now - one.seen_ms)));
  return (
    <Panel title={o.mirrors} flush>
      {node.mirrors.length === 0 ? <Empty title={node.is_mirror ? o.isMirror : o.noMirrors} text={node.is_mirror ? undefined : o.noMirrorsText} /> : (
        <Listing
          inside size="small" items={node.mirrors} rowKey={(one) => one.node}
          columns={[
            { key: "node", title: o.node, render: (_, one) => <b>{one.node}</b> },
            { key: "state", title: t.common.status, render: (_, one) => <>{state(one)}{one.problem && <div className="small mono faint">{one.problem}</div>}</> },
            { key: "lag", title: o.lag, render: (_, one) => <span className="num">{lag(one)}</span> },
            { key: "seen", title: o.seen, render: (_, one) => <span className="num quiet">{seen(one)}</span> },
          ]}
          card={(one) => <div className="inset"><div className="row spread"><b>{one.node}</b>{state(one)}</div><div className="small quiet num">{one.behind > 0 && `${lag(one)} · `}{o.seen} {seen(one)}</div>{one.problem && <div className="small mono faint">{one.problem}</div>}</div>}
        />
      )}
    </Panel>
  );
}

/** Prefixes in force that nobody above has accepted a filing of. */
export function UnfiledPanel({ prefixes, days }: { prefixes: UnfiledPrefix[]; days: number }): JSX.Element {
  const { operation: o, prefixes: p } = useText();
  const f = useFormat();
  const reads = useMay("prefixes:read");
  const name = (one: UnfiledPrefix): JSX.Element => (reads ? <Link to={`/prefixes/${one.id}`} className="mono">{one.prefix}</Link> : <span className="mono">{one.prefix}</span>);
  const filing = (one: UnfiledPrefix): string => (p.filingStates as Record<string, string>)[one.last_filing] ?? o.noFiling;
  return (
    <Panel title={o.unfiled} flush>
      {prefixes.length === 0 ? <Empty title={o.allFiled(days)} /> : (
        <Listing
          inside size="small" items={prefixes} rowKey={(one) => one.id}
          columns={[
            { key: "prefix", title: p.prefix, render: (_, one) => name(one) },
            { key: "holder", title: o.holder, render: (_, one) => one.organisation_name },
            { key: "granted", title: o.inForce, render: (_, one) => <span className="num quiet">{f.date(one.granted_ms)}</span> },
            { key: "filing", title: o.lastFiling, render: (_, one) => <span className="quiet">{filing(one)}</span> },
          ]}
          card={(one) => <div className="inset"><div className="row spread">{name(one)}<span className="small quiet num">{f.date(one.granted_ms)}</span></div><div className="small quiet">{one.organisation_name} · {o.lastFiling}: {filing(one)}</div></div>}
        />
      )}
    </Panel>
  );
}
