import { Button, Checkbox, Form, Input, Modal, Select, Tabs } from "antd";
import { type JSX, useState } from "react";

import { post, put, remove } from "../api/client";
import { type GrantedRole, type Group, type Member, type Organisation, type Permission } from "../api/model";
import { useChange, useList, useMay } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { Loaded, Panel } from "../parts/Page";

/** The roles there are, with an editor for one's own; and groups of people. */
export function RolesPanel({ organisations }: { organisations: Organisation[] }): JSX.Element {
  const t = useText();
  return (
    <div style={{ marginTop: 16 }}>
      <Panel>
        <Tabs items={[
          { key: "roles", label: t.organisations.roles, children: <Roles organisations={organisations} /> },
          { key: "groups", label: t.organisations.groups, children: <Groups organisations={organisations} /> },
        ]} />
      </Panel>
    </div>
  );
}

function Roles({ organisations }: { organisations: Organisation[] }): JSX.Element {
  const t = useText();
  const keeps = useMay("people:manage");
  const roles = useList<GrantedRole>("/roles");
  const [editing, setEditing] = useState<GrantedRole | "new" | null>(null);
  const drop = useChange((one: GrantedRole) => remove(`/roles/${one.id}`), ["roles"]);
  const name = (one: GrantedRole): string => (t.people.roleNames as Record<string, string>)[one.id] ?? one.name;
  const owner = (one: GrantedRole): string => one.organisation_id === null ? t.organisations.builtIn : (organisations.find((each) => each.id === one.organisation_id)?.name ?? "");
  return (
    <div className="stack">
      {keeps && <div><Button onClick={() => { setEditing("new"); }}>{t.organisations.newRole}</Button></div>}
      <Loaded query={roles}>
        {(list) => (
          <div className="stack tight">
            {list.map((one) => (
              <div key={one.id} className="row spread wrap">
                <span><b>{name(one)}</b> <span className="small quiet">{owner(one)} · {one.permissions.length} {t.organisations.permissions}</span></span>
                {keeps && one.organisation_id !== null && <span className="row"><Button size="small" onClick={() => { setEditing(one); }}>{t.common.edit}</Button><Button size="small" onClick={() => { drop.mutate(one); }}>{t.common.delete}</Button></span>}
              </div>
            ))}
          </div>
        )}
      </Loaded>
      {editing && <RoleBox role={editing === "new" ? null : editing} organisations={organisations} close={() => { setEditing(null); }} />}
    </div>
  );
}

interface RoleFields { organisation_id: string; name: string; permissions: string[] }

function RoleBox({ role, organisations, close }: { role: GrantedRole | null; organisations: Organisation[]; close: () => void }): JSX.Element {
  const t = useText();
  const { language } = usePreferences();
  const [form] = Form.useForm<RoleFields>();
  const permissions = useList<Permission>("/permissions");
  const save = useChange(({ organisation_id: owner, ...rest }: RoleFields) => role ? put(`/roles/${role.id}`, rest) : post("/roles", { organisation_id: owner, ...rest }), ["roles", "session", "access"], close);
  const mine = organisations.filter((one) => one.members !== null);
  return (
    <Modal open onCancel={close} title={role ? role.name : t.organisations.newRole} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<RoleFields> form={form} layout="vertical" requiredMark={false} initialValues={role ? { ...role, organisation_id: role.organisation_id ?? "" } : { permissions: [], organisation_id: mine[0]?.id ?? "" }} onFinish={(fields) => { save.mutate(fields); }}>
        <Form.Item name="name" label={t.organisations.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={64} /></Form.Item>
        {!role && mine.length > 1 ? <Form.Item name="organisation_id" label={t.organisations.choose}><Select options={mine.map((one) => ({ value: one.id, label: one.name }))} /></Form.Item> : <Form.Item name="organisation_id" hidden><Input /></Form.Item>}
        <Form.Item name="permissions" label={t.organisations.permissions}>
          <Checkbox.Group style={{ display: "grid", gap: 4 }} options={(permissions.data ?? []).map((one) => ({ value: one.name, label: <span>{language === "zh" ? one.text_zh : one.text} <code className="small quiet">{one.name}</code></span> }))} />
        </Form.Item>
      </Form>
    </Modal>
  );
}

function Groups({ organisations }: { organisations: Organisation[] }): JSX.Element {
  const t = useText();
  const keeps = useMay("people:manage");
  const groups = useList<Group>("/groups");
  const [editing, setEditing] = useState<Group | "new" | null>(null);
  const drop = useChange((one: Group) => remove(`/groups/${one.id}`), ["groups", "grants", "access"]);
  return (
    <div className="stack">
      {keeps && <div><Button onClick={() => { setEditing("new"); }}>{t.organisations.newGroup}</Button></div>}
      <Loaded query={groups}>
        {(list) => (
          <div className="stack tight">
            {list.map((one) => (
              <div key={one.id} className="row spread wrap">
                <span><b>{one.name}</b> <span className="small quiet">{organisations.find((each) => each.id === one.organisation_id)?.name ?? ""} · {one.person_ids.length} {t.organisations.members}</span></span>
                {keeps && <span className="row"><Button size="small" onClick={() => { setEditing(one); }}>{t.common.edit}</Button><Button size="small" onClick={() => { drop.mutate(one); }}>{t.common.delete}</Button></span>}
              </div>
            ))}
          </div>
        )}
      </Loaded>
      {editing && <GroupBox group={editing === "new" ? null : editing} organisations={organisations} close={() => { setEditing(null); }} />}
    </div>
  );
}

interface GroupFields { organisation_id: string; name: string; person_ids: string[] }

function GroupBox({ group, organisations, close }: { group: Group | null; organisations: Organisation[]; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<GroupFields>();
  const mine = organisations.filter((one) => one.members !== null);
  const [owner, setOwner] = useState(group?.organisation_id ?? mine[0]?.id ?? "");
  const members = useList<Member>(`/organisations/${owner}/members`, {}, { enabled: owner !== "" });
  const save = useChange(({ name, person_ids }: GroupFields) => group ? put(`/groups/${group.id}`, { name, person_ids }) : post("/groups", { organisation_id: owner, name, person_ids }), ["groups", "access", "session"], close);
  return (
    <Modal open onCancel={close} title={group ? group.name : t.organisations.newGroup} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<GroupFields> form={form} layout="vertical" requiredMark={false} initialValues={group ?? { person_ids: [] }} onFinish={(fields) => { save.mutate(fields); }}>
        <Form.Item name="name" label={t.organisations.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={64} /></Form.Item>
        {!group && mine.length > 1 && <Form.Item label={t.organisations.choose}><Select value={owner} onChange={setOwner} options={mine.map((one) => ({ value: one.id, label: one.name }))} /></Form.Item>}
        <Form.Item name="person_ids" label={t.organisations.members}><Select mode="multiple" showSearch={{ optionFilterProp: "label" }} options={(members.data ?? []).map((one) => ({ value: one.person_id, label: one.name }))} /></Form.Item>
      </Form>
    </Modal>
  );
}
