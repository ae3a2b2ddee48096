import { Form, Input, Modal, Switch } from "antd";
import type { JSX } from "react";

import { post } from "../api/client";
import type { Device } from "../api/model";
import { useChange } from "../api/queries";
import { useText } from "../i18n";

interface Fields { name: string; username: string; password: string; registers: boolean }
const SIGNS = /^[!-~]+$/;

/** Registers a platform with what it logs in with. */
export function PlatformBox({ close }: { close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<Fields>();
  const save = useChange((v: Fields) => post<Device>("/vehicles/platforms", { ...v, name: v.name.trim() }), ["vehicles", "devices", "overview"], close);
  return (
    <Modal open title={t.vehicles.addPlatform} okText={t.vehicles.addPlatform} cancelText={t.common.cancel} confirmLoading={save.isPending} onCancel={close} onOk={() => { form.submit(); }}>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} initialValues={{ registers: true }} onFinish={(v) => { save.mutate(v); }}>
        <Form.Item name="name" label={t.vehicles.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={128} autoFocus autoComplete="off" /></Form.Item>
        <Form.Item name="username" label={t.vehicles.user} extra={t.vehicles.userHint} rules={[{ required: true, message: t.common.required }, { pattern: SIGNS, message: t.vehicles.userHint }]}><Input maxLength={12} className="mono" autoComplete="off" /></Form.Item>
        <Form.Item name="password" label={t.vehicles.secret} extra={t.vehicles.secretHint} rules={[{ required: true, message: t.common.required }, { pattern: SIGNS, message: t.vehicles.secretHint }]}><Input.Password maxLength={20} autoComplete="new-password" /></Form.Item>
        <Form.Item><label className="row"><Form.Item name="registers" valuePropName="checked" noStyle><Switch size="small" /></Form.Item>{t.vehicles.registers}</label></Form.Item>
      </Form>
    </Modal>
  );
}
