import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Form, Input } from "antd";
import { type JSX, useEffect } from "react";
import { Navigate, useLocation, useNavigate } from "react-router";

import { post, ProblemError } from "../api/client";
import type { Session } from "../api/model";
import { queryClient, useResource } from "../api/queries";
import { useText } from "../i18n";
import { wordsOf } from "../parts/Problem";
import { Door } from "./Door";

interface Fields { name: string; password: string }

export default function SignInPage(): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const { state } = useLocation() as { state: { from?: string } | null };
  const setup = useResource<{ needed: boolean }>("/setup");
  const enter = useMutation({
    mutationFn: (fields: Fields) => post<Session>("/session", fields),
    onSuccess: (session) => {
      queryClient.clear();
      queryClient.setQueryData(["session"], session);
      void navigate(state?.from ?? "/", { replace: true });
    },
  });
  useEffect(() => { document.title = `${t.session.signIn} · ${t.brand.name}`; }, [t]);
  if (setup.data?.needed) return <Navigate to="/setup" replace />;
  const failure = enter.error ?? (setup.error instanceof ProblemError && setup.error.unreachable ? setup.error : null);
  const words = failure && wordsOf(failure, t);
  const wrong = failure instanceof ProblemError && failure.problem.status === 401;
  return (
    <Door title={t.session.signInTitle}>
      <Form<Fields> layout="vertical" size="large" style={{ marginTop: 16 }} onFinish={(fields) => { enter.mutate(fields); }} requiredMark={false}>
        {words && <Form.Item><Alert type="error" showIcon title={wrong ? t.session.wrong : words.title} description={wrong ? undefined : words.hint} /></Form.Item>}
        <Form.Item name="name" label={t.session.name} rules={[{ required: true, message: t.common.required }]}><Input autoComplete="username" autoFocus /></Form.Item>
        <Form.Item name="password" label={t.session.password} rules={[{ required: true, message: t.common.required }]}><Input.Password autoComplete="current-password" /></Form.Item>
        <Button type="primary" htmlType="submit" block loading={enter.isPending}>{t.session.signIn}</Button>
      </Form>
    </Door>
  );
}
