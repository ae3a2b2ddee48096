import { App, Form, Input, Modal, Select, Switch } from "antd";
import type { JSX } from "react";
import { useQueryClient } from "@tanstack/react-query";

import { etagOf, patch, ProblemError } from "../../api/client";
import type { Device } from "../../api/model";
import { useChange, useModels, usePlaces } from "../../api/queries";
import { EdgeField } from "../../edges/EdgeField";
import { useText, useTitle } from "../../i18n";

interface Fields { name: string; title?: string; model_id?: string; place_id?: string; edge_id?: string; tags: string[]; gateway?: boolean; registers?: boolean }

export function EditBox({ device, close }: { device: Device; close: () => void }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const client = useQueryClient();
  const { message, notification } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const models = useModels();
  const places = usePlaces();
  const turns = device.kind === "device" || device.kind === "gateway";
  const gateway = Form.useWatch("gateway", form) ?? false;
  const save = useChange(async (v: Fields) => {
    try {
      await patch(`/devices/${device.id}`, {
        name: v.name, title: v.title?.trim() || null, model_id: v.model_id ?? null, place_id: v.place_id ?? null, edge_id: v.edge_id ?? null, tags: v.tags,
        // Another model starts at its latest version.
        ...((v.model_id ?? null) !== device.model_id && { model_version: null }),
        ...(turns && v.gateway !== (device.kind === "gateway") && { kind: v.gateway ? "gateway" : "device" }),
        ...(turns && v.gateway && v.registers !== undefined && { registers: v.registers }),
      }, etagOf(device));
      return true;
    } catch (error) {
      if (!(error instanceof ProblemError) || !error.outdated) throw error;
      notification.warning({ title: t.device.changed, description: t.device.changedText });
      await client.invalidateQueries({ queryKey: ["devices"] });
      return false;
    }
  }, ["devices", "places"], (saved) => { if (saved) void message.success(t.common.saved); close(); });
  return (
    <Modal open onCancel={close} title={t.device.edit} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} onFinish={(v) => { save.mutate(v); }} initialValues={{ name: device.name, title: device.title ?? "", tags: device.tags, gateway: device.kind === "gateway", registers: device.kind === "gateway" ? device.registers : true, ...(device.model_id && { model_id: device.model_id }), ...(device.place_id && { place_id: device.place_id }), ...(device.edge_id && { edge_id: device.edge_id }) }}>
        <Form.Item name="name" label={t.common.name} rules={[{ required: true, message: t.common.required }]}><Input maxLength={128} /></Form.Item>
        <Form.Item name="title" label={t.common.title}><Input maxLength={200} /></Form.Item>
        <Form.Item name="model_id" label={t.devices.model}><Select allowClear placeholder={t.wizard.noModel} options={(models.data ?? []).map((m) => ({ value: m.id, label: title(m) }))} /></Form.Item>
        <Form.Item name="place_id" label={t.devices.place}><Select allowClear placeholder={t.wizard.noPlace} options={(places.data ?? []).map((p) => ({ value: p.id, label: p.path }))} /></Form.Item>
        <EdgeField />
        <Form.Item name="tags" label={t.devices.tags}><Select mode="tags" tokenSeparators={[",", ";"]} open={false} suffixIcon={null} /></Form.Item>
        {turns && <Form.Item><label className="row"><Form.Item name="gateway" valuePropName="checked" noStyle><Switch size="small" /></Form.Item>{t.history.gateway}</label></Form.Item>}
        {turns && gateway && <Form.Item extra={t.history.registersText}><label className="row"><Form.Item name="registers" valuePropName="checked" noStyle><Switch size="small" /></Form.Item>{t.history.registers}</label></Form.Item>}
      </Form>
    </Modal>
  );
}
