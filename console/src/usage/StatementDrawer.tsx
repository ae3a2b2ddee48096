import { Alert, Button, Drawer, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import { get, ProblemError } from "../api/client";
import type { Meter, Statement, Verification } from "../api/model";
import { useChange, useResource } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { meterName } from "./words";

type Line = Statement["document"]["lines"][number] & { at: number };

/** A statement's lines and their sum; an issued one can be recounted. */
export function StatementDrawer({ id, organisation, month, close }: { id: string | null; organisation: string; month: string; close: () => void }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const statement = useResource<Statement>(id === null ? "/metering/draft" : `/metering/statements/${id}`, id === null ? { organisation_on: organisation, month } : {});
  const missing = id === null && statement.error instanceof ProblemError && statement.error.problem.code === "metering.no_plan_in_force";
  const [found, setFound] = useState<Verification | null>(null);
  const verify = useChange(() => get<Verification>(`/metering/statements/${id ?? ""}/verification`), [], setFound);
  const number = statement.data?.number ?? t.usage.draft;
  return (
    <Drawer open onClose={close} size={phone ? "100%" : 760} title={`${number} · ${statement.data?.document.month ?? month}`} extra={id !== null && <Button loading={verify.isPending} onClick={() => { verify.mutate(undefined); }}>{t.usage.verify}</Button>}>
      {found && <Checked found={found} />}
      {missing ? <Empty title={t.usage.noDraft} text={t.usage.noDraftText} /> : <Loaded query={statement}>{(shown) => <Body statement={shown} draft={id === null} />}</Loaded>}
    </Drawer>
  );
}

function Checked({ found }: { found: Verification }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const lines = found.differences.map((each, at) => <li key={at}>{t.usage.difference(String(each["name"]), String(each["meter"]), f.number(Number(each["quantity"])), f.number(Number(each["counted_now"])))}</li>);
  return <Alert style={{ marginBottom: 12 }} type={found.equal ? "success" : "error"} showIcon title={found.equal ? t.usage.equal : t.usage.notEqual} description={lines.length > 0 ? <ul style={{ margin: 0, paddingInlineStart: 18 }}>{lines}</ul> : undefined} />;
}

function Body({ statement, draft }: { statement: Statement; draft: boolean }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const meters = useResource<Meter[]>("/metering/meters");
  const { document } = statement;
  const named = (name: string): string => { const known = meters.data?.find((each) => each.name === name); return known ? meterName(known, language) : name; };
  const what = (line: Line): string => [line.meter === null ? "" : `${named(line.meter)} ·`, t.usage.kinds[line.kind] ?? line.kind, line.note].filter(Boolean).join(" ");
  const quantity = (line: Line): string => (line.kind === "fee" ? `${line.quantity} / ${line.per}` : f.number(line.quantity));
  const price = (line: Line): string => (line.per === 1 || line.kind === "fee" ? line.price : `${line.price} / ${f.number(line.per)}`);
  const items = document.lines.map((line, at): Line => ({ ...line, at }));
  const columns: TableColumnsType<Line> = [
    { key: "what", title: t.usage.item, render: (_, line) => <>{what(line)}<div className="small faint">{line.plan} · {t.usage.version(line.version)}</div></> },
    { key: "days", title: t.usage.days, align: "right", render: (_, line) => <span className="num">{line.days}</span> },
    { key: "quantity", title: t.usage.quantity, align: "right", render: (_, line) => <span className="num">{quantity(line)}</span> },
    { key: "price", title: t.usage.price, align: "right", render: (_, line) => <span className="num">{price(line)}</span> },
    { key: "amount", title: t.usage.amount, align: "right", render: (_, line) => <span className="num">{line.amount}</span> },
  ];
  return (
    <div className="stack">
      <div className="row spread wrap"><span><b>{document.organisation}</b>{draft && <div className="small quiet">{t.usage.draftText}</div>}</span><span className="figure" data-testid="total">{document.currency} {document.total}<small>{t.usage.total}</small></span></div>
      <Listing
        size="small" items={items} columns={columns} rowKey={(line) => String(line.at)}
        card={(line) => <div className="panel" style={{ padding: 12 }}><div className="row spread"><span>{what(line)}</span><b className="num">{line.amount}</b></div><div className="small quiet num">{quantity(line)} × {price(line)}</div></div>}
      />
      {statement.digest && <div className="mono small faint" style={{ overflowWrap: "anywhere" }}>SHA-256 {statement.digest}</div>}
    </div>
  );
}
