import { Alert, App, Button, Form, Input, Modal, Radio, Tag } from "antd";
import { type JSX, useState } from "react";

import { post, request } from "../../api/client";
import type { MadeHandleKey, PrefixDetail, PrefixHandleKey, PrefixHandleKeys } from "../../api/identifiers";
import { useChange, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Snippet } from "../../parts/Copy";
import { Empty, Loaded, Panel } from "../../parts/Page";

interface Fields { kind: PrefixHandleKey["kind"]; public_key: string; permissions: "create" | "all" }

/** Who administers handles below the prefix with a program of their own: their keys, for the prefix's holder. */
export function HandleKeysPanel({ prefix }: { prefix: PrefixDetail }): JSX.Element {
  const t = useText();
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<MadeHandleKey | null>(null);
  const keys = useResource<PrefixHandleKeys>(`/prefixes/${prefix.id}/handle-keys`);
  return (
    <Panel title={t.prefixes.handleKeys} extra={prefix.state === "active" && <Button size="small" onClick={() => { setAdding(true); }}>{t.prefixes.addHandleKey}</Button>}>
      <Loaded query={keys} rows={2}>{({ items }) => items.length === 0 ? <Empty title={t.prefixes.noHandleKeys} text={t.prefixes.noHandleKeysText} /> : (
        <div className="stack" data-testid="handle-keys">{items.map((key) => <HandleKey key={key.index} prefix={prefix} found={key} />)}</div>
      )}</Loaded>
      {adding && <KeyBox prefix={prefix} close={() => { setAdding(false); }} done={(key) => { setAdding(false); setMade(key.secret ? key : null); }} />}
      {/* Not only hidden afterwards: the secret must not stay in the page. */}
      {made?.secret && (
        <Modal open closable={false} keyboard={false} title={made.administrator} footer={<Button type="primary" onClick={() => { setMade(null); }}>{t.people.tokenKept}</Button>} mask={{ closable: false }}>
          <div className="stack"><Alert type="warning" showIcon title={t.prefixes.secretOnce} /><Snippet text={made.secret} /></div>
        </Modal>
      )}
    </Panel>
  );
}

function HandleKey({ prefix, found }: { prefix: PrefixDetail; found: PrefixHandleKey }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const drop = useChange(() => request("DELETE", `/prefixes/${prefix.id}/handle-keys`, { query: { index: found.index } }), ["prefixes"], () => undefined);
  const ask = (): void => { void modal.confirm({ title: t.prefixes.removeHandleKey, content: `${found.administrator}. ${t.prefixes.removeHandleKeyText}`, okText: t.common.delete, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(undefined).catch(() => undefined) }); };
  return (
    <div className="row spread">
      <div className="grow" style={{ minWidth: 0 }}>
        <b className="mono">{found.administrator}</b> <Tag>{t.prefixes.keyPermissions[found.permissions]}</Tag>
        <div className="small quiet">{found.kind === "secret" ? t.prefixes.keyKinds.secret : [found.algorithm, found.bits].filter(Boolean).join(" · ")} · {f.time(found.changed_ms)}</div>
        {found.fingerprint && <div className="small faint mono cut" title={found.fingerprint}>SHA-256 {found.fingerprint}</div>}
      </div>
      <Button size="small" danger onClick={ask}>{t.common.delete}</Button>
    </div>
  );
}

function KeyBox({ prefix, close, done }: { prefix: PrefixDetail; close: () => void; done: (key: MadeHandleKey) => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<Fields>();
  const kind = Form.useWatch("kind", form) ?? "public_key";
  const add = useChange((fields: Fields) => post<MadeHandleKey>(`/prefixes/${prefix.id}/handle-keys`, { permissions: fields.permissions, public_key: fields.kind === "public_key" ? fields.public_key : null }), ["prefixes"], done, close);
  return (
    <Modal open onCancel={close} title={t.prefixes.addHandleKey} okText={t.common.add} cancelText={t.common.cancel} confirmLoading={add.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} initialValues={{ kind: "public_key", public_key: "", permissions: "create" }} onFinish={(fields) => { add.mutate(fields); }}>
        <Form.Item name="kind"><Radio.Group options={(["public_key", "secret"] as const).map((value) => ({ value, label: t.prefixes.keyKinds[value] }))} /></Form.Item>
        {kind === "public_key"
          ? <Form.Item name="public_key" label={t.prefixes.publicKey} extra={t.prefixes.publicKeyHint} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input.TextArea className="mono" rows={5} maxLength={16_384} spellCheck={false} /></Form.Item>
          : <p className="quiet">{t.prefixes.secretText}</p>}
        <Form.Item name="permissions" label={t.prefixes.keyMay}><Radio.Group className="stack" options={(["create", "all"] as const).map((value) => ({ value, label: t.prefixes.keyPermissionTexts[value] }))} /></Form.Item>
      </Form>
    </Modal>
  );
}
