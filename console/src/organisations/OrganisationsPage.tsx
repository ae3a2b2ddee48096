import { PlusOutlined } from "@ant-design/icons";
import { Button, Form, Input, Modal, Select, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";

import { patch, post } from "../api/client";
import { type Organisation, ORGANISATION_KINDS, type OrganisationKind } from "../api/model";
import { useChange, useList, useMay } from "../api/queries";
import { useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Loaded, Page } from "../parts/Page";
import { OrganisationDrawer } from "./OrganisationDrawer";
import { RolesPanel } from "./RolesPanel";

/** The tree of organisations; one opens to its members, grants, invitations and consents. */
export default function OrganisationsPage(): JSX.Element {
  const t = useText();
  const organisations = useList<Organisation>("/organisations");
  const manages = useMay("organisations:manage");
  const people = useMay("people:read");
  const [opened, setOpened] = useState<string | null>(null);
  const [editing, setEditing] = useState<Organisation | "new" | null>(null);
  const list = organisations.data ?? [];
  const ids = new Set(list.map((one) => one.id));
  const depth = (one: Organisation): number => one.above.filter((each) => ids.has(each.id)).length;
  const name = (one: Organisation): JSX.Element => <><b>{one.name}</b>{one.suspended && <Tag color="warning" style={{ marginInlineStart: 8 }}>{t.organisations.suspended}</Tag>}</>;
  const columns: TableColumnsType<Organisation> = [
    { key: "name", title: t.organisations.name, render: (_, one) => <span style={{ paddingInlineStart: depth(one) * 20 }}>{name(one)}</span> },
    { key: "kind", title: t.organisations.kind, render: (_, one) => <span className="quiet">{t.organisations.kinds[one.kind]}</span> },
    { key: "code", title: t.organisations.code, render: (_, one) => <span className="mono small">{one.code ?? ""}</span> },
    { key: "members", title: t.organisations.members, render: (_, one) => <span className="num">{one.members ?? "–"}</span> },
  ];
  const open = list.find((one) => one.id === opened);
  return (
    <Page title={t.organisations.title} text={t.organisations.text} actions={manages && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setEditing("new"); }}>{t.organisations.add}</Button>}>
      <Loaded query={organisations}>
        {(items) => (
          <Listing
            items={items} columns={columns} rowKey={(one) => one.id} onOpen={(one) => { setOpened(one.id); }}
            card={(one) => (
              <button type="button" className="panel" style={{ padding: 12, paddingInlineStart: 12 + depth(one) * 14, width: "100%", textAlign: "start" }} onClick={() => { setOpened(one.id); }}>
                <div>{name(one)}</div><div className="small quiet">{t.organisations.kinds[one.kind]}{one.members !== null && ` · ${one.members} ${t.organisations.members}`}</div>
              </button>
            )}
          />
        )}
      </Loaded>
      {people && <RolesPanel organisations={list} />}
      {open && <OrganisationDrawer organisation={open} edit={() => { setEditing(open); }} close={() => { setOpened(null); }} />}
      {editing && <OrganisationBox organisation={editing === "new" ? null : editing} all={list} close={() => { setEditing(null); }} />}
    </Page>
  );
}

interface Fields { parent_id: string; kind: OrganisationKind; name: string; short_name?: string; code?: string }

function OrganisationBox({ organisation, all, close }: { organisation: Organisation | null; all: Organisation[]; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<Fields>();
  const save = useChange((fields: Fields) => {
    const body = { ...fields, short_name: fields.short_name ? fields.short_name : null, code: fields.code ? fields.code : null };
    if (!organisation) return post("/organisations", body);
    const { parent_id: parent, ...rest } = body;
    return patch(`/organisations/${organisation.id}`, { ...rest, ...(parent && parent !== organisation.parent_id && { parent_id: parent }) }, `"${organisation.revision}"`);
  }, ["organisations", "session"], close);
  const below = (one: Organisation): boolean => organisation !== null && (one.id === organisation.id || one.above.some((each) => each.id === organisation.id));
  const initial = organisation ? { ...organisation, short_name: organisation.short_name ?? "", code: organisation.code ?? "", parent_id: organisation.parent_id ?? "" } : { kind: "enterprise" as const, parent_id: all[0]?.id ?? "" };
  const movable = !organisation || all.some((one) => one.id === organisation.parent_id);
  return (
    <Modal open onCancel={close} title={organisation ? organisation.name : t.organisations.add} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} initialValues={initial} onFinish={(fields) => { save.mutate(fields); }}>
        <Form.Item name="name" label={t.organisations.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={128} autoFocus /></Form.Item>
        {movable && <Form.Item name="parent_id" label={t.organisations.parent} rules={[{ required: true, message: t.common.required }]}><Select showSearch={{ optionFilterProp: "label" }} options={all.filter((one) => !below(one)).map((one) => ({ value: one.id, label: one.name }))} /></Form.Item>}
        <Form.Item name="kind" label={t.organisations.kind}><Select options={ORGANISATION_KINDS.map((value) => ({ value, label: t.organisations.kinds[value] }))} /></Form.Item>
        <Form.Item name="code" label={`${t.organisations.code} (${t.common.optional})`}><Input maxLength={40} className="mono" /></Form.Item>
        <Form.Item name="short_name" label={`${t.organisations.shortName} (${t.common.optional})`}><Input maxLength={32} /></Form.Item>
      </Form>
    </Modal>
  );
}
