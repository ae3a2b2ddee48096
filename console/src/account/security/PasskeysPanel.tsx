import { Alert, App, Button, Form, Input, Modal } from "antd";
import { type JSX, useState } from "react";

import { patch, post, remove } from "../../api/client";
import type { Challenge, Passkey, Ways } from "../../api/model";
import { useChange, useList, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Empty, Loaded, Panel } from "../../parts/Page";
import { createPasskey, NoPasskey, passkeysWork } from "./webauthn";

const TOUCHED = ["account", "session"];

/** A person's passkeys: added, named, removed. */
export function PasskeysPanel(): JSX.Element {
  const t = useText();
  const { message, modal } = App.useApp();
  const ways = useResource<Ways>("/session/ways");
  const passkeys = useList<Passkey>("/account/passkeys");
  const [naming, setNaming] = useState<Passkey | "new" | null>(null);
  const add = useChange(
    async (name: string) => {
      const { ceremony, options } = await post<Challenge>("/account/passkeys/challenge");
      let credential: Record<string, unknown>;
      try {
        credential = await createPasskey(options);
      } catch (error) {
        throw error instanceof NoPasskey ? new Error(t.security.passkeyCancelled) : error;
      }
      return post<Passkey>("/account/passkeys", { ceremony, credential, name });
    },
    TOUCHED, () => { setNaming(null); void message.success(t.security.passkeyAdded); },
  );
  const rename = useChange(({ id, name }: { id: string; name: string }) => patch(`/account/passkeys/${id}`, { name }), TOUCHED, () => { setNaming(null); });
  const drop = useChange((id: string) => remove(`/account/passkeys/${id}`), TOUCHED);
  const able = passkeysWork() && ways.data?.passkeys === true;
  const sure = (id: string): void => {
    void modal.confirm({ title: t.security.removePasskeyConfirm, okText: t.security.removePasskey, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(id).catch(() => undefined) });
  };
  return (
    <Panel title={t.security.passkeys} extra={able && <Button size="small" onClick={() => { setNaming("new"); }}>{t.security.addPasskey}</Button>}>
      <p className="quiet" style={{ marginBottom: 12 }}>{t.security.passkeysText}</p>
      {ways.data && !able && <Alert type="info" showIcon title={ways.data.passkeys ? t.security.passkeysUnsupported : t.security.passkeysNeedName} style={{ marginBottom: 12 }} />}
      <Loaded query={passkeys} rows={2}>{(list) => list.length ? (
        <div className="stack">{list.map((each) => <Line key={each.id} passkey={each} rename={() => { setNaming(each); }} drop={() => { sure(each.id); }} />)}</div>
      ) : <Empty title={t.security.noPasskeys} />}</Loaded>
      {naming && <NameBox start={naming === "new" ? "" : naming.name} busy={add.isPending || rename.isPending} close={() => { setNaming(null); }} done={(name) => { if (naming === "new") add.mutate(name); else rename.mutate({ id: naming.id, name }); }} />}
    </Panel>
  );
}

function Line({ passkey, rename, drop }: { passkey: Passkey; rename: () => void; drop: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  return (
    <div data-testid="passkey">
      <div className="row wrap">
        <div className="grow">
          <b>{passkey.name}</b>{passkey.backed_up && <span className="quiet small"> · {t.security.backedUp}</span>}
          <div className="quiet small">{t.common.created} {f.time(passkey.created_ms)} · {t.security.lastUsed} {passkey.last_used_ms ? f.time(passkey.last_used_ms) : t.common.never}</div>
        </div>
        <Button size="small" onClick={rename}>{t.security.rename}</Button>
        <Button size="small" danger onClick={drop}>{t.security.removePasskey}</Button>
      </div>
      {passkey.regressed_ms && <Alert type="warning" showIcon title={t.security.copied} style={{ marginTop: 8 }} />}
    </div>
  );
}

function NameBox({ start, busy, close, done }: { start: string; busy: boolean; close: () => void; done: (name: string) => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<{ name: string }>();
  return (
    <Modal open title={t.security.passkeyName} onCancel={close} okText={t.security.goOn} cancelText={t.common.cancel} confirmLoading={busy} onOk={() => { form.submit(); }}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={{ name: start }} onFinish={(v) => { done(v.name); }}>
        <Form.Item name="name" label={t.common.name} extra={t.security.passkeyNameHint} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={64} autoFocus /></Form.Item>
      </Form>
    </Modal>
  );
}
