import { PlusOutlined } from "@ant-design/icons";
import { App, Button, Drawer, Form, Input, InputNumber, Modal, Select, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import { etagOf, post, put, remove } from "../api/client";
import { useChange, useList, useMay } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { OnOff } from "./boxes";
import { DeviceSelect } from "./DeviceSelect";
import type { Feedback, Reaction, Zone } from "./model";

type Values = Pick<Feedback, "name" | "on" | "zone_id" | "device_id" | "kind" | "command" | "hold_s" | "again_after_s" | "most_per_hour" | "enabled"> & { group?: string; value?: string };

/** What was typed as the value it means: a number, true or false, or the text itself. */
const valueOf = (text: string): string | number | boolean => {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
};

/** Rules of feedback: what a device is told when tags come and go. */
export function RulesPanel({ zones }: { zones: readonly Zone[] }): JSX.Element {
  const t = useText();
  const may = useMay("location:feedback");
  const rules = useList<Feedback>("/location/rules");
  const [editing, setEditing] = useState<Feedback | "new" | null>(null);
  const [shown, setShown] = useState<Feedback | null>(null);
  const zoneOf = (id: string): string => zones.find((one) => one.id === id)?.name ?? id;
  const sentence = (r: Feedback): string => `${r.tag ?? r.group ?? t.location.anyTag} ${t.location.ons[r.on] ?? r.on} ${zoneOf(r.zone_id)} → ${r.command}${r.kind === "write" ? ` = ${String(r.value)}` : "()"}`;
  const add = may && zones.length > 0 && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setEditing("new"); }}>{t.location.addRule}</Button>;
  const columns: TableColumnsType<Feedback> = [
    { key: "name", title: t.common.name, render: (_, r) => <b>{r.name}</b> },
    { key: "what", title: t.location.what, render: (_, r) => sentence(r) },
    { key: "enabled", title: t.common.status, render: (_, r) => (r.enabled ? t.location.enabled : t.location.off) },
    { key: "act", render: (_, r) => <span className="row"><Button size="small" onClick={() => { setShown(r); }}>{t.location.reactions}</Button>{may && <Button size="small" type="text" onClick={() => { setEditing(r); }}>{t.common.edit}</Button>}</span> },
  ];
  return (
    <>
      <Loaded query={rules}>
        {(list) => list.length === 0
          ? <div className="panel"><Empty title={t.location.noRules} text={t.location.noRulesText}>{add}</Empty></div>
          : <><div className="row" style={{ marginBottom: 12 }}>{add}</div><Listing items={list} columns={columns} rowKey={(r) => r.id} card={(r) => <button type="button" className="card" onClick={() => { setShown(r); }}><b>{r.name}</b><div className="small">{sentence(r)}</div></button>} /></>}
      </Loaded>
      {editing && <RuleBox rule={editing === "new" ? null : editing} zones={zones} close={() => { setEditing(null); }} />}
      {shown && <Reactions rule={shown} close={() => { setShown(null); }} />}
    </>
  );
}

function RuleBox({ rule, zones, close }: { rule: Feedback | null; zones: readonly Zone[]; close: () => void }): JSX.Element {
  const t = useText();
  const { modal } = App.useApp();
  const [form] = Form.useForm<Values>();
  const kind = Form.useWatch("kind", form) ?? rule?.kind ?? "write";
  const save = useChange(({ group, value, ...values }: Values) => {
    const body = { ...values, name: values.name.trim(), group: group?.trim() ? group.trim() : null, tag: rule?.tag ?? null, inputs: rule?.inputs ?? {}, value: values.kind === "write" ? valueOf(value ?? "") : null };
    return rule ? put(`/location/rules/${rule.id}`, body, etagOf(rule)) : post("/location/rules", body);
  }, ["location"], () => { close(); });
  const drop = useChange((id: string) => remove(`/location/rules/${id}`), ["location"], () => { close(); });
  const required = [{ required: true, message: t.common.required }];
  return (
    <Modal open title={t.location.editRule} onCancel={close} footer={<div className="row spread"><span>{rule && <Button danger type="text" onClick={() => { void modal.confirm({ title: t.location.deleteRule, okText: t.common.delete, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(rule.id).catch(() => undefined) }); }}>{t.common.delete}</Button>}</span><span className="row"><Button onClick={close}>{t.common.cancel}</Button><Button type="primary" loading={save.isPending} onClick={() => { form.submit(); }}>{t.common.save}</Button></span></div>}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={rule ? { ...rule, group: rule.group ?? "", value: rule.value === null ? "" : String(rule.value) } : { on: "enter", kind: "write", hold_s: 0, again_after_s: 5, most_per_hour: 60, enabled: true, zone_id: zones[0]?.id }} onFinish={(values) => { save.mutate(values); }}>
        <Form.Item name="name" label={t.common.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={128} autoFocus /></Form.Item>
        <div className="row">
          <Form.Item name="on" label={t.location.on} className="grow"><Select options={["enter", "dwell", "exit"].map((value) => ({ value, label: t.location.ons[value] }))} /></Form.Item>
          <Form.Item name="zone_id" label={t.location.zone} className="grow" rules={required}><Select options={zones.map((one) => ({ value: one.id, label: one.name }))} /></Form.Item>
        </div>
        <Form.Item name="group" label={t.location.group}><Input maxLength={64} placeholder={t.location.anyTag} /></Form.Item>
        <Form.Item name="device_id" label={t.location.device} rules={required}><DeviceSelect label={t.location.device} /></Form.Item>
        <div className="row">
          <Form.Item name="kind" label={t.location.command} className="grow" style={{ minWidth: 170 }}><Select options={[{ value: "write", label: t.location.write }, { value: "call", label: t.location.call }]} /></Form.Item>
          <Form.Item name="command" label={t.location.property} className="grow" rules={required}><Input maxLength={256} /></Form.Item>
          {kind === "write" && <Form.Item name="value" label={t.location.value} className="grow" rules={required}><Input /></Form.Item>}
        </div>
        <Form.Item name="hold_s" label={t.location.hold}><InputNumber min={0} max={3600} style={{ width: "100%" }} /></Form.Item>
        <Form.Item name="again_after_s" label={t.location.again}><InputNumber min={0} max={86_400} style={{ width: "100%" }} /></Form.Item>
        <Form.Item name="most_per_hour" label={t.location.most}><InputNumber min={1} max={3600} style={{ width: "100%" }} /></Form.Item>
        <OnOff label={t.location.enabled} />
      </Form>
    </Modal>
  );
}

function Reactions({ rule, close }: { rule: Feedback; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const phone = usePhone();
  const found = useList<Reaction>(`/location/rules/${rule.id}/reactions`, {}, { everyMs: 2000 });
  return (
    <Drawer open onClose={close} size={phone ? "100%" : 640} title={rule.name}>
      <Loaded query={found}>
        {(list) => list.length === 0 ? <Empty title={t.location.noReactions} /> : (
          <ul className="plain stack tight">
            {list.map((one) => <li key={one.number}><b>{t.location.reaction[one.state] ?? one.state}</b> · <span className="mono">{one.tag}</span> · {f.time(one.ended_ms ?? one.due_ms)}{one.text && <div className="small quiet">{one.text}</div>}</li>)}
          </ul>
        )}
      </Loaded>
    </Drawer>
  );
}
