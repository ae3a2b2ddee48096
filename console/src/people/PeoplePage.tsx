import { PlusOutlined } from "@ant-design/icons";
import { App, Button, Form, Input, Modal, Select, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";
import { Link } from "react-router";

import { patch, post, remove } from "../api/client";
import { type Person, type Role, ROLES } from "../api/model";
import { useChange, useList, useMay, useRights, useSession } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { AccessBox } from "../organisations/AccessBox";
import { Listing } from "../parts/Listing";
import { Loaded, Page } from "../parts/Page";
import { Strength } from "../account/security/Strength";
import { PASSWORD_LENGTH } from "../session/SetupPage";

export default function PeoplePage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const session = useSession();
  const people = useList<Person>("/people");
  const [editing, setEditing] = useState<Person | "new" | null>(null);
  const [looking, setLooking] = useState<Person | null>(null);
  const manages = useMay("organisations:manage");
  const keeps = useMay("people:manage");
  const alone = (useRights().data?.organisations.length ?? 0) <= 1;
  const able = useChange((p: Person) => patch(`/people/${p.id}`, { disabled: !p.disabled }), ["people"]);
  const gone = useChange((p: Person) => remove(`/people/${p.id}`), ["people"]);
  const drop = (p: Person): void => {
    void modal.confirm({ title: t.people.removeConfirm(p.name), content: t.people.removeText, okText: t.people.remove, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => gone.mutateAsync(p).catch(() => undefined) });
  };
  const self = (p: Person): boolean => p.id === session.data?.person.id;
  const toggle = (p: Person): void => {
    if (p.disabled) able.mutate(p);
    else void modal.confirm({ title: t.people.disableConfirm, okText: t.people.disable, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => able.mutateAsync(p).catch(() => undefined) });
  };
  const name = (p: Person): JSX.Element => <><b>{p.name}</b>{self(p) && <span className="quiet"> ({t.people.you})</span>}{p.disabled && <Tag style={{ marginInlineStart: 8 }}>{t.people.disabled}</Tag>}</>;
  const roles = (p: Person): JSX.Element => <>{p.roles.map((role) => <Tag key={role}>{t.people.roleNames[role]}</Tag>)}</>;
  const actions = (p: Person): JSX.Element => <span className="row wrap"><Button size="small" onClick={() => { setLooking(p); }}>{t.organisations.access}</Button>{keeps && <Button size="small" onClick={() => { setEditing(p); }}>{t.common.edit}</Button>}{keeps && !self(p) && <Button size="small" danger={!p.disabled} onClick={() => { toggle(p); }}>{p.disabled ? t.people.enable : t.people.disable}</Button>}{keeps && !self(p) && p.disabled && <Button size="small" danger type="primary" onClick={() => { drop(p); }}>{t.people.remove}</Button>}</span>;
  const columns: TableColumnsType<Person> = [
    { key: "name", title: t.session.name, render: (_, p) => name(p) },
    { key: "roles", title: t.people.roles, render: (_, p) => roles(p) },
    { key: "created", title: t.common.created, render: (_, p) => <span className="num quiet">{p.created_ms ? f.time(p.created_ms) : "–"}</span> },
    { key: "used", title: t.people.lastUsed, render: (_, p) => <span className="num quiet">{p.signed_in_ms ? f.time(p.signed_in_ms) : t.common.never}</span> },
    { key: "act", render: (_, p) => actions(p) },
  ];
  return (
    <Page title={t.people.title} actions={keeps && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setEditing("new"); }}>{t.people.add}</Button>}>
      <Loaded query={people}>{(list) => <Listing items={list.filter((p) => p.kind === "person")} columns={columns} rowKey={(p) => p.id} card={(p) => <div className="panel" style={{ padding: 12 }}><div>{name(p)}</div><div style={{ margin: "8px 0" }}>{roles(p)}</div>{actions(p)}</div>} />}</Loaded>
      {manages && alone && <p className="small quiet" style={{ marginTop: 12 }}>{t.organisations.one} <Link to="/organisations">{t.organisations.more}</Link></p>}
      {looking && <AccessBox person={looking} close={() => { setLooking(null); }} />}
      {editing && <PersonBox person={editing === "new" ? null : editing} close={() => { setEditing(null); }} />}
    </Page>
  );
}

function PersonBox({ person, close }: { person: Person | null; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<{ name: string; password?: string; roles: Role[] }>();
  const save = useChange((v: { name: string; password?: string; roles: Role[] }) => {
    const { password, ...rest } = v;
    return person ? patch(`/people/${person.id}`, { ...rest, ...(password && { password }) }) : post("/people", v);
  }, ["people", "session"], close);
  return (
    <Modal open onCancel={close} title={person ? person.name : t.people.add} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={{ name: person?.name ?? "", roles: person?.roles ?? ["operator"] }} onFinish={(v) => { save.mutate(v); }}>
        <Form.Item name="name" label={t.session.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={64} autoComplete="off" /></Form.Item>
        <Form.Item name="roles" label={t.people.roles} rules={[{ required: true, message: t.common.required }]}><Select mode="multiple" options={ROLES.map((value) => ({ value, label: `${t.people.roleNames[value]} · ${t.people.roleHints[value]}` }))} /></Form.Item>
        <Form.Item name="password" label={person ? `${t.people.newPassword} (${t.common.optional})` : t.people.firstPassword} extra={<Strength field="password" />} rules={[{ required: !person, message: t.common.required }, { min: PASSWORD_LENGTH, message: t.session.passwordShort }]}><Input.Password autoComplete="new-password" /></Form.Item>
      </Form>
    </Modal>
  );
}
