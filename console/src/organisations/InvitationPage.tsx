import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Form, Input, Skeleton } from "antd";
import { type JSX, useEffect } from "react";
import { useNavigate } from "react-router";

import { post } from "../api/client";
import type { Session } from "../api/model";
import { queryClient, useSession } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { Empty } from "../parts/Page";
import { wordsOf } from "../parts/Problem";
import { Door } from "../session/Door";
import { PASSWORD_LENGTH } from "../session/SetupPage";
import { Strength } from "../account/security/Strength";

interface Offer { organisation_name: string; role_name: string; expires_ms: number }

/** Joining by a link; its secret is behind the `#`, so that it is never sent in an address. */
export default function InvitationPage(): JSX.Element {
  const t = useText();
  const { language } = usePreferences();
  const navigate = useNavigate();
  const token = location.hash.slice(1);
  const session = useSession();
  const offer = useMutation({ mutationFn: () => post<Offer>("/invitations/read", { token }) });
  const { mutate: read } = offer;
  useEffect(() => { read(); }, [read]);
  const accept = useMutation({
    mutationFn: (fields: { name?: string; password?: string }) => post<Session>("/invitations/accept", { token, language, ...fields }),
    onSuccess: () => {
      queryClient.clear();
      void navigate("/", { replace: true });
    },
  });
  const problem = accept.error && wordsOf(accept.error, t);
  if (offer.error) return <Door title={t.organisations.bad}><Empty title={t.organisations.bad} text={t.organisations.badText} /></Door>;
  if (!offer.data) return <Door title={t.organisations.join}><Skeleton active /></Door>;
  const role = (t.people.roleNames as Record<string, string>)[offer.data.role_name] ?? offer.data.role_name;
  return (
    <Door title={t.organisations.invitedTitle(offer.data.organisation_name)} text={t.organisations.invitedText(role)}>
      {problem && <Alert type="error" showIcon title={problem.title} description={problem.hint} style={{ marginBottom: 16 }} />}
      {session.data
        ? <Button type="primary" block size="large" loading={accept.isPending} onClick={() => { accept.mutate({}); }}>{t.organisations.joinAs(session.data.person.name)}</Button>
        : (
          <Form<{ name: string; password: string }> layout="vertical" size="large" requiredMark={false} onFinish={(fields) => { accept.mutate(fields); }}>
            <Form.Item name="name" label={t.session.name} rules={[{ required: true, message: t.common.required }]}><Input autoComplete="username" autoFocus maxLength={64} /></Form.Item>
            <Form.Item name="password" label={t.session.password} extra={<Strength field="password" />} rules={[{ required: true, message: t.common.required }, { min: PASSWORD_LENGTH, message: t.session.passwordShort }]}><Input.Password autoComplete="new-password" maxLength={128} /></Form.Item>
            <Button type="primary" htmlType="submit" block loading={accept.isPending}>{t.organisations.join}</Button>
          </Form>
        )}
    </Door>
  );
}
