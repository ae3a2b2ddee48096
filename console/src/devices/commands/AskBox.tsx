import { Alert, App, Checkbox, Form, Input, InputNumber, Modal, Segmented, Select } from "antd";
import type { JSX } from "react";

import { post } from "../../api/client";
import type { Command, Device, DeviceProperty, Latest, ModelService, Value } from "../../api/model";
import { useChange } from "../../api/queries";
import { useFormat, useText, useTitle } from "../../i18n";
import { unitSign } from "../../i18n/format";
import { rangeOf } from "./Commands";

type What = { property: DeviceProperty; latest: Latest | null } | { service: ModelService };
interface Fields { value?: Value; inputs?: Record<string, Value>; reason?: string; expires_s: number; effect?: boolean }
interface Spec { name: string; type?: string; title?: string | null; title_zh?: string | null; unit?: string | null; minimum?: number | null; maximum?: number | null }

const HOUR = 3600;

/** Asks for the new value or the inputs, shows what will change, and sends. */
export function AskBox({ device, what, close }: { device: Device; what: What; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const value = Form.useWatch("value", form) as Value | undefined;
  const writes = "property" in what;
  const send = useChange((v: Fields) => {
    const rest = { reason: v.reason?.trim() ?? "", expires_s: v.expires_s };
    return writes
      ? post<Command>(`/devices/${device.id}/commands/write`, { property: what.property.name, value: v.value, confirm: v.effect ? "value" : "any", ...rest })
      : post<Command>(`/devices/${device.id}/commands/call`, { service: what.service.name, inputs: v.inputs ?? {}, ...rest });
  }, ["commands", "devices"], () => { void message.success(t.commands.sent); close(); }, close);
  const name = writes ? title(what.property) : title(what.service);
  const before = writes && what.latest ? f.withUnit(what.latest.value, what.property.unit) : "–";
  return (
    <Modal
      open onCancel={close} title={writes ? t.commands.setting(name) : t.commands.calling(name)} okText={t.commands.send} cancelText={t.common.cancel}
      confirmLoading={send.isPending} onOk={() => { form.submit(); }}
    >
      <Form<Fields> form={form} layout="vertical" requiredMark={false} initialValues={{ expires_s: HOUR }} onFinish={(v) => { send.mutate(v); }}>
        {!device.presence.online && <Alert type="warning" showIcon title={t.commands.asleep} style={{ marginBlockEnd: 16 }} />}
        {writes
          ? <ValueItem spec={what.property} path="value" label={t.commands.newValue} focus />
          : (what.service.inputs ?? []).map((spec, at) => <ValueItem key={spec.name} spec={spec} path={["inputs", spec.name]} label={title(spec)} focus={at === 0} />)}
        {writes && <p className="sentence num" style={{ marginBlockEnd: 16 }}>{t.commands.changes(before, value === undefined || value === null || value === "" ? "?" : f.withUnit(value, what.property.unit))}</p>}
        <Form.Item name="reason" label={t.commands.reason} extra={t.commands.reasonHint}><Input maxLength={1000} /></Form.Item>
        <Form.Item name="expires_s" label={t.commands.waits}>
          <Select options={[{ value: 0, label: t.commands.waitsFor.now }, { value: HOUR, label: t.commands.waitsFor.hour }, { value: 24 * HOUR, label: t.commands.waitsFor.day }, { value: 168 * HOUR, label: t.commands.waitsFor.week }]} />
        </Form.Item>
        {writes && <Form.Item name="effect" valuePropName="checked" style={{ marginBlockEnd: 0 }}><Checkbox>{t.commands.effect}</Checkbox></Form.Item>}
      </Form>
    </Modal>
  );
}

function ValueItem({ spec, path, label, focus }: { spec: Spec; path: string | string[]; label: string; focus: boolean }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const type = spec.type ?? "number";
  const input = type === "boolean"
    ? <Segmented options={[{ value: true, label: t.commands.on }, { value: false, label: t.commands.off }]} />
    : type === "string"
      ? <Input maxLength={4000} autoFocus={focus} />
      : <InputNumber style={{ width: "100%" }} autoFocus={focus} min={spec.minimum ?? undefined} max={spec.maximum ?? undefined} precision={type === "integer" ? 0 : undefined} suffix={unitSign(spec.unit) || undefined} />;
  return (
    <Form.Item name={path} label={label} extra={type === "string" ? undefined : `${t.commands.range}: ${rangeOf(spec, f.number, t.commands.any)}`} rules={[{ required: true, message: t.common.required }]} {...(type === "boolean" && { initialValue: true })}>
      {input}
    </Form.Item>
  );
}
