import { Alert, Button, Form, Input, Modal } from "antd";
import { type JSX, useEffect, useRef, useState } from "react";

import { post, whenProofNeeded } from "../../api/client";
import type { Challenge, Identity, SecondFactor, Session, Ways } from "../../api/model";
import { queryClient, useList, useResource } from "../../api/queries";
import { useText } from "../../i18n";
import { wordsOf } from "../../parts/Problem";
import { NoPasskey, passkeysWork, signByPasskey } from "./webauthn";

interface Fields { password?: string; code?: string }

let ask: () => void = () => undefined;
/** Opens the box by hand, to add a factor to a session that has none yet. */
export const showProof = (): void => { ask(); };

/** Asks once more who one is, when a change takes it; the change then goes on by itself. */
export function ProofBox(): JSX.Element {
  const [open, setOpen] = useState(false);
  const waiting = useRef<((given: boolean) => void)[]>([]);
  useEffect(() => {
    whenProofNeeded(() => new Promise((resolve) => { waiting.current.push(resolve); setOpen(true); }));
    ask = () => { setOpen(true); };
    return () => { whenProofNeeded(() => Promise.resolve(false)); };
  }, []);
  const end = (given: boolean): void => {
    setOpen(false);
    for (const resolve of waiting.current.splice(0)) resolve(given);
  };
  return <>{open && <Question end={end} />}</>;
}

function Question({ end }: { end: (given: boolean) => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<Fields>();
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const ways = useResource<Ways>("/session/ways");
  const factor = useResource<SecondFactor>("/account/second-factor");
  const identities = useList<Identity>("/account/identities");
  const prove = async (work: () => Promise<Session>): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      queryClient.setQueryData(["session"], await work());
      end(true);
    } catch (error) {
      setFailure(error instanceof NoPasskey ? new Error(t.security.passkeyCancelled) : error);
    } finally {
      setBusy(false);
    }
  };
  const byPasskey = (): Promise<void> => prove(async () => {
    const { ceremony, options } = await post<Challenge>("/session/passkey/challenge");
    return post<Session>("/session/proof", { ceremony, credential: await signByPasskey(options) });
  });
  const through = async (provider: string): Promise<void> => {
    const { url } = await post<{ url: string }>("/account/identities/proof", { provider, path: window.location.pathname });
    window.location.assign(url);
  };
  const words = failure !== null && wordsOf(failure, t);
  return (
    <Modal open title={t.security.proofTitle} onCancel={() => { end(false); }} okText={t.security.confirm} cancelText={t.common.cancel} confirmLoading={busy} onOk={() => { form.submit(); }}>
      <p className="quiet" style={{ marginBottom: 12 }}>{t.security.proofText}</p>
      {words && <Alert type="error" showIcon title={words.title} description={words.hint} style={{ marginBottom: 12 }} />}
      <Form<Fields> form={form} layout="vertical" requiredMark={false} onFinish={(fields) => { void prove(() => post<Session>("/session/proof", { password: fields.password ?? null, code: fields.code ?? null })); }}>
        <Form.Item name="password" label={t.session.password}><Input.Password autoComplete="current-password" autoFocus /></Form.Item>
        {factor.data?.authenticator && <Form.Item name="code" label={t.security.proofCode}><Input className="mono" autoComplete="one-time-code" inputMode="text" maxLength={32} /></Form.Item>}
      </Form>
      <div className="row wrap">
        {passkeysWork() && ways.data?.passkeys && <Button loading={busy} onClick={() => { void byPasskey(); }}>{t.security.proofWith}</Button>}
        {ways.data?.providers.filter((each) => identities.data?.some((one) => one.provider === each.name)).map((each) => (
          <Button key={each.name} onClick={() => { void through(each.name).catch(setFailure); }}>{t.security.proofThrough(each.title)}</Button>
        ))}
      </div>
    </Modal>
  );
}
