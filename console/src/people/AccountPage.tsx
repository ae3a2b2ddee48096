import { App, Button, Form, Input, Segmented, type SegmentedProps } from "antd";
import type { JSX, ReactNode } from "react";
import { Link } from "react-router";

import { post, request } from "../api/client";
import { useChange, useSession } from "../api/queries";
import { type Appearance, type Language, setPreferences, usePreferences } from "../app/preferences";
import { Strength } from "../account/security/Strength";
import { useText } from "../i18n";
import { Page, Panel } from "../parts/Page";
import { PASSWORD_LENGTH } from "../session/SetupPage";
import { Sessions } from "./Sessions";
import { Tokens } from "./Tokens";

/** One's own settings, password, sessions and tokens. */
export default function AccountPage(): JSX.Element {
  const t = useText();
  const session = useSession();
  const person = session.data?.person;
  return (
    <Page title={t.people.account} text={person && `${person.name} · ${person.roles.map((r) => t.people.roleNames[r]).join(", ")}`}>
      <div className="stack">
        <div className="grid two" style={{ alignItems: "start" }}><PasswordPanel /><PreferencesPanel /></div>
        <Panel title={t.security.title}><p className="quiet" style={{ marginBottom: 12 }}>{t.security.text}</p><Link to="/account/security">{t.security.open}</Link></Panel>
        <Sessions />
        {person && <Tokens person={person} />}
      </div>
    </Page>
  );
}

function PreferencesPanel(): JSX.Element {
  const t = useText();
  const { language, appearance } = usePreferences();
  const choice = (label: ReactNode, props: SegmentedProps<string>): JSX.Element => <div><div className="label" style={{ marginBottom: 6 }}>{label}</div><Segmented {...props} /></div>;
  return (
    <Panel title={t.people.preferences}>
      <div className="stack">
        {choice(t.common.language, {
          value: language, options: [{ value: "zh", label: "中文" }, { value: "en", label: "English" }],
          // Kept with the person too, for the next browser; that it fails must not keep the page from changing.
          onChange: (value) => { setPreferences({ language: value as Language }); void request("PATCH", "/session", { body: { language: value } }).catch(() => undefined); },
        })}
        {choice(t.common.appearance, { value: appearance, options: (["light", "dark", "system"] as const).map((value) => ({ value, label: t.common[value] })), onChange: (value) => { setPreferences({ appearance: value as Appearance }); } })}
      </div>
    </Panel>
  );
}

function PasswordPanel(): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [form] = Form.useForm<{ old: string; new: string }>();
  const change = useChange((v: { old: string; new: string }) => post("/session/password", v), ["sessions"], () => { form.resetFields(); void message.success(t.people.passwordChanged); });
  return (
    <Panel title={t.people.password}>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(v) => { change.mutate(v); }}>
        <Form.Item name="old" label={t.people.oldPassword} rules={[{ required: true, message: t.common.required }]}><Input.Password autoComplete="current-password" maxLength={256} /></Form.Item>
        <Form.Item name="new" label={t.people.newPassword} extra={<Strength field="new" />} rules={[{ required: true, message: t.common.required }, { min: PASSWORD_LENGTH, message: t.session.passwordShort }]}><Input.Password autoComplete="new-password" maxLength={128} /></Form.Item>
        <div className="row wrap"><Button htmlType="submit" loading={change.isPending}>{t.people.changePassword}</Button><span className="small quiet">{t.people.passwordEndsSessions}</span></div>
      </Form>
    </Panel>
  );
}
