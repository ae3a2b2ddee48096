import { Alert, Button, Form, Input, Modal, Select, Tag } from "antd";
import { type JSX, useState } from "react";

import { post, remove } from "../api/client";
import type { GrantedRole, Invitation, MadeInvitation, Organisation } from "../api/model";
import { useChange, useList, useMay } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { CopyButton } from "../parts/Copy";
import { Empty, Loaded } from "../parts/Page";
import { useNow } from "../parts/now";

/** Links by which people join one organisation. */
export function InvitationList({ organisation }: { organisation: Organisation }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(60_000);
  const [inviting, setInviting] = useState(false);
  const path = `/organisations/${organisation.id}/invitations`;
  const invitations = useList<Invitation>(path);
  const withdraw = useChange((one: Invitation) => remove(`${path}/${one.id}`), ["organisations"]);
  const role = (name: string): string => (t.people.roleNames as Record<string, string>)[name] ?? name;
  const state = (one: Invitation): string => one.used_ms !== null ? t.organisations.usedInvitation : one.expires_ms <= now ? t.organisations.overInvitation : t.organisations.openInvitation;
  return (
    <div className="stack">
      <div><Button type="primary" onClick={() => { setInviting(true); }}>{t.organisations.invite}</Button></div>
      <Loaded query={invitations}>
        {(list) => list.length === 0 ? <Empty title={t.organisations.noInvitations} text={t.organisations.firstAdministrator} /> : (
          <div className="stack tight">
            {list.map((one) => (
              <div key={one.id} className="row spread wrap">
                <span><b>{role(one.role)}</b>{one.note !== null && ` · ${one.note}`} <Tag>{state(one)}</Tag><span className="small quiet num">{f.time(one.created_ms)}</span></span>
                {one.used_ms === null && <Button size="small" loading={withdraw.isPending} onClick={() => { withdraw.mutate(one); }}>{t.organisations.withdraw}</Button>}
              </div>
            ))}
          </div>
        )}
      </Loaded>
      {inviting && <InviteBox organisation={organisation} close={() => { setInviting(false); }} />}
    </div>
  );
}

function InviteBox({ organisation, close }: { organisation: Organisation; close: () => void }): JSX.Element {
  const t = useText();
  const reads = useMay("people:read");
  const [form] = Form.useForm<{ role: string; note?: string }>();
  const roles = useList<GrantedRole>("/roles", {}, { enabled: reads });
  const [made, setMade] = useState<MadeInvitation | null>(null);
  const invite = useChange((fields: { role: string; note?: string }) => post<MadeInvitation>(`/organisations/${organisation.id}/invitations`, { role: fields.role, note: fields.note ? fields.note : null }), ["organisations"], setMade);
  const known = (roles.data ?? []).filter((one) => one.organisation_id === null || one.organisation_id === organisation.id);
  const options = known.length ? known.map((one) => ({ value: one.id, label: (t.people.roleNames as Record<string, string>)[one.id] ?? one.name })) : [{ value: "administrator", label: t.people.roleNames.administrator }];
  const link = made && `${location.origin}/invitation#${made.token}`;
  return (
    <Modal open onCancel={close} title={`${t.organisations.invite} · ${organisation.name}`} okText={t.organisations.invite} cancelText={made ? t.common.close : t.common.cancel} confirmLoading={invite.isPending} okButtonProps={{ style: made ? { display: "none" } : {} }} onOk={() => { form.submit(); }}>
      {link
        ? <Alert type="success" title={t.organisations.inviteText} description={<div className="row wrap"><code data-testid="invitation" style={{ overflowWrap: "anywhere" }}>{link}</code><CopyButton text={link} /></div>} />
        : (
          <Form form={form} layout="vertical" requiredMark={false} initialValues={{ role: organisation.members === null || organisation.members === 0 ? "administrator" : "viewer" }} onFinish={(fields) => { invite.mutate(fields); }}>
            <Form.Item name="role" label={t.organisations.role}><Select options={options} /></Form.Item>
            <Form.Item name="note" label={`${t.organisations.note} (${t.common.optional})`}><Input maxLength={128} /></Form.Item>
          </Form>
        )}
    </Modal>
  );
}
