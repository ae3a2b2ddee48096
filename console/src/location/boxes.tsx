import { MinusCircleOutlined, PlusOutlined } from "@ant-design/icons";
import { App, Button, Checkbox, Form, Input, InputNumber, Modal, Select } from "antd";
import type { JSX, ReactNode } from "react";

import { etagOf, post, put, remove, request } from "../api/client";
import { useChange, useMay, usePlaces } from "../api/queries";
import { HistorySection } from "../audit/History";
import { useText } from "../i18n";
import { DeviceSelect } from "./DeviceSelect";
import type { Corner, Plan, Reader, Whereabouts, Zone } from "./model";

const number = { style: { width: "100%" } } as const;

function DeleteButton({ title, text, act }: { title: string; text?: string; act: () => Promise<unknown> }): JSX.Element {
  const t = useText();
  const { modal } = App.useApp();
  return <Button danger type="text" onClick={() => { void modal.confirm({ title, content: text, okText: t.common.delete, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => act().catch(() => undefined) }); }}>{t.common.delete}</Button>;
}

function Box({ title, busy, submit, close, extra, children }: { title: string; busy: boolean; submit: () => void; close: () => void; extra?: ReactNode; children: ReactNode }): JSX.Element {
  const t = useText();
  return (
    <Modal open title={title} onCancel={close} footer={<div className="row spread"><span>{extra}</span><span className="row"><Button onClick={close}>{t.common.cancel}</Button><Button type="primary" loading={busy} onClick={submit}>{t.common.save}</Button></span></div>}>
      {children}
    </Modal>
  );
}

interface PlanValues { name: string; width_m: number; height_m: number; place_id?: string | null }

/** A plan, and its picture. */
export function PlanBox({ plan, close }: { plan: Plan | null; close: () => void }): JSX.Element {
  const t = useText();
  const places = usePlaces();
  const [form] = Form.useForm<PlanValues & { file?: FileList }>();
  const save = useChange(async ({ file, ...values }: PlanValues & { file?: FileList }) => {
    const body = { ...values, name: values.name.trim(), place_id: values.place_id ?? null };
    const made = plan ? await put<Plan>(`/location/plans/${plan.id}`, body, etagOf(plan)) : await post<Plan>("/location/plans", body);
    const picture = file?.[0];
    return picture ? request<Plan>("PUT", `/location/plans/${made.id}/picture`, { rawBody: picture, contentType: "application/octet-stream" }) : made;
  }, ["location"], () => { close(); });
  const drop = useChange((id: string) => remove(`/location/plans/${id}`), ["location"], () => { close(); });
  return (
    <Box title={plan ? t.location.editPlan : t.location.addPlan} busy={save.isPending} submit={() => { form.submit(); }} close={close} extra={plan && <DeleteButton title={t.location.deletePlan} text={t.location.deletePlanText} act={() => drop.mutateAsync(plan.id)} />}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={plan ?? { width_m: 50, height_m: 30 }} onFinish={(values) => { save.mutate(values); }}>
        <Form.Item name="name" label={t.common.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={128} autoFocus /></Form.Item>
        <Form.Item name="width_m" label={t.location.width} rules={[{ required: true, message: t.common.required }]}><InputNumber min={0.1} max={1_000_000} {...number} /></Form.Item>
        <Form.Item name="height_m" label={t.location.height} rules={[{ required: true, message: t.common.required }]}><InputNumber min={0.1} max={1_000_000} {...number} /></Form.Item>
        <Form.Item name="place_id" label={t.edges.place}><Select allowClear options={(places.data ?? []).map((p) => ({ value: p.id, label: p.path }))} showSearch={{ optionFilterProp: "label" }} /></Form.Item>
        <Form.Item name="file" label={t.location.picture} valuePropName="files" getValueFromEvent={(event: { target: HTMLInputElement }) => event.target.files}><input type="file" accept="image/png,image/jpeg,image/webp" aria-label={t.location.choosePicture} /></Form.Item>
      </Form>
    </Box>
  );
}

interface ZoneValues { name: string; antennas?: { device_id?: string; antenna?: number | null }[]; enter_reads: number; exit_s: number; dwell_s: number }

/** A zone: its antennas or its drawn area, and when one is inside. */
export function ZoneBox({ zone, polygon, plan, close }: { zone: Zone | null; polygon: Corner[]; plan: string | null; close: () => void }): JSX.Element {
  const t = useText();
  const may = useMay("location:write");
  const [form] = Form.useForm<ZoneValues>();
  const save = useChange((values: ZoneValues) => {
    const antennas = (values.antennas ?? []).filter((one) => one.device_id).map((one) => ({ device_id: one.device_id, antenna: one.antenna ?? null }));
    const { id, certain, inside, revision, organisation_id, ...kept } = (zone ?? {}) as Partial<Zone> & { organisation_id?: string };
    void [id, certain, inside, revision, organisation_id];
    const body = { ...kept, ...values, name: values.name.trim(), antennas, polygon, plan_id: plan };
    return zone ? put(`/location/zones/${zone.id}`, body, etagOf(zone)) : post("/location/zones", body);
  }, ["location"], () => { close(); });
  const drop = useChange((key: string) => remove(`/location/zones/${key}`), ["location"], () => { close(); });
  return (
    <Box title={zone ? t.location.zone : t.location.addZone} busy={save.isPending} submit={() => { form.submit(); }} close={close} extra={zone && may && <DeleteButton title={t.location.deleteZone} text={t.location.deleteZoneText} act={() => drop.mutateAsync(zone.id)} />}>
      <Form form={form} layout="vertical" requiredMark={false} disabled={!may} initialValues={zone ?? { enter_reads: 2, exit_s: 10, dwell_s: 0, antennas: polygon.length ? [] : [{}] }} onFinish={(values) => { save.mutate(values); }}>
        <Form.Item name="name" label={t.common.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={128} autoFocus /></Form.Item>
        <Form.List name="antennas" rules={[{ validator: (_, list: { device_id?: string }[] | undefined) => (polygon.length || list?.some((one) => one.device_id) ? Promise.resolve() : Promise.reject(new Error(t.location.needsArea))) }]}>
          {(fields, { add, remove: take }, { errors }) => (
            <Form.Item label={t.location.antennas} extra={t.location.antennasText}>
              {fields.map((field) => (
                <div key={field.key} className="row" style={{ marginBottom: 8 }}>
                  <div className="grow"><Form.Item name={[field.name, "device_id"]} noStyle><DeviceSelect label={t.location.antennaOf} disabled={!may} /></Form.Item></div>
                  <Form.Item name={[field.name, "antenna"]} noStyle><InputNumber min={0} max={65535} placeholder={t.location.antennaNumber} aria-label={t.location.antennaNumber} style={{ width: 150 }} /></Form.Item>
                  <Button type="text" icon={<MinusCircleOutlined />} aria-label={t.common.delete} onClick={() => { take(field.name); }} />
                </div>
              ))}
              <Button icon={<PlusOutlined />} size="small" onClick={() => { add({}); }}>{t.common.add}</Button>
              <Form.ErrorList errors={errors} />
            </Form.Item>
          )}
        </Form.List>
        <Form.Item name="enter_reads" label={t.location.enterReads}><InputNumber min={1} max={1000} {...number} /></Form.Item>
        <Form.Item name="exit_s" label={t.location.exitS}><InputNumber min={0.5} max={86_400} {...number} /></Form.Item>
        <Form.Item name="dwell_s" label={t.location.dwellS}><InputNumber min={0} max={2_592_000} {...number} /></Form.Item>
      </Form>
      {zone && <HistorySection kind="zone" id={zone.id} />}
    </Box>
  );
}

/** A device as a reader. */
export function ReaderBox({ reader, plans, close }: { reader: Reader | null; plans: readonly Plan[]; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<Record<string, unknown>>();
  const save = useChange((values: Record<string, unknown>) => {
    const { device_id: device, ...rest } = values;
    const form = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined && value !== ""));
    return put(`/location/readers/${String(device)}`, form);
  }, ["location"], () => { close(); });
  const drop = useChange((id: string) => remove(`/location/readers/${id}`), ["location"], () => { close(); });
  return (
    <Box title={reader ? t.location.editReader : t.location.addReader} busy={save.isPending} submit={() => { form.submit(); }} close={close} extra={reader && <DeleteButton title={t.location.deleteReader} act={() => drop.mutateAsync(reader.device_id)} />}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={reader ? { device_id: reader.device_id, plan_id: reader.plan_id ?? undefined, x_m: reader.x_m ?? undefined, y_m: reader.y_m ?? undefined, silence_s: reader.silence_s, reads: reader.reads, tag_property: reader.tag_property ?? undefined, x_property: reader.x_property ?? undefined, y_property: reader.y_property ?? undefined, z_property: reader.z_property ?? undefined } : { silence_s: 60 }} onFinish={(values) => { save.mutate(values); }}>
        <Form.Item name="device_id" label={t.location.device} rules={[{ required: true, message: t.common.required }]}><DeviceSelect label={t.location.device} disabled={reader !== null} /></Form.Item>
        <Form.Item name="plan_id" label={t.location.plan}><Select allowClear options={plans.map((p) => ({ value: p.id, label: p.name }))} /></Form.Item>
        <div className="row">
          <Form.Item name="x_m" label={t.location.x} className="grow"><InputNumber {...number} /></Form.Item>
          <Form.Item name="y_m" label={t.location.y} className="grow"><InputNumber {...number} /></Form.Item>
        </div>
        <Form.Item name="silence_s" label={t.location.silence}><InputNumber min={1} max={86_400} {...number} /></Form.Item>
        <details>
          <summary>{t.location.positions}</summary>
          <Form.Item name="tag_property" label={t.location.tagProperty}><Input /></Form.Item>
          <Form.Item name="x_property" label={t.location.xProperty}><Input /></Form.Item>
          <Form.Item name="y_property" label={t.location.yProperty}><Input /></Form.Item>
        </details>
        <Form.Item name="reads" hidden><Input /></Form.Item>
        <Form.Item name="z_property" hidden><Input /></Form.Item>
      </Form>
    </Box>
  );
}

/** What a tag is fixed to. */
export function TagBox({ tag, close }: { tag: Whereabouts; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<{ name: string; group: string; device_id?: string; identifier?: string }>();
  const save = useChange((values: { name: string; group: string; device_id?: string; identifier?: string }) => put(`/location/tags/${encodeURIComponent(tag.tag)}`, { name: values.name, group: values.group, device_id: values.device_id ?? null, identifier: values.identifier?.trim() ? values.identifier.trim() : null }), ["location"], () => { close(); });
  return (
    <Box title={t.location.editTag} busy={save.isPending} submit={() => { form.submit(); }} close={close}>
      <p className="mono">{tag.tag}</p>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={{ name: tag.name, group: tag.group, device_id: tag.device_id ?? undefined, identifier: tag.identifier ?? "" }} onFinish={(values) => { save.mutate(values); }}>
        <Form.Item name="name" label={t.common.name}><Input maxLength={128} autoFocus /></Form.Item>
        <Form.Item name="group" label={t.location.group}><Input maxLength={64} /></Form.Item>
        <Form.Item name="device_id" label={t.location.device}><DeviceSelect label={t.location.device} /></Form.Item>
        <Form.Item name="identifier" label={t.location.identifier}><Input maxLength={512} /></Form.Item>
      </Form>
    </Box>
  );
}

/** Whether something is on. */
export const OnOff = ({ label }: { label: string }): JSX.Element => <Form.Item name="enabled" valuePropName="checked"><Checkbox>{label}</Checkbox></Form.Item>;
