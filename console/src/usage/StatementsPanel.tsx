import { App, Button, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import { address, post } from "../api/client";
import type { Statement, StatementInfo } from "../api/model";
import { useChange, useMay, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Panel } from "../parts/Page";
import { StatementDrawer } from "./StatementDrawer";

/** The issued statements with their files, and the draft of the month. */
export function StatementsPanel({ organisation, month, running }: { organisation: string; month: string; running: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal, message } = App.useApp();
  const manages = useMay("metering:manage");
  const statements = useResource<StatementInfo[]>("/metering/statements", {});
  const [opened, setOpened] = useState<string | "draft" | null>(null);
  const issue = useChange((body: { organisation_id: string; month: string }) => post<Statement>("/metering/statements", body), ["metering"], (made) => { void message.success(t.usage.issued(made.number ?? "")); setOpened(made.id); });
  const ask = (): void => {
    void modal.confirm({ title: t.usage.issueConfirm(month), content: t.usage.issueText, okText: t.usage.issue, cancelText: t.common.cancel, onOk: () => issue.mutateAsync({ organisation_id: organisation, month }).catch(() => undefined) });
  };
  const issued = statements.data?.some((one) => one.organisation_id === organisation && one.month === month) ?? true;
  const files = (one: StatementInfo): JSX.Element => (
    <span className="row">
      {(["csv", "pdf"] as const).map((kind) => <Button key={kind} size="small" href={address(`/metering/statements/${one.id}/${kind}`)} download>{kind.toUpperCase()}</Button>)}
    </span>
  );
  const columns: TableColumnsType<StatementInfo> = [
    { key: "number", title: t.usage.number, render: (_, one) => <b className="num">{one.number}</b> },
    { key: "month", title: t.usage.month, render: (_, one) => <span className="num">{one.month}</span> },
    { key: "payer", title: t.usage.payer, render: (_, one) => one.organisation },
    { key: "total", title: t.usage.total, align: "right", render: (_, one) => <span className="num">{one.currency} {one.total}</span> },
    { key: "issued", title: t.usage.issuedAt, render: (_, one) => <span className="num quiet">{f.date(one.issued_ms)}</span> },
    { key: "files", width: 120, render: (_, one) => files(one) },
  ];
  const actions = (
    <span className="row" style={{ justifyContent: "flex-end" }}>
      <Button size="small" onClick={() => { setOpened("draft"); }}>{t.usage.draft}</Button>
      {manages && month < running && !issued && <Button size="small" type="primary" loading={issue.isPending} onClick={ask}>{t.usage.issue}</Button>}
    </span>
  );
  return (
    <Panel title={t.usage.statements} extra={actions} flush>
      <Loaded query={statements} rows={2}>
        {(items) => items.length === 0 ? <Empty title={t.usage.noStatements} text={t.usage.noStatementsText} /> : (
          <Listing
            inside size="small" items={items} columns={columns} rowKey={(one) => one.id} onOpen={(one) => { setOpened(one.id); }}
            card={(one) => (
              <div className="inset">
                <button type="button" className="plain" style={{ width: "100%" }} onClick={() => { setOpened(one.id); }}><span className="row spread"><b className="num">{one.number}</b><span className="num">{one.currency} {one.total}</span></span></button>
                <div className="row spread"><span className="small quiet">{one.month} · {one.organisation}</span>{files(one)}</div>
              </div>
            )}
          />
        )}
      </Loaded>
      {opened !== null && <StatementDrawer id={opened === "draft" ? null : opened} organisation={organisation} month={month} close={() => { setOpened(null); }} />}
    </Panel>
  );
}
