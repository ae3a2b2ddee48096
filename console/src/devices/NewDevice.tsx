import { Alert, Button, Form, Input, Modal, Select, Steps, Switch } from "antd";
import { type JSX, useState } from "react";
import { useNavigate } from "react-router";

import { post } from "../api/client";
import type { Device, IssuedCredential, TerminalReport, VehicleAccess } from "../api/model";
import { useChange, useResource, useModels, usePlaces } from "../api/queries";
import { EdgeField } from "../edges/EdgeField";
import { useText, useTitle } from "../i18n";
import { ConnectGuide, FirstMessage } from "./ConnectGuide";

interface Fields { name: string; title?: string; model_id?: string; place_id?: string; edge_id?: string; tags?: string[]; sparkplug?: boolean; group_id?: string; edge_node_id?: string; gateway?: boolean; vehicle?: boolean; vin?: string; iccid?: string; registers?: boolean; dialect?: "alibaba" | "jetlinks"; product_key?: string; foreign_name?: string }

/** Makes a device and its token, then waits with the person for the first value. */
export default function NewDevice({ place, close }: { place: string | null; close: () => void }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const navigate = useNavigate();
  const models = useModels();
  const places = usePlaces();
  const [form] = Form.useForm<Fields>();
  const sparkplug = Form.useWatch("sparkplug", form) ?? false;
  const gateway = Form.useWatch("gateway", form) ?? false;
  const dialect = Form.useWatch("dialect", form);
  const vehicle = Form.useWatch("vehicle", form) ?? false;
  const access = useResource<VehicleAccess>("/vehicles");
  const [made, setMade] = useState<{ device: Device; token: string | null; doubt?: string } | null>(null);
  const [arrived, setArrived] = useState(false);
  const make = useChange(async (v: Fields) => {
    if (v.vehicle) {
      const row = { vin: v.vin ?? "", iccid: v.iccid ?? "", name: v.name.trim() || null, title: v.title?.trim() || null, place_id: v.place_id ?? null, tags: v.tags ?? [] };
      const report = await post<TerminalReport>("/vehicles", [row]);
      const [device] = report.registered;
      if (!device) throw new Error(report.refused[0]?.reason);
      return { device, token: null, doubt: report.doubtful[row.vin] };
    }
    const device = await post<Device>("/devices", {
      name: v.name, title: v.title?.trim() || null, model_id: v.model_id ?? null, place_id: v.place_id ?? null, edge_id: v.edge_id ?? null, tags: v.tags ?? [],
      ...(v.sparkplug && { kind: "sparkplug_edge", sparkplug: { group_id: v.group_id, edge_node_id: v.edge_node_id } }),
      ...(!v.sparkplug && v.gateway && { kind: "gateway", registers: v.registers ?? true }),
      ...(!v.sparkplug && v.dialect && { address: { dialect: v.dialect, product_key: v.product_key, name: v.foreign_name ?? v.name } }),
    });
    const credential = await post<IssuedCredential>(`/devices/${device.id}/credentials`, {});
    return { device, token: credential.token };
  }, ["devices", "places", "overview"], setMade);
  const port = access.data?.tls_port ?? access.data?.port;
  return (
    <Modal
      open onCancel={close} title={t.wizard.title} width={680} mask={{ closable: !made }}
      footer={made
        ? <Button type={arrived ? "primary" : "default"} onClick={() => void navigate(`/devices/${made.device.id}`)}>{arrived ? t.wizard.open : t.wizard.skip}</Button>
        : <Button type="primary" loading={make.isPending} onClick={() => { form.submit(); }}>{t.wizard.submit}</Button>}
    >
      <Steps size="small" current={made ? 1 : 0} items={[{ title: t.wizard.describe }, { title: t.wizard.connect }]} style={{ margin: "8px 0 24px" }} responsive={false} />
      {made ? (
        <div className="stack">
          {made.token === null ? <>
            {made.doubt && <Alert type="warning" showIcon title={t.vehicles.doubtful(made.doubt)} />}
            <p className="quiet">{port ? t.vehicles.connect(String(port)) : t.vehicles.closed}</p>
          </> : <>
            <p className="quiet">{t.wizard.tokenOnce}</p>
            <ConnectGuide token={made.token} edgeId={made.device.edge_id} />
          </>}
          <FirstMessage deviceId={made.device.id} arrived={() => { setArrived(true); }} />
        </div>
      ) : (
        <Form<Fields> form={form} layout="vertical" onFinish={(v) => { make.mutate(v); }} initialValues={{ ...(place && { place_id: place }) }} requiredMark={false}>
          <Form.Item name="name" label={t.common.name} extra={t.wizard.nameHint} rules={[{ required: true, message: t.common.required }, { max: 128 }]}><Input autoFocus autoComplete="off" placeholder="pump-7" /></Form.Item>
          <Form.Item name="title" label={`${t.common.title} (${t.common.optional})`} extra={t.wizard.titleHint}><Input autoComplete="off" maxLength={200} /></Form.Item>
          <div className="grid two">
            <Form.Item name="model_id" label={t.devices.model}><Select allowClear placeholder={t.wizard.noModel} options={(models.data ?? []).map((m) => ({ value: m.id, label: title(m) }))} showSearch={{ optionFilterProp: "label" }} /></Form.Item>
            <Form.Item name="place_id" label={t.devices.place}><Select allowClear placeholder={t.wizard.noPlace} options={(places.data ?? []).map((p) => ({ value: p.id, label: p.path }))} showSearch={{ optionFilterProp: "label" }} /></Form.Item>
            <EdgeField />
          </div>
          <Form.Item name="tags" label={`${t.devices.tags} (${t.common.optional})`}><Select mode="tags" tokenSeparators={[",", ";"]} open={false} suffixIcon={null} /></Form.Item>
          <Form.Item><label className="row"><Form.Item name="sparkplug" valuePropName="checked" noStyle><Switch size="small" /></Form.Item>{t.wizard.sparkplug}</label></Form.Item>
          {!sparkplug && <Form.Item><label className="row"><Form.Item name="vehicle" valuePropName="checked" noStyle><Switch size="small" /></Form.Item>{t.vehicles.vehicle}</label></Form.Item>}
          {vehicle && !sparkplug && (
            <div className="grid two">
              <Form.Item name="vin" label={t.vehicles.vin} rules={[{ required: true, message: t.common.required }, { max: 17 }]}><Input autoComplete="off" /></Form.Item>
              <Form.Item name="iccid" label={t.vehicles.iccid} extra={t.vehicles.iccidHint} rules={[{ required: true, message: t.common.required }, { max: 20 }]}><Input autoComplete="off" /></Form.Item>
            </div>
          )}
          {!sparkplug && !vehicle && <>
            <Form.Item><label className="row"><Form.Item name="gateway" valuePropName="checked" noStyle><Switch size="small" /></Form.Item>{t.history.gateway}</label></Form.Item>
            {gateway && <Form.Item extra={t.history.registersText}><label className="row"><Form.Item name="registers" valuePropName="checked" initialValue noStyle><Switch size="small" /></Form.Item>{t.history.registers}</label></Form.Item>}
            <Form.Item name="dialect" label={t.history.dialect}><Select allowClear placeholder={t.history.none} options={(["alibaba", "jetlinks"] as const).map((value) => ({ value, label: t.history.dialects[value] }))} /></Form.Item>
            {dialect && (
              <div className="grid two">
                <Form.Item name="product_key" label={t.history.productKey[dialect]} rules={[{ required: true, message: t.common.required }]}><Input /></Form.Item>
                <Form.Item name="foreign_name" label={t.history.foreignName[dialect]} rules={[{ required: true, message: t.common.required }]}><Input /></Form.Item>
              </div>
            )}
          </>}
          {sparkplug && (
            <div className="grid two">
              <Form.Item name="group_id" label={t.wizard.group} rules={[{ required: true, message: t.common.required }]}><Input /></Form.Item>
              <Form.Item name="edge_node_id" label={t.wizard.edgeNode} rules={[{ required: true, message: t.common.required }]}><Input /></Form.Item>
            </div>
          )}
        </Form>
      )}
    </Modal>
  );
}
