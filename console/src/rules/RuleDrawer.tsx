import { App, AutoComplete, Button, Drawer, Form, Input, InputNumber, Segmented, Select, Switch } from "antd";
import { type JSX, useState } from "react";

import { etagOf, post, put } from "../api/client";
import { type Condition, type Device, type DeviceProperty, PRIORITIES, type Rehearsal, type Rule, type RuleDraft as Draft } from "../api/model";
import { useChange, useList, useModels } from "../api/queries";
import { HistorySection } from "../audit/History";
import { usePreferences } from "../app/preferences";
import { useFormat, useText, useTitle } from "../i18n";
import { unitSign } from "../i18n/format";
import { PriorityMark } from "../parts/Marks";
import { usePhone } from "../parts/screen";
import { sentence } from "./sentence";

interface Fields {
  name: string; target: "device" | "model"; device_id?: string; model_id?: string; property: string; priority: Rule["priority"]; enabled: boolean; message?: string; message_zh?: string;
  kind: Condition["kind"]; high?: number | null; low?: number | null; deadband?: number | null; on_delay_s?: number | null; off_delay_s?: number | null; per_s?: number | null; window_s?: number | null; direction?: "both" | "rising" | "falling"; after_s?: number | null;
}
export interface RuleStart { device_id?: string | null; property?: string }
const DAY_MS = 86_400_000;

/** The part of a rule that a person writes. */
export const draftOf = ({ name, scope, property, condition, priority, enabled, message, message_zh }: Rule): Draft => ({ name, scope, property, condition, priority, enabled, message, message_zh });

/** The condition that the form's fields describe. */
export function conditionOf(v: Fields): Condition {
  if (v.kind === "stale") return { kind: "stale", after_s: v.after_s ?? 60 };
  const delays = { deadband: v.deadband ?? 0, on_delay_s: v.on_delay_s ?? 0, off_delay_s: v.off_delay_s ?? 0 };
  if (v.kind === "rate_of_change") return { kind: "rate_of_change", per_s: v.per_s ?? 0, window_s: v.window_s ?? 60, direction: v.direction ?? "both", ...delays };
  return { kind: "limit", high: v.high ?? null, low: v.low ?? null, ...delays };
}

/** A message in one language stands for both: better the writer's words than a standard sentence. */
export function messagesOf(v: { message?: string; message_zh?: string }): { message: string; message_zh: string | null } {
  const [english, chinese] = [v.message?.trim() ?? "", v.message_zh?.trim() ?? ""];
  return { message: english || chinese, message_zh: chinese || english || null };
}

const toDraft = (v: Fields): Draft => ({
  name: v.name, enabled: v.enabled, property: v.property, priority: v.priority, ...messagesOf(v), condition: conditionOf(v),
  scope: v.target === "device" ? { device_id: v.device_id ?? null, model_id: null } : { device_id: null, model_id: v.model_id ?? null },
});
const toFields = (rule: Rule): Fields => {
  const { kind, ...condition } = rule.condition;
  return { name: rule.name, enabled: rule.enabled, property: rule.property, priority: rule.priority, message: rule.message, message_zh: rule.message_zh ?? "", target: rule.scope.device_id ? "device" : "model", ...(rule.scope.device_id && { device_id: rule.scope.device_id }), ...(rule.scope.model_id && { model_id: rule.scope.model_id }), kind, ...condition };
};

export function RuleDrawer({ rule, start = {}, close }: { rule: Rule | null; start?: RuleStart; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const phone = usePhone();
  const { language } = usePreferences();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const values = Form.useWatch((all: Fields) => all, form) as Fields | undefined;
  const [search, setSearch] = useState("");
  const target = values?.target ?? (rule?.scope.model_id ? "model" : "device");
  const kind = values?.kind ?? rule?.condition.kind ?? "limit";
  const deviceId = values?.device_id ?? rule?.scope.device_id ?? start.device_id ?? null;
  const devices = useList<Device>("/devices", { q: search, limit: 30 }, { enabled: target === "device" });
  const models = useModels();
  const live = useList<DeviceProperty>(`/devices/${deviceId ?? ""}/properties`, {}, { enabled: target === "device" && !!deviceId });
  const properties = target === "device" ? live.data ?? [] : models.data?.find((m) => m.id === values?.model_id)?.properties ?? [];
  const property = properties.find((p) => p.name === values?.property);
  const unit = property?.unit ?? null;
  const save = useChange((draft: Draft) => (rule ? put(`/rules/${rule.id}`, draft, etagOf(rule)) : post("/rules", draft)), ["rules"], (_saved) => { void message.success(t.common.saved); close(); }, close);
  const test = useChange((draft: Draft) => { const now = Date.now(); return post<Rehearsal>("/rules/test", { rule: draft, from_ms: now - DAY_MS, to_ms: now }); }, []);
  const seconds = { suffix: t.rules.seconds, min: 0, max: 86_400, style: { width: "100%" } };
  const amount = { style: { width: "100%" }, suffix: unitSign(unit) || undefined };
  const initial: Fields = rule ? toFields(rule) : { name: start.property ?? "", target: "device", ...(start.device_id && { device_id: start.device_id }), property: start.property ?? "", kind: "limit", priority: "high", enabled: true, deadband: 0, on_delay_s: 5, off_delay_s: 0, window_s: 60, direction: "both", after_s: 60 };
  const columns = { display: "grid", gridTemplateColumns: phone ? "1fr" : "1fr 1fr", columnGap: 16 } as const;
  const deviceOptions = (devices.data ?? []).map((d) => ({ value: d.id, label: d.title ?? d.name }));
  if (deviceId && !deviceOptions.some((o) => o.value === deviceId)) deviceOptions.unshift({ value: deviceId, label: t.rules.forDevice });
  return (
    <Drawer
      open onClose={close} size={phone ? "100%" : 600} title={rule ? t.rules.edit : t.rules.add}
      footer={<div className="row" style={{ justifyContent: "flex-end" }}><Button loading={test.isPending} onClick={() => { void form.validateFields().then((v) => { test.mutate(toDraft(v)); }, () => undefined); }}>{t.rules.test}</Button><Button type="primary" loading={save.isPending} onClick={() => { form.submit(); }}>{t.common.save}</Button></div>}
    >
      <Form<Fields> form={form} layout="vertical" initialValues={initial} onFinish={(v) => { save.mutate(toDraft(v)); }} requiredMark={false}>
        <Form.Item name="target" label={t.rules.scope}><Segmented options={[{ value: "device", label: t.rules.oneDevice }, { value: "model", label: t.rules.wholeModel }]} /></Form.Item>
        <div style={columns}>
          {target === "device"
            ? <Form.Item name="device_id" label={t.alarms.device} rules={[{ required: true, message: t.common.required }]}><Select showSearch={{ filterOption: false, onSearch: setSearch }} options={deviceOptions} loading={devices.isFetching} /></Form.Item>
            : <Form.Item name="model_id" label={t.devices.model} rules={[{ required: true, message: t.common.required }]}><Select options={(models.data ?? []).map((m) => ({ value: m.id, label: title(m) }))} /></Form.Item>}
          <Form.Item name="property" label={t.rules.property} rules={[{ required: true, message: t.common.required }]}>
            <AutoComplete options={properties.map((p) => ({ value: p.name, label: `${title(p)}${p.unit ? ` (${unitSign(p.unit)})` : ""}` }))} showSearch={{ filterOption: (text, option) => `${option?.value ?? ""} ${String(option?.label ?? "")}`.toLowerCase().includes(text.toLowerCase()) }} />
          </Form.Item>
        </div>
        <Form.Item name="kind" label={t.rules.condition}><Segmented options={(["limit", "rate_of_change", "stale"] as const).map((value) => ({ value, label: t.rules.kinds[value] }))} /></Form.Item>
        <div style={columns}>
          {kind === "limit" && <>
            <Form.Item name="high" label={t.rules.high} dependencies={["low"]} rules={[({ getFieldValue }) => ({ validator: (_, high: number | null) => ((high ?? null) === null && (getFieldValue("low") ?? null) === null ? Promise.reject(new Error(t.rules.needLimit)) : (high ?? null) !== null && (getFieldValue("low") ?? null) !== null && Number(getFieldValue("low")) >= Number(high) ? Promise.reject(new Error(t.rules.lowHigh)) : Promise.resolve()) })]}><InputNumber {...amount} /></Form.Item>
            <Form.Item name="low" label={t.rules.low}><InputNumber {...amount} /></Form.Item>
            <Form.Item name="deadband" label={t.rules.deadband} tooltip={t.rules.deadbandHint}><InputNumber {...amount} min={0} /></Form.Item>
          </>}
          {kind === "rate_of_change" && <>
            <Form.Item name="per_s" label={t.rules.perSecond} rules={[{ required: true, message: t.common.required }]}><InputNumber {...amount} min={0} /></Form.Item>
            <Form.Item name="window_s" label={t.rules.window}><InputNumber {...seconds} min={0.1} /></Form.Item>
            <Form.Item name="deadband" label={t.rules.deadband} tooltip={t.rules.deadbandHint}><InputNumber {...amount} min={0} /></Form.Item>
            <Form.Item name="direction" label={t.rules.direction}><Select options={(["both", "rising", "falling"] as const).map((value) => ({ value, label: t.rules.directions[value] }))} /></Form.Item>
          </>}
          {kind === "stale" && <Form.Item name="after_s" label={t.rules.after}><InputNumber {...seconds} min={1} /></Form.Item>}
          {kind !== "stale" && <>
            <Form.Item name="on_delay_s" label={t.rules.onDelay} tooltip={t.rules.onDelayHint}><InputNumber {...seconds} /></Form.Item>
            <Form.Item name="off_delay_s" label={t.rules.offDelay} tooltip={t.rules.offDelayHint}><InputNumber {...seconds} /></Form.Item>
          </>}
          <Form.Item name="priority" label={t.rules.priority}><Select options={PRIORITIES.map((value) => ({ value, label: <PriorityMark priority={value} label /> }))} /></Form.Item>
        </div>
        {values && <Form.Item label={t.rules.preview}><div className="sentence" data-testid="sentence">{sentence({ condition: conditionOf(values), priority: values.priority, property: property ? title(property) : values.property, unit }, t, f)}</div></Form.Item>}
        {test.data && <Form.Item><Outcome found={test.data} /></Form.Item>}
        <div style={columns}>
          <Form.Item name="name" label={t.rules.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={200} /></Form.Item>
          <Form.Item name="enabled" label={t.rules.enabled} valuePropName="checked"><Switch /></Form.Item>
        </div>
        {(language === "zh" ? (["message_zh", "message"] as const) : (["message", "message_zh"] as const)).map((name, i) => (
          <Form.Item key={name} name={name} label={`${name === "message" ? t.rules.message : t.rules.messageZh} (${t.common.optional})`} extra={i === 0 ? t.rules.messageHint : undefined}><Input maxLength={500} /></Form.Item>
        ))}
      </Form>
      {rule && <HistorySection kind="rule" id={rule.id} />}
    </Drawer>
  );
}

function Outcome({ found }: { found: Rehearsal }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const first = found.devices.flatMap((d) => d.firings.map((firing) => ({ ...firing, name: d.device_name }))).slice(0, 5);
  return (
    <div className="notice" data-testid="rehearsal" style={found.raised ? undefined : { borderInlineStartColor: "var(--ok)" }}>
      <b>{found.raised ? t.rules.testText(found.raised) : t.rules.testNone}</b> <span className="quiet">{t.rules.testRange}</span>
      {first.map((one) => <div key={`${one.name}${one.raised_ms}`} className="small quiet num">{f.time(one.raised_ms)} · {one.name} · {f.value(one.value)}{one.returned_ms ? ` · ${f.duration(one.returned_ms - one.raised_ms)}` : ""}</div>)}
    </div>
  );
}
