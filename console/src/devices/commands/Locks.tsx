import { LockOutlined } from "@ant-design/icons";
import { App, Button, Form, Input, Modal } from "antd";
import type { JSX } from "react";

import { post, remove } from "../../api/client";
import type { Device, Lock } from "../../api/model";
import { useChange, useMay } from "../../api/queries";
import { useFormat, useText } from "../../i18n";

/** The locks that are on the device; each with who placed it and why. */
export function Locks({ device, locks }: { device: Device; locks: readonly Lock[] }): JSX.Element | null {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const mayLock = useMay("locks:write");
  const release = useChange((id: string) => remove(`/devices/${device.id}/locks/${id}`), ["devices"]);
  const standing = locks.filter((l) => l.released_ms === null);
  if (standing.length === 0) return null;
  const ask = (lock: Lock): void => { void modal.confirm({ title: t.commands.releaseConfirm, okText: t.commands.release, cancelText: t.common.cancel, onOk: () => release.mutateAsync(lock.id).catch(() => undefined) }); };
  return (
    <div className="notice" role="alert">
      <div className="row"><LockOutlined /><b>{t.commands.locked}</b></div>
      {standing.map((lock) => (
        <div key={lock.id} className="row spread wrap" style={{ marginBlockStart: 8 }}>
          <span>{lock.reason}<div className="small quiet num">{t.commands.lockedBy(lock.by_name, f.time(lock.placed_ms))}</div></span>
          {mayLock && <Button size="small" onClick={() => { ask(lock); }}>{t.commands.release}</Button>}
        </div>
      ))}
    </div>
  );
}

export function LockBox({ device, close }: { device: Device; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<{ reason: string }>();
  const place = useChange((v: { reason: string }) => post(`/devices/${device.id}/locks`, v), ["devices"], () => { close(); }, close);
  return (
    <Modal open onCancel={close} title={t.commands.lock} okText={t.commands.lock} cancelText={t.common.cancel} confirmLoading={place.isPending} onOk={() => { form.submit(); }}>
      <p className="quiet" style={{ marginBlockEnd: 16 }}>{t.commands.lockText}</p>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(v) => { place.mutate(v); }}>
        <Form.Item name="reason" label={t.commands.lockReason} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={1000} autoFocus /></Form.Item>
      </Form>
    </Modal>
  );
}
