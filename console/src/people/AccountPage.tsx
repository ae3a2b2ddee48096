import { App, Button, Form, Input, Modal, Segmented, Select, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";
import { Link } from "react-router";

import { post, remove, request } from "../api/client";
import type { Role, Token } from "../api/model";
import { useChange, useList, useSession } from "../api/queries";
import { type Appearance, type Language, setPreferences, usePreferences } from "../app/preferences";
import { useFormat, useText } from "../i18n";
import { Snippet } from "../parts/Copy";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page, Panel } from "../parts/Page";
import { Strength } from "../account/security/Strength";
import { PASSWORD_LENGTH } from "../session/SetupPage";

/** One's own settings, password and tokens. */
export default function AccountPage(): JSX.Element {
  const t = useText();
  const session = useSession();
  const { language, appearance } = usePreferences();
  return (
    <Page title={t.people.account} text={session.data && `${session.data.person.name} · ${session.data.person.roles.map((r) => t.people.roleNames[r]).join(", ")}`}>
      <div className="grid two">
        <Panel title={t.common.appearance}>
          <div className="stack">
            <div><div className="label" style={{ marginBottom: 6 }}>{t.common.language}</div><Segmented value={language} onChange={(value: Language) => { setPreferences({ language: value }); void request("PATCH", "/session", { body: { language: value } }).catch(() => undefined); }} options={[{ value: "zh", label: "中文" }, { value: "en", label: "English" }]} /></div>
            <div><div className="label" style={{ marginBottom: 6 }}>{t.common.appearance}</div><Segmented value={appearance} onChange={(value: Appearance) => { setPreferences({ appearance: value }); }} options={(["light", "dark", "system"] as const).map((value) => ({ value, label: t.common[value] }))} /></div>
          </div>
        </Panel>
        <PasswordPanel />
        <Panel title={t.security.title}><p className="quiet" style={{ marginBottom: 12 }}>{t.security.text}</p><Link to="/account/security">{t.security.open}</Link></Panel>
        <div style={{ gridColumn: "1 / -1" }}><Tokens roles={session.data?.person.roles ?? []} /></div>
      </div>
    </Page>
  );
}

function PasswordPanel(): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [form] = Form.useForm<{ old: string; new: string }>();
  const change = useChange((v: { old: string; new: string }) => post("/session/password", v), [], () => { form.resetFields(); void message.success(t.people.passwordChanged); });
  return (
    <Panel title={t.people.password}>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(v) => { change.mutate(v); }}>
        <Form.Item name="old" label={t.people.oldPassword} rules={[{ required: true, message: t.common.required }]}><Input.Password autoComplete="current-password" /></Form.Item>
        <Form.Item name="new" label={t.people.newPassword} extra={<Strength field="new" />} rules={[{ required: true, message: t.common.required }, { min: PASSWORD_LENGTH, message: t.session.passwordShort }]}><Input.Password autoComplete="new-password" /></Form.Item>
        <Button htmlType="submit" loading={change.isPending}>{t.people.changePassword}</Button>
      </Form>
    </Panel>
  );
}

function Tokens({ roles }: { roles: Role[] }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const [form] = Form.useForm<{ name: string; roles: Role[] }>();
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<Token | null>(null);
  const tokens = useList<Token>("/tokens");
  const add = useChange((v: { name: string; roles: Role[] }) => post<Token>("/tokens", v), ["tokens"], (token) => { setAdding(false); setMade(token); });
  const drop = useChange((id: string) => remove(`/tokens/${id}`), ["tokens"]);
  const revoke = (k: Token): JSX.Element => <Button size="small" danger onClick={() => { void modal.confirm({ title: t.people.revokeConfirm, okText: t.people.revoke, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(k.id).catch(() => undefined) }); }}>{t.people.revoke}</Button>;
  const columns: TableColumnsType<Token> = [
    { key: "name", title: t.common.name, render: (_, k) => <><b>{k.name}</b> <span className="mono small quiet">{k.hint}</span></> },
    { key: "roles", title: t.people.roles, render: (_, k) => k.roles.map((r) => t.people.roleNames[r]).join(", ") },
    { key: "created", title: t.common.created, render: (_, k) => <span className="num quiet">{f.time(k.created_ms)}</span> },
    { key: "used", title: t.people.lastUsed, render: (_, k) => <span className="num quiet">{k.last_used_ms ? f.time(k.last_used_ms) : t.common.never}</span> },
    { key: "act", width: 100, render: (_, k) => revoke(k) },
  ];
  return (
    <Panel title={t.people.tokens} extra={<Button size="small" onClick={() => { setAdding(true); }}>{t.people.newToken}</Button>} flush>
      <p className="quiet" style={{ padding: "12px 16px" }}>{t.people.tokensText}</p>
      <Loaded query={tokens}>{(list) => list.length ? <Listing items={list} columns={columns} rowKey={(k) => k.id} card={(k) => <div style={{ padding: 12 }} className="row spread"><b>{k.name}</b>{revoke(k)}</div>} /> : <Empty title={t.people.noTokens} />}</Loaded>
      <Modal open={adding} onCancel={() => { setAdding(false); }} title={t.people.newToken} okText={t.common.create} cancelText={t.common.cancel} confirmLoading={add.isPending} onOk={() => { form.submit(); }} destroyOnHidden>
        <Form form={form} layout="vertical" requiredMark={false} initialValues={{ roles }} onFinish={(v) => { add.mutate(v); }}>
          <Form.Item name="name" label={t.common.name} rules={[{ required: true, message: t.common.required }]}><Input maxLength={64} autoFocus /></Form.Item>
          <Form.Item name="roles" label={t.people.roles} rules={[{ required: true, message: t.common.required }]}><Select mode="multiple" options={(["administrator", "engineer", "operator", "viewer"] as const).map((value) => ({ value, label: t.people.roleNames[value] }))} /></Form.Item>
        </Form>
      </Modal>
      <Modal open={made !== null} onCancel={() => { setMade(null); }} title={made?.name} footer={<Button type="primary" onClick={() => { setMade(null); }}>{t.common.done}</Button>} mask={{ closable: false }}>
        <p className="quiet" style={{ marginBottom: 12 }}>{t.people.tokenOnce}</p>{made?.token && <Snippet text={made.token} />}
      </Modal>
    </Panel>
  );
}
