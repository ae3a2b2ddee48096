import { Alert, Button, Form, Input, Skeleton } from "antd";
import { type JSX, useEffect } from "react";
import { Navigate, useNavigate, useSearchParams } from "react-router";

import { post } from "../api/client";
import type { Session } from "../api/model";
import { queryClient, useResource } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { Strength } from "../account/security/Strength";
import { ProblemView, wordsOf } from "../parts/Problem";
import { useMutation } from "@tanstack/react-query";
import { Door } from "./Door";

interface Fields { name: string; password: string; repeat: string; code?: string }
export const PASSWORD_LENGTH = 12;

/** First run: makes the first administrator and signs them in. */
export default function SetupPage(): JSX.Element {
  const t = useText();
  const { language } = usePreferences();
  const navigate = useNavigate();
  const [parameters] = useSearchParams();
  const setup = useResource<{ needed: boolean; code_required?: boolean }>("/setup");
  const make = useMutation({
    mutationFn: ({ name, password, code }: Fields) => post<Session>("/setup", { name, password, code: code ?? "", language }),
    onSuccess: (session) => {
      queryClient.setQueryData(["session"], session);
      void navigate("/", { replace: true });
    },
  });
  useEffect(() => { document.title = `${t.session.setupTitle} · ${t.brand.name}`; }, [t]);
  if (setup.data && !setup.data.needed && !make.isSuccess) return <Navigate to="/sign-in" replace />;
  const problem = make.error && wordsOf(make.error, t);
  const code = parameters.get("code") ?? "";
  return (
    <Door title={t.session.setupTitle} text={t.session.setupText}>
      {setup.error && <ProblemView error={setup.error} retry={() => void setup.refetch()} />}
      {!setup.data && !setup.error && <Skeleton active />}
      {setup.data && (
        <Form<Fields> layout="vertical" size="large" initialValues={{ code }} onFinish={(fields) => { make.mutate(fields); }} requiredMark={false}>
          {problem && <Form.Item><Alert type="error" showIcon title={problem.title} description={problem.hint} /></Form.Item>}
          {setup.data.code_required !== false && (
            <Form.Item name="code" label={t.session.setupCode} extra={code ? undefined : t.session.setupCodeHint} rules={[{ required: true, message: t.common.required }]}>
              <Input autoComplete="off" className="mono" autoFocus={!code} />
            </Form.Item>
          )}
          <Form.Item name="name" label={t.session.name} rules={[{ required: true, message: t.common.required }]}><Input autoComplete="username" autoFocus={!!code} maxLength={64} /></Form.Item>
          <Form.Item name="password" label={t.session.password} extra={<Strength field="password" />} rules={[{ required: true, message: t.common.required }, { min: PASSWORD_LENGTH, message: t.session.passwordShort }]}>
            <Input.Password autoComplete="new-password" maxLength={128} />
          </Form.Item>
          <Form.Item
            name="repeat" label={t.session.repeat} dependencies={["password"]}
            rules={[{ required: true, message: t.common.required }, (form) => ({ validator: (_, value: string) => (!value || value === form.getFieldValue("password") ? Promise.resolve() : Promise.reject(new Error(t.session.mismatch))) })]}
          >
            <Input.Password autoComplete="new-password" maxLength={128} />
          </Form.Item>
          <Button type="primary" htmlType="submit" block loading={make.isPending}>{t.session.setupSubmit}</Button>
        </Form>
      )}
    </Door>
  );
}
