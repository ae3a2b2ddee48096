import { MinusCircleOutlined, PlusOutlined } from "@ant-design/icons";
import { App, Button, Drawer, Form, Input, InputNumber, Select, Switch } from "antd";
import type { JSX } from "react";

import { put } from "../api/client";
import type { Limits, Meter, Plan, Subscription } from "../api/model";
import { useChange, useMay, useResource, useRights } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { Loaded, Panel } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { meterName } from "./words";

const RATES = ["messages", "device_messages", "api_calls", "caller_api_calls"] as const;

/** Plan and limits of one organisation; whoever may decide at the one above changes them here. */
export function OrganisationBox({ id, name, running, close }: { id: string; name: string; running: string; close: () => void }): JSX.Element {
  const phone = usePhone();
  const limits = useResource<Limits>(`/metering/organisations/${id}/limits`);
  const subscriptions = useResource<Subscription[]>(`/metering/organisations/${id}/subscriptions`);
  return (
    <Drawer open onClose={close} size={phone ? "100%" : 620} title={name}>
      <div className="stack">
        <Loaded query={subscriptions}>{(found) => <PlanOf id={id} found={found} running={running} />}</Loaded>
        <Loaded query={limits}>{(found) => <LimitsForm id={id} limits={found} />}</Loaded>
      </div>
    </Drawer>
  );
}

/** Whether the person may decide here: they hold the permission, and see the organisation above (or this is the top). */
function useDecides(id: string): boolean {
  const manages = useMay("metering:manage");
  const seen = useRights().data?.organisations ?? [];
  const here = seen.findIndex((one) => one.id === id);
  const depth = seen[here]?.depth ?? 0;
  return manages && (depth > 0 || id === "org_root");
}

function PlanOf({ id, found, running }: { id: string; found: Subscription[]; running: string }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const decides = useDecides(id);
  const seesPlans = useMay("plans:read");
  const plans = useResource<Plan[]>("/metering/plans", {}, { enabled: decides && seesPlans });
  const [form] = Form.useForm<{ plan: string; from: string }>();
  const save = useChange((v: { plan: string; from: string }) => put(`/metering/organisations/${id}/subscription`, { from_day: v.from, plan_id: v.plan || null }), ["metering"], () => { void message.success(t.usage.subscribed); });
  return (
    <Panel title={t.usage.subscription}>
      {found.length === 0 ? <p className="quiet">{t.usage.noSubscription}</p> : (
        <ul style={{ margin: "0 0 12px", paddingInlineStart: 18 }}>{found.map((each) => <li key={each.from_day}><span className="num">{each.from_day}</span> · {each.document ? <b>{each.document.name}</b> : t.usage.none} {each.version !== null && <span className="quiet small">{t.usage.version(each.version)}</span>}</li>)}</ul>
      )}
      {decides ? (
        <Form form={form} layout="inline" initialValues={{ from: `${running}-01` }} onFinish={(v) => { save.mutate(v); }} style={{ rowGap: 8 }}>
          <Form.Item name="plan" rules={[{ required: true, message: t.common.required }]} style={{ minWidth: 180, flex: "1 1 180px" }}><Select aria-label={t.usage.plans} placeholder={t.usage.plans} options={[...(plans.data ?? []).map((plan) => ({ value: plan.id, label: plan.document.name })), { value: "", label: t.usage.none }]} /></Form.Item>
          <Form.Item name="from" rules={[{ required: true, pattern: /^20\d\d-\d\d-\d\d$/, message: t.usage.from }]} style={{ width: 130 }}><Input aria-label={t.usage.from} maxLength={10} /></Form.Item>
          <Button htmlType="submit" loading={save.isPending}>{t.usage.subscribe}</Button>
        </Form>
      ) : <p className="small faint">{t.usage.decidedAbove}</p>}
    </Panel>
  );
}

function LimitsForm({ id, limits }: { id: string; limits: Limits }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const { language } = usePreferences();
  const decides = useDecides(id);
  const meters = useResource<Meter[]>("/metering/meters");
  const [form] = Form.useForm<Limits>();
  const save = useChange((v: Limits) => put(`/metering/organisations/${id}/limits`, { quotas: (v.quotas as Limits["quotas"] | undefined) ?? [], rates: v.rates }), ["metering"], () => { void message.success(t.usage.limitsSaved); });
  const needed = [{ required: true, message: t.common.required }];
  return (
    <Panel title={t.usage.limits}>
      <Form<Limits> form={form} layout="vertical" requiredMark={false} disabled={!decides} initialValues={limits} onFinish={(v) => { save.mutate(v); }}>
        <b>{t.usage.quotas}</b>
        <p className="small quiet">{t.usage.hardText}</p>
        <Form.List name="quotas">
          {(fields, { add, remove }) => (
            <div className="stack tight">
              {fields.map(({ key, name }) => (
                <div key={key} className="row wrap" style={{ alignItems: "flex-start" }} data-quota-line={name}>
                  <Form.Item name={[name, "meter"]} rules={needed} style={{ flex: "2 1 150px", margin: 0 }}><Select aria-label={t.usage.meter} options={(meters.data ?? []).map((meter) => ({ value: meter.name, label: meterName(meter, language) }))} /></Form.Item>
                  <Form.Item name={[name, "limit"]} rules={needed} style={{ flex: "1 1 120px", margin: 0 }}><InputNumber min={1} precision={0} aria-label={t.usage.limit} style={{ width: "100%" }} /></Form.Item>
                  <Form.Item name={[name, "period"]} initialValue="month" style={{ flex: "0 0 100px", margin: 0 }}><Select aria-label={t.usage.period} options={[{ value: "day", label: t.usage.perDay }, { value: "month", label: t.usage.perMonth }]} /></Form.Item>
                  <Form.Item name={[name, "warn_percent"]} initialValue={80} style={{ flex: "0 0 90px", margin: 0 }}><InputNumber min={1} max={100} precision={0} suffix="%" aria-label={t.usage.warnAt} style={{ width: "100%" }} /></Form.Item>
                  <Form.Item name={[name, "hard"]} valuePropName="checked" initialValue={false} style={{ margin: 0 }}><Switch checkedChildren={t.usage.hard} unCheckedChildren={t.usage.soft} aria-label={t.usage.hard} /></Form.Item>
                  {decides && <Button type="text" icon={<MinusCircleOutlined />} aria-label={t.common.delete} onClick={() => { remove(name); }} />}
                </div>
              ))}
              {decides && <Button type="dashed" icon={<PlusOutlined />} onClick={() => { add({ meter: "messages", period: "month", warn_percent: 80, hard: false }); }}>{t.usage.addQuota}</Button>}
            </div>
          )}
        </Form.List>
        <div style={{ marginTop: 16 }}><b>{t.usage.rates}</b></div>
        <p className="small quiet">{t.usage.rateText}</p>
        <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(220px, 100%), 1fr))", gap: 8 }}>
          {RATES.map((rate) => <Form.Item key={rate} name={["rates", rate]} label={t.usage.rateNames[rate]} style={{ margin: 0 }}><InputNumber min={0.001} style={{ width: "100%" }} /></Form.Item>)}
        </div>
        {decides ? <Button type="primary" htmlType="submit" loading={save.isPending} style={{ marginTop: 12 }}>{t.common.save}</Button> : <p className="small faint" style={{ marginTop: 12 }}>{t.usage.decidedAbove}</p>}
      </Form>
    </Panel>
  );
}
