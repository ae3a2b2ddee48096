import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Divider, Form, Input } from "antd";
import { type JSX, useEffect, useState } from "react";
import { Navigate, useLocation, useNavigate, useSearchParams } from "react-router";

import { NoPasskey, passkeysWork, signByPasskey } from "../account/security/webauthn";
import { post, ProblemError } from "../api/client";
import type { Challenge, Session, Ways } from "../api/model";
import { queryClient, useResource } from "../api/queries";
import { useText } from "../i18n";
import { wordsOf } from "../parts/Problem";
import { Door } from "./Door";

interface Fields { name: string; password: string }

/** The ceremony of the second step, when the password was right and a code is asked for. */
const ceremonyOf = (error: unknown): string | null => {
  const found = error instanceof ProblemError && error.problem.code === "parties.second_factor_needed" && error.problem.data["ceremony"];
  return typeof found === "string" ? found : null;
};

/** By password and code, by passkey, or through a provider. */
export default function SignInPage(): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const { state } = useLocation() as { state: { from?: string } | null };
  const [parameters] = useSearchParams();
  const [ceremony, setCeremony] = useState<string | null>(null);
  const setup = useResource<{ needed: boolean }>("/setup");
  const ways = useResource<Ways>("/session/ways");
  const from = state?.from ?? "/";
  const onSuccess = (session: Session): void => {
    queryClient.clear();
    queryClient.setQueryData(["session"], session);
    void navigate(from, { replace: true });
  };
  const enter = useMutation({ mutationFn: (fields: Fields) => post<Session>("/session", fields), onSuccess, onError: (error) => { setCeremony(ceremonyOf(error)); } });
  const second = useMutation({ mutationFn: ({ code }: { code: string }) => post<Session>("/session/second", { ceremony, code }), onSuccess });
  const byPasskey = useMutation({
    mutationFn: async () => {
      const { ceremony: begun, options } = await post<Challenge>("/session/passkey/challenge");
      return post<Session>("/session/passkey", { ceremony: begun, credential: await signByPasskey(options) });
    },
    onSuccess,
  });
  const title = ceremony ? t.security.secondTitle : t.session.signInTitle;
  useEffect(() => { document.title = `${title} · ${t.brand.name}`; }, [t, title]);
  if (setup.data?.needed) return <Navigate to="/setup" replace />;
  if (ceremony)
    return (
      <Door title={title} text={t.security.secondText}>
        <Form<{ code: string }> layout="vertical" size="large" onFinish={(fields) => { second.mutate(fields); }} requiredMark={false}>
          <Failure error={second.error} />
          <Form.Item name="code" label={t.security.secondCode} rules={[{ required: true, message: t.common.required }]}><Input className="mono" autoComplete="one-time-code" maxLength={32} autoFocus /></Form.Item>
          <Button type="primary" htmlType="submit" block loading={second.isPending}>{t.session.signIn}</Button>
          <Button type="link" block style={{ marginTop: 8 }} onClick={() => { setCeremony(null); enter.reset(); second.reset(); }}>{t.security.back}</Button>
        </Form>
      </Door>
    );
  const failure = byPasskey.error ?? enter.error ?? (setup.error instanceof ProblemError && setup.error.unreachable ? setup.error : null);
  const told = parameters.get("problem");
  const passkeys = passkeysWork() && ways.data?.passkeys;
  const others = passkeys || (ways.data?.providers.length ?? 0) > 0;
  return (
    <Door title={title}>
      <Form<Fields> layout="vertical" size="large" style={{ marginTop: 16 }} onFinish={(fields) => { byPasskey.reset(); enter.mutate(fields); }} requiredMark={false}>
        {told && !failure && <Form.Item><Alert type="error" showIcon title={t.security.problems[told] ?? t.security.problems["other"]} /></Form.Item>}
        <Failure error={failure} />
        <Form.Item name="name" label={t.session.name} rules={[{ required: true, message: t.common.required }]}><Input autoComplete="username webauthn" autoFocus /></Form.Item>
        <Form.Item name="password" label={t.session.password} rules={[{ required: true, message: t.common.required }]}><Input.Password autoComplete="current-password" /></Form.Item>
        <Button type="primary" htmlType="submit" block loading={enter.isPending}>{t.session.signIn}</Button>
      </Form>
      {others && <Divider plain>{t.security.or}</Divider>}
      <div className="stack">
        {passkeys && <Button block size="large" loading={byPasskey.isPending} onClick={() => { enter.reset(); byPasskey.mutate(); }}>{t.security.withPasskey}</Button>}
        {ways.data?.providers.map((each) => (
          <Button key={each.name} block size="large" href={`/api/v1/session/oidc/${encodeURIComponent(each.name)}?path=${encodeURIComponent(from)}`}>{t.security.through(each.title)}</Button>
        ))}
      </div>
    </Door>
  );
}

function Failure({ error }: { error: unknown }): JSX.Element | null {
  const t = useText();
  if (!error) return null;
  if (error instanceof NoPasskey) return <Form.Item><Alert type="info" showIcon title={t.security.passkeyCancelled} /></Form.Item>;
  const words = wordsOf(error, t);
  const wrong = error instanceof ProblemError && error.problem.code === "parties.wrong_password";
  return <Form.Item><Alert type="error" showIcon title={wrong ? t.session.wrong : words.title} description={wrong ? undefined : words.hint} /></Form.Item>;
}
