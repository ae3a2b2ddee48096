import { Progress, Select, type TableColumnsType, Tag } from "antd";
import { type JSX, lazy, Suspense, useState } from "react";

import type { MeterUsage, OrganisationUsage, QuotaView, Usage } from "../api/model";
import { useMay, useResource } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page, Panel } from "../parts/Page";
import { OrganisationBox } from "./OrganisationBox";
import { PlansPanel } from "./PlansPanel";
import { StatementsPanel } from "./StatementsPanel";
import { amountOf, meterName, monthAt, monthBefore } from "./words";

const DayChart = lazy(() => import("./DayChart"));
const MONTHS = 24;
/** What stands first in the table of organisations. */
const COLUMNS = ["messages", "points", "stored_bytes", "api_calls"];

/** What was used in a month, against what is free and allowed; statements, plans and limits. */
export default function UsagePage(): JSX.Element {
  const t = useText();
  const [month, setMonth] = useState<string | null>(null);
  const [opened, setOpened] = useState<string | null>(null);
  const plans = useMay("plans:read");
  const usage = useResource<Usage>("/metering/usage", { month }, { everyMs: 5000, keep: true });
  const found = usage.data;
  const running = monthAt(Date.now(), found?.utc_offset_h ?? 0);
  const months = Array.from({ length: MONTHS }, (_, back) => monthBefore(running, back));
  const choose = <Select value={month ?? running} onChange={setMonth} virtual={false} aria-label={t.usage.month} style={{ width: 120 }} options={months.map((value) => ({ value, label: value }))} />;
  const paid = found && (found.plan === null ? t.usage.noPlan : found.payer && found.payer_id !== found.organisation_id ? t.usage.plan(found.plan, found.payer) : t.usage.planOnly(found.plan));
  return (
    <Page title={t.usage.title} text={found && <>{t.usage.text(found.organisation, found.month)} {paid}</>} actions={choose}>
      <Loaded query={usage}>
        {(shown) => (
          <div className="stack">
            {shown.meters.every((meter) => meter.used === 0) && shown.quotas.length === 0
              ? <div className="panel"><Empty title={t.usage.nothing} text={t.usage.nothingText} /></div>
              : <>
                  <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(260px, 100%), 1fr))" }}>
                    {shown.meters.filter((meter) => meter.used > 0 || meter.free !== null || shown.quotas.some((each) => each.quota.meter === meter.meter)).map((meter) => (
                      <MeterCard key={meter.meter} meter={meter} quotas={shown.quotas.filter((each) => each.quota.meter === meter.meter)} organisation={shown.organisation_id} />
                    ))}
                  </div>
                  {shown.meters.some((meter) => meter.used > 0) && <Suspense fallback={null}><DayChart usage={shown} /></Suspense>}
                </>}
            <Organisations usage={shown} open={setOpened} />
            <StatementsPanel organisation={shown.organisation_id} month={shown.month} running={running} />
            {plans && <PlansPanel />}
            {opened !== null && <OrganisationBox id={opened} name={shown.organisations.find((one) => one.organisation_id === opened)?.name ?? opened} running={running} close={() => { setOpened(null); }} />}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function MeterCard({ meter, quotas, organisation }: { meter: MeterUsage; quotas: QuotaView[]; organisation: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const say = (quantity: number): string => amountOf(meter.meter, quantity, f, t.usage.byteDays);
  const free = meter.free;
  return (
    <section className="panel" data-meter={meter.meter}>
      <div className="panel-body stack tight">
        <div className="quiet">{meterName(meter, language)}</div>
        <div className="figure">{say(meter.used)}{meter.meter !== "stored_bytes" && <small>{t.usage.units[meter.meter] ?? meter.unit}</small>}</div>
        {meter.forecast !== null && <div className="small quiet num">{t.usage.forecast}: {say(meter.forecast)}</div>}
        {free !== null && free > 0 && (
          <div>
            <Progress percent={Math.min(100, (meter.used / free) * 100)} showInfo={false} size="small" strokeColor={meter.used > free ? "var(--warn)" : "var(--ok)"} aria-label={t.usage.free} />
            <div className="small quiet num">{meter.used > free ? t.usage.beyond(say(meter.used - free)) : t.usage.freeOf(say(meter.used), say(free))}</div>
          </div>
        )}
        {quotas.map((each) => (
          <div key={`${each.organisation_id}${each.quota.period}`} data-quota={each.exceeded ? "exceeded" : each.warned ? "warned" : "fine"}>
            <Progress percent={Math.min(100, (each.used / each.quota.limit) * 100)} showInfo={false} size="small" strokeColor={each.exceeded ? "var(--critical)" : each.warned ? "var(--warn)" : "var(--accent)"} aria-label={t.usage.quotas} />
            <div className="row wrap small quiet num" style={{ gap: 6 }}>
              <span>{t.usage.quota(say(each.used), say(each.quota.limit), each.quota.period === "day" ? t.usage.perDay : t.usage.perMonth)}</span>
              {each.organisation_id !== organisation && <span>({t.usage.quotaOfAbove})</span>}
              <Tag>{each.quota.hard ? t.usage.hard : t.usage.soft}</Tag>
              {each.exceeded ? <Tag color="error">{t.usage.exceeded}</Tag> : each.warned && <Tag color="warning">{t.usage.warned}</Tag>}
            </div>
          </div>
        ))}
      </div>
    </section>
  );
}

function Organisations({ usage, open }: { usage: Usage; open: (id: string) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const items: OrganisationUsage[] = usage.organisations;
  const depths = new Map<string, number>();
  for (const one of items) depths.set(one.organisation_id, (one.parent_id === null ? -1 : depths.get(one.parent_id) ?? -1) + 1);
  const shown = COLUMNS.flatMap((name) => usage.meters.filter((meter) => meter.meter === name));
  const say = (one: OrganisationUsage, meter: string): string => amountOf(meter, one.used[meter] ?? 0, f, t.usage.byteDays);
  const columns: TableColumnsType<OrganisationUsage> = [
    { key: "name", title: t.usage.organisation, render: (_, one) => <b style={{ paddingInlineStart: (depths.get(one.organisation_id) ?? 0) * 20 }}>{one.name}</b> },
    ...shown.map((meter) => ({ key: meter.meter, title: meterName(meter, language), align: "right" as const, render: (_: unknown, one: OrganisationUsage) => <span className="num">{say(one, meter.meter)}</span> })),
  ];
  return (
    <Panel title={t.usage.byOrganisation} extra={<span className="small faint">{t.usage.byOrganisationText}</span>} flush>
      <Listing
        inside size="small" items={items} columns={columns} rowKey={(one) => one.organisation_id} onOpen={(one) => { open(one.organisation_id); }}
        card={(one) => (
          <div className="inset">
            <button type="button" className="plain" style={{ width: "100%" }} onClick={() => { open(one.organisation_id); }}>
              <b>{one.name}</b>
              {shown.map((meter) => <span key={meter.meter} className="row spread small"><span className="quiet">{meterName(meter, language)}</span><span className="num">{say(one, meter.meter)}</span></span>)}
            </button>
          </div>
        )}
      />
    </Panel>
  );
}
