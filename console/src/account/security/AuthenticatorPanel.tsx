import { App, Button, Form, Input, Modal, QRCode, Tag } from "antd";
import { type JSX, useState } from "react";

import { post, remove } from "../../api/client";
import type { Enrolment, RecoveryCodes, SecondFactor } from "../../api/model";
import { useChange, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Snippet } from "../../parts/Copy";
import { Loaded, Panel } from "../../parts/Page";

const TOUCHED = ["account", "session"];

/** The authenticator app and its recovery codes. */
export function AuthenticatorPanel(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal, message } = App.useApp();
  const state = useResource<SecondFactor>("/account/second-factor");
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const begin = useChange(() => post<Enrolment>("/account/second-factor"), [], setEnrolment);
  const renew = useChange(() => post<RecoveryCodes>("/account/second-factor/recovery-codes"), TOUCHED, (made) => { setCodes(made.codes); });
  const drop = useChange(() => remove("/account/second-factor"), TOUCHED);
  const sure = (title: string, okText: string, work: () => Promise<unknown>): void => {
    void modal.confirm({ title, okText, cancelText: t.common.cancel, onOk: () => work().catch(() => undefined) });
  };
  return (
    <Panel title={t.security.app}>
      <p className="quiet" style={{ marginBottom: 12 }}>{t.security.appText}</p>
      <Loaded query={state} rows={2}>{(found) => (
        <div className="stack">
          <div className="row wrap">
            <Tag color={found.authenticator ? "green" : "default"} data-testid="app-state">{found.authenticator ? t.security.appOn : t.security.appOff}</Tag>
            {found.last_used_ms && <span className="quiet small">{t.security.lastUsed} {f.time(found.last_used_ms)}</span>}
            <div className="grow" />
            <Button loading={begin.isPending} onClick={() => { begin.mutate(undefined); }}>{found.authenticator ? t.security.replace : t.security.setUp}</Button>
            {found.authenticator && <Button danger onClick={() => { sure(t.security.removeConfirm, t.security.remove, () => drop.mutateAsync(undefined)); }}>{t.security.remove}</Button>}
          </div>
          {found.authenticator && (
            <div className="row wrap">
              <div className="grow"><b>{t.security.recovery}</b> <span className="quiet" data-testid="codes-left">{t.security.recoveryLeft(found.recovery_codes_left)}</span><div className="quiet small">{t.security.recoveryText}</div></div>
              <Button loading={renew.isPending} onClick={() => { sure(t.security.newCodesConfirm, t.security.newCodes, () => renew.mutateAsync(undefined)); }}>{t.security.newCodes}</Button>
            </div>
          )}
        </div>
      )}</Loaded>
      {enrolment && <EnrolmentBox enrolment={enrolment} close={() => { setEnrolment(null); }} done={(made) => { setEnrolment(null); setCodes(made); void message.success(t.security.appAdded); }} />}
      {codes && <CodesBox codes={codes} close={() => { setCodes(null); }} />}
    </Panel>
  );
}

function EnrolmentBox({ enrolment, close, done }: { enrolment: Enrolment; close: () => void; done: (codes: string[]) => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<{ code: string }>();
  // The session is asked for again only after the codes were kept: a restricted page would close this box.
  const confirm = useChange((v: { code: string }) => post<RecoveryCodes>("/account/second-factor/confirmation", { ceremony: enrolment.ceremony, code: v.code }), ["account"], (made) => { done(made.codes); });
  return (
    <Modal open title={t.security.setUp} onCancel={close} okText={t.security.confirm} cancelText={t.common.cancel} confirmLoading={confirm.isPending} onOk={() => { form.submit(); }} mask={{ closable: false }}>
      <div className="stack" style={{ alignItems: "center" }}>
        <div>{t.security.scan}</div>
        <QRCode value={enrolment.uri} type="svg" size={192} errorLevel="M" bgColor="#ffffff" color="#000000" bordered />
        <div className="quiet small">{t.security.orType}</div>
        <div data-testid="secret" style={{ width: "100%" }}><Snippet text={enrolment.secret} /></div>
      </div>
      <Form form={form} layout="vertical" requiredMark={false} style={{ marginTop: 16 }} onFinish={(v) => { confirm.mutate(v); }}>
        <Form.Item name="code" label={t.security.code} extra={t.security.codeHint} rules={[{ required: true, message: t.common.required }]}><Input className="mono" autoComplete="one-time-code" inputMode="numeric" maxLength={8} autoFocus /></Form.Item>
      </Form>
    </Modal>
  );
}

function CodesBox({ codes, close }: { codes: string[]; close: () => void }): JSX.Element {
  const t = useText();
  const refresh = useChange(() => Promise.resolve(), ["session", "account"], close);
  return (
    <Modal open title={t.security.recovery} closable={false} mask={{ closable: false }} footer={<Button type="primary" onClick={() => { refresh.mutate(undefined); }}>{t.security.kept}</Button>}>
      <p className="quiet" style={{ marginBottom: 12 }}>{t.security.codesOnce}</p>
      <div data-testid="codes" style={{ whiteSpace: "pre-wrap" }}><Snippet text={codes.join("\n")} /></div>
    </Modal>
  );
}
