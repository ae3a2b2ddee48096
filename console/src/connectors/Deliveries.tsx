import { Segmented, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import type { FieldConnection, WebhookDelivery } from "../api/model";
import { useList } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { CopyButton } from "../parts/Copy";
import { Listing } from "../parts/Listing";
import { Empty, Loaded } from "../parts/Page";

const SHOWN = 200;
const OUTCOMES = ["taken", "repeated", "refused"] as const;

/** Where others send to; its secret is not known here any more. */
export function WebhookAddress({ id }: { id: string }): JSX.Element {
  const t = useText();
  const address = `${window.location.origin}/hooks/${id}/`;
  return (
    <div className="notice">
      <div className="row spread" style={{ alignItems: "flex-start" }}>
        <div style={{ minWidth: 0 }}><b className="small">{t.webhooks.address}</b><div className="mono small" style={{ wordBreak: "break-all" }}>{address}<span className="faint">…</span></div></div>
        <CopyButton text={address} />
      </div>
      <div className="small quiet">{t.webhooks.addressText}</div>
    </div>
  );
}

/** What was sent to a webhook lately, and what became of it. */
export function Deliveries({ connection }: { connection: FieldConnection }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const [only, setOnly] = useState("");
  const deliveries = useList<WebhookDelivery>(`/connectors/${connection.id}/deliveries`, { limit: SHOWN }, { everyMs: 5000 });
  const why = (one: WebhookDelivery): JSX.Element | null => {
    if (one.outcome === "repeated") return <div className="small quiet" style={{ whiteSpace: "normal", maxWidth: 260 }}>{t.webhooks.repeatedText}</div>;
    if (one.outcome === "taken") return null;
    const said = words.problem(one.code ?? "", one.reason ?? "", "");
    return <div style={{ whiteSpace: "normal", maxWidth: 260 }}><div>{said.title}</div>{said.hint && <div className="small quiet">{said.hint}</div>}<div className="small faint mono cut">{one.code}</div></div>;
  };
  const columns: TableColumnsType<WebhookDelivery> = [
    { key: "at", title: t.webhooks.at, render: (_, one) => <span className="num nowrap">{f.time(one.at_ms)}</span> },
    { key: "outcome", title: t.common.status, render: (_, one) => <><OutcomeMark outcome={one.outcome} />{why(one)}</> },
    { key: "readings", title: t.webhooks.readings, align: "right", render: (_, one) => <span className="num">{one.outcome === "taken" ? f.number(one.readings) : "–"}</span> },
    { key: "size", title: t.webhooks.size, align: "right", render: (_, one) => <span className="num quiet nowrap">{f.bytes(one.size)}</span> },
    { key: "peer", title: t.webhooks.peer, render: (_, one) => <><div className="mono small">{one.peer}</div>{one.delivery_id && <div className="mono small faint cut" style={{ maxWidth: 120 }} title={`${t.webhooks.id}: ${one.delivery_id}`}>{one.delivery_id}</div>}</> },
  ];
  return (
    <div className="stack tight">
      <WebhookAddress id={connection.id} />
      <Loaded query={deliveries}>
        {(all) => {
          if (all.length === 0) return <div className="panel"><Empty title={t.webhooks.empty} text={t.webhooks.emptyText} /></div>;
          const count = (outcome: string): number => all.filter((one) => one.outcome === outcome).length;
          const shown = all.filter((one) => !only || one.outcome === only);
          return (
            <>
              <div style={{ overflowX: "auto" }}><Segmented size="small" value={only} onChange={setOnly} options={[{ value: "", label: `${t.webhooks.all} ${f.number(all.length)}` }, ...OUTCOMES.map((one) => ({ value: one, label: `${t.webhooks.outcomes[one] ?? one} ${f.number(count(one))}` }))]} /></div>
              {shown.length === 0 ? <div className="panel"><Empty title={t.webhooks.noneSo} text={t.webhooks.noneSoText} /></div> : (
                <Listing
                  size="small" items={shown} columns={columns} rowKey={(one) => one.id}
                  card={(one) => (
                    <div className="card" data-delivery={one.outcome} style={{ cursor: "default" }}>
                      <div className="row spread"><OutcomeMark outcome={one.outcome} /><span className="num small quiet nowrap">{f.time(one.at_ms)}</span></div>
                      {why(one)}
                      <div className="row spread small quiet"><span>{one.outcome === "taken" && <>{t.webhooks.values(f.number(one.readings))} · </>}{f.bytes(one.size)}</span><span className="mono">{one.peer}</span></div>
                      {one.delivery_id && <div className="small faint mono cut">{one.delivery_id}</div>}
                    </div>
                  )}
                />
              )}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function OutcomeMark({ outcome }: { outcome: WebhookDelivery["outcome"] }): JSX.Element {
  const t = useText();
  return <span className="mark" data-outcome={outcome}><i className={`dot ${outcome === "taken" ? "on" : outcome === "repeated" ? "never" : "off"}`} />{t.webhooks.outcomes[outcome] ?? outcome}</span>;
}
