import { App, Button, Form, Input, InputNumber, Modal, Segmented, Select, Tag } from "antd";
import { type JSX, useState } from "react";

import { post, remove } from "../../api/client";
import { type Device, type DeviceProperty, type Interlock, type InterlockCondition, type ModelService, PRIORITIES, type Value } from "../../api/model";
import { useChange, useList, useMay } from "../../api/queries";
import { useText, useTitle } from "../../i18n";
import { Empty, Loaded, Panel } from "../../parts/Page";

const OPERATORS = ["<", "<=", ">", ">=", "==", "!="] as const;
interface Line { kind: "value" | "no_alarm" | "online"; property?: string; op?: (typeof OPERATORS)[number]; value?: string; max_age_s?: number; priority?: (typeof PRIORITIES)[number]; online?: boolean }
interface Fields { name: string; whose: "device" | "model"; command?: string; conditions: Line[] }

/** A typed value: numbers and truth are told from text. */
export function typed(text: string): Value {
  const plain = text.trim();
  if (plain === "true" || plain === "false") return plain === "true";
  return plain !== "" && Number.isFinite(Number(plain)) ? Number(plain) : text;
}

const conditionOf = (l: Line): unknown => {
  if (l.kind === "no_alarm") return { type: "no_alarm", priority: l.priority ?? "critical" };
  if (l.kind === "online") return { type: "online", online: l.online ?? true };
  return { type: "value", property: l.property, op: l.op ?? "<", value: typed(l.value ?? ""), max_age_s: l.max_age_s ?? 60 };
};

/** The rules that must hold before a command is sent. */
export function Interlocks({ device, properties, services }: { device: Device; properties: readonly DeviceProperty[]; services: readonly ModelService[] }): JSX.Element {
  const t = useText();
  const { modal } = App.useApp();
  const mayChange = useMay("interlocks:write");
  const [adding, setAdding] = useState(false);
  const found = useList<Interlock>("/interlocks", { device_id: device.id });
  const drop = useChange((id: string) => remove(`/interlocks/${id}`), ["interlocks"]);
  const ask = (rule: Interlock): void => { void modal.confirm({ title: t.commands.removeConfirm, okText: t.common.delete, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(rule.id).catch(() => undefined) }); };
  const say = (c: InterlockCondition): string => {
    if (c.type === "no_alarm") return t.commands.noAlarm(t.alarms.priorities[c.priority]);
    if (c.type === "online") return t.commands.isOnline(c.online);
    return `${c.property} ${c.op} ${typeof c.value === "string" ? `"${c.value}"` : String(c.value)}`;
  };
  return (
    <Panel title={t.commands.interlocks} flush extra={mayChange && <Button size="small" onClick={() => { setAdding(true); }}>{t.commands.addInterlock}</Button>}>
      <Loaded query={found} rows={2}>
        {(rules) => rules.length ? (
          <div className="insets">
            {rules.map((rule) => (
              <div key={rule.id} className="inset row spread wrap">
                <span className="grow"><b>{rule.name}</b> {rule.model_id && <Tag>{t.commands.ofModel}</Tag>}{!rule.enabled && <Tag>{t.commands.offRule}</Tag>}<div className="small quiet">{t.commands.forWhat}: <span className="mono">{rule.command ?? t.commands.every}</span></div><div className="mono small">{rule.conditions.map(say).join(" ∧ ")}</div></span>
                {mayChange && <Button size="small" danger onClick={() => { ask(rule); }}>{t.common.delete}</Button>}
              </div>
            ))}
          </div>
        ) : <Empty title={t.commands.interlocksEmpty} text={t.commands.interlocksText} />}
      </Loaded>
      {adding && <InterlockBox device={device} properties={properties} services={services} close={() => { setAdding(false); }} />}
    </Panel>
  );
}

function InterlockBox({ device, properties, services, close }: { device: Device; properties: readonly DeviceProperty[]; services: readonly ModelService[]; close: () => void }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const [form] = Form.useForm<Fields>();
  const lines = (Form.useWatch("conditions", form) as Line[] | undefined) ?? [];
  const add = useChange((v: Fields) => post("/interlocks", {
    name: v.name, command: v.command ?? null, conditions: v.conditions.map(conditionOf),
    ...(v.whose === "model" ? { model_id: device.model_id } : { device_id: device.id }),
  }), ["interlocks"], () => { close(); }, close);
  const kinds = (["value", "no_alarm", "online"] as const).map((value) => ({ value, label: t.commands.kinds[value] }));
  return (
    <Modal open width={760} onCancel={close} title={t.commands.addInterlock} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={add.isPending} onOk={() => { form.submit(); }}>
      <p className="quiet" style={{ marginBlockEnd: 16 }}>{t.commands.interlocksText}</p>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} initialValues={{ whose: "device", conditions: [{ kind: "value", op: "<", max_age_s: 60 }] }} onFinish={(v) => { add.mutate(v); }}>
        <Form.Item name="name" label={t.commands.interlockName} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={128} autoFocus /></Form.Item>
        {device.model_id && <Form.Item name="whose"><Segmented options={[{ value: "device", label: t.commands.thisDevice }, { value: "model", label: t.commands.wholeModel }]} /></Form.Item>}
        <Form.Item name="command" label={t.commands.forWhat}>
          <Select allowClear placeholder={t.commands.every} options={[...properties.filter((p) => p.writable).map((p) => ({ value: p.name, label: title(p) })), ...services.map((s) => ({ value: s.name, label: title(s) }))]} />
        </Form.Item>
        <Form.List name="conditions">
          {(fields, { add: more, remove: less }) => (
            <div className="stack tight">
              {fields.map(({ key, name }) => (
                <div key={key} className="row wrap" style={{ alignItems: "flex-end" }}>
                  <Form.Item name={[name, "kind"]} label={t.commands.condition} style={{ marginBlockEnd: 8, width: 140 }}><Select options={kinds} /></Form.Item>
                  {lines[name]?.kind === "no_alarm" ? (
                    <Form.Item name={[name, "priority"]} label={t.commands.priority} initialValue="critical" style={{ marginBlockEnd: 8, width: 180 }}><Select options={PRIORITIES.map((value) => ({ value, label: t.alarms.priorities[value] }))} /></Form.Item>
                  ) : lines[name]?.kind === "online" ? (
                    <Form.Item name={[name, "online"]} label={t.commands.mustBe} initialValue style={{ marginBlockEnd: 8 }}><Segmented options={[{ value: true, label: t.commands.online }, { value: false, label: t.commands.offline }]} /></Form.Item>
                  ) : (
                    <>
                      <Form.Item name={[name, "property"]} label={t.commands.property} rules={[{ required: true, message: t.common.required }]} style={{ marginBlockEnd: 8, minWidth: 150, flex: 1 }}><Select showSearch options={properties.map((p) => ({ value: p.name, label: title(p) }))} /></Form.Item>
                      <Form.Item name={[name, "op"]} label=" " style={{ marginBlockEnd: 8, width: 72 }}><Select aria-label={t.commands.condition} options={OPERATORS.map((value) => ({ value, label: value }))} /></Form.Item>
                      <Form.Item name={[name, "value"]} label={t.commands.value} tooltip={t.commands.textValue} rules={[{ required: true, message: t.common.required }]} style={{ marginBlockEnd: 8, width: 100 }}><Input /></Form.Item>
                      <Form.Item name={[name, "max_age_s"]} label={t.commands.maxAge} style={{ marginBlockEnd: 8, width: 190 }}><InputNumber min={1} max={86_400} style={{ width: "100%" }} /></Form.Item>
                    </>
                  )}
                  {fields.length > 1 && <Button style={{ marginBlockEnd: 8 }} onClick={() => { less(name); }}>{t.common.delete}</Button>}
                </div>
              ))}
              <div><Button size="small" onClick={() => { more({ kind: "value", op: "<", max_age_s: 60 }); }}>{t.commands.moreConditions}</Button> <span className="small quiet">{t.commands.all}</span></div>
            </div>
          )}
        </Form.List>
      </Form>
    </Modal>
  );
}
