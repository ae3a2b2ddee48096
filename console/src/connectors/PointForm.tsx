import { App, Button, Form, Input, InputNumber, Modal, Select } from "antd";
import type { JSX } from "react";

import { patch, post } from "../api/client";
import type { FieldPoint } from "../api/model";
import { useChange } from "../api/queries";
import { useText } from "../i18n";

interface Fields { property?: string; address?: string; interval_ms?: number | null; deadband?: number | null; scale?: number | null; offset?: number | null; writable?: "yes" | "no" | null }
type Change = Partial<Pick<FieldPoint, "property" | "address" | "interval_ms" | "deadband" | "scale" | "offset" | "writable">>;

/** What the form says differently from a point; of several, only what was filled in. */
export function changeOf(v: Fields, point: FieldPoint, one: boolean): Change {
  const wanted: Change = {
    ...(one && { property: v.property?.trim() ?? point.property, address: v.address?.trim() ?? point.address, scale: v.scale ?? null, offset: v.offset ?? null }),
    ...(!one && v.scale !== null && v.scale !== undefined && { scale: v.scale }), ...(!one && v.offset !== null && v.offset !== undefined && { offset: v.offset }),
    ...(v.interval_ms !== null && v.interval_ms !== undefined && { interval_ms: v.interval_ms }), ...(v.deadband !== null && v.deadband !== undefined && { deadband: v.deadband }), ...(v.writable && { writable: v.writable === "yes" }),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => point[key as keyof FieldPoint] !== value)) as Change;
}

/** The same keys with the values that the point has now: what undoes a change. */
export const undoOf = (change: Change, point: FieldPoint): Change => Object.fromEntries(Object.keys(change).map((key) => [key, point[key as keyof FieldPoint]])) as Change;

/** Changes one point, or what several have in common; said with a way back. */
export function PointForm({ path, points, close }: { path: string; points: readonly FieldPoint[]; close: () => void }): JSX.Element {
  const t = useText();
  const tell = useUndo();
  const [form] = Form.useForm<Fields>();
  const [only] = points;
  const one = points.length === 1 && only !== undefined;
  const first: Fields = one ? { property: only.property, address: only.address, interval_ms: only.interval_ms, deadband: only.deadband, scale: only.scale, offset: only.offset, writable: only.writable ? "yes" : "no" } : {};
  const save = useChange(async (v: Fields) => {
    const done: { id: string; back: Change }[] = [];
    const undo = async (): Promise<void> => { for (const each of done) await patch(`${path}/${each.id}`, each.back); };
    try {
      for (const point of points) {
        const change = changeOf(v, point, one);
        if (Object.keys(change).length === 0) continue;
        await patch(`${path}/${point.id}`, change);
        done.push({ id: point.id, back: undoOf(change, point) });
      }
    } catch (error) {
      await undo().catch(() => undefined); // all or none
      throw error;
    }
    return { count: done.length, undo };
  }, ["connectors"], (made) => { tell(made.count > 0 ? t.points.changed(made.count) : t.points.nothingChanged, made.count > 0 ? made.undo : null); close(); });
  const asIs = one ? undefined : t.points.asIs;
  return (
    <Modal open onCancel={close} title={one ? `${only.device} · ${only.property}` : t.points.editMany(points.length)} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} initialValues={first} onFinish={(v) => { save.mutate(v); }}>
        {one && <Form.Item name="property" label={t.points.property} rules={[{ required: true, message: t.common.required }, { max: 256 }]}><Input autoComplete="off" /></Form.Item>}
        {one && <Form.Item name="address" label={t.points.address} rules={[{ required: true, message: t.common.required }]}><Input className="mono" autoComplete="off" /></Form.Item>}
        <div className="row wrap" style={{ gap: 16, alignItems: "flex-start" }}>
          <Form.Item name="scale" label={t.points.scale} rules={[{ validator: (_: unknown, value: unknown) => (value === 0 ? Promise.reject(new Error("≠ 0")) : Promise.resolve()) }]}><InputNumber placeholder={asIs} style={{ width: 140 }} /></Form.Item>
          <Form.Item name="offset" label={t.points.offset}><InputNumber placeholder={asIs} style={{ width: 140 }} /></Form.Item>
        </div>
        <p className="small quiet" style={{ marginBlockStart: -12 }}>{t.points.scaleText} {t.points.unitText}</p>
        <div className="row wrap" style={{ gap: 16, alignItems: "flex-start" }}>
          <Form.Item name="interval_ms" label={t.points.interval} rules={one ? [{ required: true, message: t.common.required }] : []}><InputNumber min={10} max={86_400_000} step={100} precision={0} placeholder={asIs} style={{ width: 140 }} /></Form.Item>
          <Form.Item name="deadband" label={t.points.deadband} extra={t.points.deadbandText}><InputNumber min={0} placeholder={asIs} style={{ width: 140 }} /></Form.Item>
          <Form.Item name="writable" label={t.points.writable}><Select virtual={false} allowClear={!one} placeholder={asIs} style={{ width: 120 }} options={[{ value: "yes", label: t.points.yes }, { value: "no", label: t.points.no }]} /></Form.Item>
        </div>
      </Form>
    </Modal>
  );
}

/** Says what was done, with a button that undoes it. */
export function useUndo(): (text: string, undo: (() => Promise<unknown>) | null) => void {
  const t = useText();
  const { message } = App.useApp();
  const back = useChange((undo: () => Promise<unknown>) => undo(), ["connectors"], (_done) => { void message.success(t.points.undone); });
  return (text, undo) => {
    const key = `undo-${Date.now()}`;
    void message.open({ key, type: "success", duration: 10, content: <span>{text} {undo && <Button type="link" size="small" onClick={() => { message.destroy(key); back.mutate(undo); }}>{t.points.undo}</Button>}</span> });
  };
}

/** Removes points; undone, they are made again with the same settings. */
export function useRemovePoints(path: string, done: () => void): (points: readonly FieldPoint[]) => void {
  const t = useText();
  const tell = useUndo();
  const drop = useChange(async (points: readonly FieldPoint[]) => { await post(`${path}/remove`, { ids: points.map((one) => one.id) }); return points; }, ["connectors"], (points) => {
    tell(t.points.removed(points.length), () => post(path, points.map(({ address, device_id, property, interval_ms, deadband, scale, offset, writable }) => ({ address, device_id, property, interval_ms, deadband, scale, offset, writable }))));
    done();
  });
  return (points) => { drop.mutate(points); };
}
