import { Button, Segmented, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import type { Approval, ApprovalSummary } from "../api/model";
import { useMay, usePages, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useFilters } from "../parts/filters";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page } from "../parts/Page";
import { ApprovalDrawer } from "./ApprovalDrawer";
import { PolicyDrawer } from "./PolicyPanel";
import { StateTag } from "./StateTag";
import { useActionName, useObjectName } from "./words";

const VIEWS = ["waiting", "mine", "decided"] as const;
type View = (typeof VIEWS)[number];

/** Operations that wait for a second person, and what became of those that did. */
export default function ApprovalsPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const action = useActionName();
  const object = useObjectName();
  const [parameters, set] = useFilters();
  const [stating, setStating] = useState(false);
  const states = useMay("approvals:policy");
  const asked = parameters.get("view");
  const view: View = VIEWS.find((one) => one === asked) ?? "waiting";
  const summary = useResource<ApprovalSummary>("/approvals/summary");
  const requests = usePages<Approval>("/approvals", { view, limit: 50 }, { everyMs: 5000 });
  const count = { waiting: summary.data?.waiting ?? 0, mine: summary.data?.mine ?? 0, decided: 0 };
  const open = (one: Approval): void => { set({ approval: one.id }); };
  const columns: TableColumnsType<Approval> = [
    { key: "state", title: t.approvals.state, width: 110, render: (_, a) => <StateTag approval={a} /> },
    { key: "action", title: t.approvals.operation, render: (_, a) => <button type="button" className="plain" onClick={() => { open(a); }}>{action(a.action)}</button> },
    { key: "object", title: t.approvals.object, render: (_, a) => object(a) },
    { key: "requester", title: t.approvals.requester, render: (_, a) => a.requester_name },
    { key: "organisation", title: t.approvals.organisation, render: (_, a) => a.organisation_name },
    { key: "asked", title: t.approvals.asked, render: (_, a) => <span className="num">{f.time(a.asked_ms)}</span> },
    ...(view === "decided"
      ? [{ key: "decider", title: t.approvals.decider, render: (_: unknown, a: Approval) => a.decider_name ?? "–" }]
      : [{ key: "expires", title: t.approvals.expires, render: (_: unknown, a: Approval) => <span className="num">{f.time(a.expires_ms)}</span> }]),
  ];
  return (
    <Page title={t.approvals.title} text={t.approvals.text} actions={states && <Button onClick={() => { setStating(true); }}>{t.approvals.policy}</Button>}>
      <div className="row wrap filters" style={{ marginBottom: 12 }}>
        <Segmented<View> value={view} onChange={(next) => { set({ view: next === "waiting" ? null : next }); }} options={VIEWS.map((value) => ({ value, label: count[value] ? `${t.approvals.views[value]} (${count[value]})` : t.approvals.views[value] }))} />
      </div>
      <Loaded query={requests}>
        {({ items }) => items.length === 0
          ? <div className="panel"><Empty title={t.approvals.empty[view]} text={t.approvals.emptyText[view]} /></div>
          : <Listing
              items={items} columns={columns} rowKey={(a) => a.id} onOpen={open} size="small"
              card={(a) => (
                <div className="panel"><button type="button" className="plain" style={{ display: "block", width: "100%", textAlign: "start", padding: 12 }} onClick={() => { open(a); }}>
                  <span className="row spread"><b>{action(a.action)}</b><StateTag approval={a} /></span>
                  <span style={{ display: "block" }}>{object(a)}</span>
                  <span className="small quiet" style={{ display: "block" }}>{a.requester_name} · <span className="num">{f.time(a.asked_ms)}</span></span>
                </button></div>
              )}
              more={requests.hasNextPage ? () => void requests.fetchNextPage() : null} loadingMore={requests.isFetchingNextPage}
            />}
      </Loaded>
      <ApprovalDrawer id={parameters.get("approval")} close={() => { set({ approval: null }); }} />
      {stating && <PolicyDrawer close={() => { setStating(false); }} />}
    </Page>
  );
}
