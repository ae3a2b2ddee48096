import { MinusCircleOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Form, Input, InputNumber, Modal, Select, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import { post, put } from "../api/client";
import type { Meter, Plan, PlanDocument } from "../api/model";
import { useChange, useMay, useResource } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Panel } from "../parts/Page";
import { meterName } from "./words";

const MONEY = /^\d{1,12}(\.\d{1,8})?$/;
const CURRENCIES = ["CNY", "EUR", "USD", "JPY"];
/** Digits of the smallest unit where they are not two (ISO 4217). */
const DECIMALS: Record<string, number> = { JPY: 0 };

/** The price plans kept here, and their editor. */
export function PlansPanel(): JSX.Element {
  const t = useText();
  const manages = useMay("plans:manage");
  const plans = useResource<Plan[]>("/metering/plans");
  const [editing, setEditing] = useState<Plan | "new" | null>(null);
  const add = manages && <Button size="small" icon={<PlusOutlined />} onClick={() => { setEditing("new"); }}>{t.usage.newPlan}</Button>;
  const edit = (plan: Plan): void => { if (manages) setEditing(plan); };
  const columns: TableColumnsType<Plan> = [
    { key: "name", title: t.usage.planName, render: (_, plan) => <b>{plan.document.name}</b> },
    { key: "version", title: "", render: (_, plan) => <span className="quiet">{t.usage.version(plan.version)}</span> },
    { key: "fee", title: t.usage.fee, align: "right", render: (_, plan) => <span className="num">{plan.document.currency} {plan.document.monthly_fee}</span> },
    { key: "meters", title: t.usage.tiers, render: (_, plan) => t.usage.priced(plan.document.prices.length) },
  ];
  return (
    <Panel title={t.usage.plans} extra={<span className="row" style={{ justifyContent: "flex-end" }}>{plans.data?.length ? add : null}</span>} flush>
      <Loaded query={plans} rows={2}>
        {(items) => items.length === 0 ? <Empty title={t.usage.noPlans} text={t.usage.noPlansText}>{add}</Empty> : (
          <Listing
            inside size="small" items={items} columns={columns} rowKey={(plan) => plan.id} {...(manages && { onOpen: edit })}
            card={(plan) => <div className="inset"><button type="button" className="plain" style={{ width: "100%" }} onClick={() => { edit(plan); }}><span className="row spread"><span><b>{plan.document.name}</b> <span className="quiet small">{t.usage.version(plan.version)}</span></span><span className="num">{plan.document.currency} {plan.document.monthly_fee}</span></span></button></div>}
          />
        )}
      </Loaded>
      {editing !== null && <PlanBox plan={editing === "new" ? null : editing} close={() => { setEditing(null); }} />}
    </Panel>
  );
}

function PlanBox({ plan, close }: { plan: Plan | null; close: () => void }): JSX.Element {
  const t = useText();
  const { language } = usePreferences();
  const [form] = Form.useForm<PlanDocument>();
  const meters = useResource<Meter[]>("/metering/meters");
  const save = useChange((document: PlanDocument) => (plan ? put(`/metering/plans/${plan.id}`, document) : post("/metering/plans", { document })), ["metering"], close);
  const money = [{ required: true, message: t.common.required }, { pattern: MONEY, message: t.usage.price }];
  const needed = [{ required: true, message: t.common.required }];
  const options = (meters.data ?? []).map((meter) => ({ value: meter.name, label: meterName(meter, language) }));
  const finish = (v: PlanDocument): void => {
    const prices = (v.prices as (PlanDocument["prices"][number] | undefined)[] | undefined ?? []).flatMap((price) => (price ? [{ ...price, tiers: (price.tiers as typeof price.tiers | undefined ?? []).map((tier, at, all) => ({ price: tier.price, up_to: at === all.length - 1 ? null : tier.up_to })), packages: (price.packages as typeof price.packages | undefined) ?? [] }] : []));
    save.mutate({ ...v, decimals: plan && plan.document.currency === v.currency ? plan.document.decimals : DECIMALS[v.currency] ?? 2, prices });
  };
  return (
    <Modal open onCancel={close} title={plan ? t.usage.editPlan : t.usage.newPlan} width={720} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      {plan && <p className="quiet small">{t.usage.newVersion}</p>}
      <Form<PlanDocument> form={form} layout="vertical" requiredMark={false} onFinish={finish} initialValues={plan?.document ?? { name: "", currency: "CNY", monthly_fee: "0", prices: [{ meter: "messages", free: 0, per: 1000, tiers: [{ price: "0.00", up_to: null }], packages: [] }] }}>
        <div className="row wrap" style={{ alignItems: "flex-start" }}>
          <Form.Item name="name" label={t.usage.planName} rules={[{ ...needed[0], whitespace: true }]} style={{ flex: "2 1 200px" }}><Input maxLength={128} /></Form.Item>
          <Form.Item name="currency" label={t.usage.currency} style={{ flex: "0 0 100px" }}><Select options={CURRENCIES.map((value) => ({ value, label: value }))} /></Form.Item>
          <Form.Item name="monthly_fee" label={t.usage.fee} rules={money} style={{ flex: "1 1 120px" }}><Input inputMode="decimal" /></Form.Item>
        </div>
        <Form.List name="prices">
          {(fields, { add, remove }) => (
            <div className="stack tight">
              {fields.map(({ key, name }) => (
                <div key={key} className="panel" style={{ padding: 12 }} data-price={name}>
                  <div className="row wrap" style={{ alignItems: "flex-start" }}>
                    <Form.Item name={[name, "meter"]} label={t.usage.meter} rules={needed} style={{ flex: "2 1 180px" }}><Select options={options} /></Form.Item>
                    <Form.Item name={[name, "free"]} label={t.usage.free} initialValue={0} rules={needed} style={{ flex: "1 1 110px" }}><InputNumber min={0} precision={0} style={{ width: "100%" }} /></Form.Item>
                    <Form.Item name={[name, "per"]} label={t.usage.per} initialValue={1} rules={needed} style={{ flex: "1 1 110px" }}><InputNumber min={1} precision={0} style={{ width: "100%" }} /></Form.Item>
                    <Button type="text" icon={<MinusCircleOutlined />} aria-label={t.common.delete} onClick={() => { remove(name); }} />
                  </div>
                  <Tiers at={name} money={money} />
                  <Packages at={name} money={money} />
                </div>
              ))}
              <Button type="dashed" icon={<PlusOutlined />} onClick={() => { add({ free: 0, per: 1, tiers: [{ price: "0.00", up_to: null }], packages: [] }); }}>{t.usage.addMeter}</Button>
            </div>
          )}
        </Form.List>
      </Form>
    </Modal>
  );
}

interface Part { at: number; money: { required?: boolean; pattern?: RegExp; message: string }[] }

function Tiers({ at, money }: Part): JSX.Element {
  const t = useText();
  return (
    <Form.List name={[at, "tiers"]}>
      {(fields, { add, remove }) => (
        <div>
          <div className="small quiet">{t.usage.tiers}</div>
          {fields.map(({ key, name }, number) => (
            <div key={key} className="row" style={{ alignItems: "flex-start", marginTop: 4 }}>
              {number === fields.length - 1
                ? <span className="quiet" style={{ flex: 1, lineHeight: "32px" }}>{t.usage.endless}</span>
                : <Form.Item name={[name, "up_to"]} rules={[{ required: true, message: t.common.required }]} style={{ flex: 1, margin: 0 }}><InputNumber min={1} precision={0} prefix={t.usage.upTo} style={{ width: "100%" }} /></Form.Item>}
              <Form.Item name={[name, "price"]} rules={money} style={{ flex: 1, margin: 0 }}><Input inputMode="decimal" aria-label={t.usage.price} /></Form.Item>
              <Button type="text" icon={<MinusCircleOutlined />} aria-label={t.common.delete} onClick={() => { remove(name); }} />
            </div>
          ))}
          <Button type="link" size="small" style={{ paddingInline: 0 }} onClick={() => { add({ price: "0.00" }); }}>{t.usage.addTier}</Button>
        </div>
      )}
    </Form.List>
  );
}

function Packages({ at, money }: Part): JSX.Element {
  const t = useText();
  const needed = [{ required: true, message: t.common.required }];
  return (
    <Form.List name={[at, "packages"]}>
      {(fields, { add, remove }) => (
        <div>
          {fields.length > 0 && <div className="small quiet">{t.usage.packages}</div>}
          {fields.map(({ key, name }) => (
            <div key={key} className="row" style={{ alignItems: "flex-start", marginTop: 4 }}>
              <Form.Item name={[name, "name"]} rules={needed} style={{ flex: 1, margin: 0 }}><Input maxLength={128} placeholder={t.usage.packageName} /></Form.Item>
              <Form.Item name={[name, "units"]} rules={needed} style={{ flex: 1, margin: 0 }}><InputNumber min={1} precision={0} placeholder={t.usage.quantity} style={{ width: "100%" }} /></Form.Item>
              <Form.Item name={[name, "price"]} rules={money} style={{ flex: 1, margin: 0 }}><Input inputMode="decimal" placeholder={t.usage.price} /></Form.Item>
              <Button type="text" icon={<MinusCircleOutlined />} aria-label={t.common.delete} onClick={() => { remove(name); }} />
            </div>
          ))}
          <Button type="link" size="small" style={{ paddingInline: 0 }} onClick={() => { add({}); }}>{t.usage.addPackage}</Button>
        </div>
      )}
    </Form.List>
  );
}
