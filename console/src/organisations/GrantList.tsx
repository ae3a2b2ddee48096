import { App, Button, DatePicker, Form, Modal, Select } from "antd";
import type { Dayjs } from "dayjs";
import { type JSX, useState } from "react";

import { post, remove } from "../api/client";
import type { Grant, GrantedRole, Group, Member, Organisation } from "../api/model";
import { useChange, useList, useMay } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Empty, Loaded } from "../parts/Page";

/** Who holds which role on one organisation. */
export function GrantList({ organisation }: { organisation: Organisation }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const keeps = useMay("people:manage");
  const grants = useList<Grant>("/grants");
  const [giving, setGiving] = useState(false);
  const end = useChange((one: Grant) => remove(`/grants/${one.id}`), ["grants", "access", "session"]);
  const role = (name: string): string => (t.people.roleNames as Record<string, string>)[name] ?? name;
  const ask = (one: Grant): void => {
    void modal.confirm({ title: `${role(one.role_name)} · ${one.subject_name}`, content: t.organisations.endText, okText: t.organisations.end, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => end.mutateAsync(one).catch(() => undefined) });
  };
  return (
    <div className="stack">
      {keeps && <div><Button type="primary" onClick={() => { setGiving(true); }}>{t.organisations.give}</Button></div>}
      <Loaded query={grants}>
        {(all) => {
          const list = all.filter((one) => one.organisation_id === organisation.id);
          return list.length === 0 ? <Empty title={t.organisations.noGrants} /> : (
            <div className="stack tight">
              {list.map((one) => (
                <div key={one.id} className="row spread wrap">
                  <span><b>{role(one.role_name)}</b> · {one.subject_name}{one.group_id !== null && <span className="quiet"> ({t.organisations.groups})</span>}{one.until_ms !== null && <span className="small quiet"> · {t.organisations.until} {f.time(one.until_ms)}</span>}</span>
                  {keeps && <Button size="small" onClick={() => { ask(one); }}>{t.organisations.end}</Button>}
                </div>
              ))}
            </div>
          );
        }}
      </Loaded>
      {giving && <GrantBox organisation={organisation} close={() => { setGiving(false); }} />}
    </div>
  );
}

function GrantBox({ organisation, close }: { organisation: Organisation; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<{ to: string; role: string; until?: Dayjs }>();
  const members = useList<Member>(`/organisations/${organisation.id}/members`);
  const groups = useList<Group>("/groups");
  const roles = useList<GrantedRole>("/roles");
  const give = useChange(({ to, role, until }: { to: string; role: string; until?: Dayjs }) => post("/grants", {
    organisation_id: organisation.id, role, until_ms: until ? until.valueOf() : null, ...(to.startsWith("grp_") ? { group_id: to } : { person_id: to }),
  }), ["grants", "access", "session", "people"], close);
  const path = new Set([...organisation.above.map((one) => one.id), organisation.id]);
  return (
    <Modal open onCancel={close} title={t.organisations.give} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={give.isPending} onOk={() => { form.submit(); }}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={{ role: "viewer" }} onFinish={(fields) => { give.mutate(fields); }}>
        <Form.Item name="to" label={t.organisations.to} rules={[{ required: true, message: t.common.required }]}>
          <Select showSearch={{ optionFilterProp: "label" }} options={[
            { label: t.organisations.members, options: (members.data ?? []).map((one) => ({ value: one.person_id, label: one.name })) },
            { label: t.organisations.groups, options: (groups.data ?? []).filter((one) => path.has(one.organisation_id)).map((one) => ({ value: one.id, label: one.name })) },
          ]} />
        </Form.Item>
        <Form.Item name="role" label={t.organisations.role}><Select options={(roles.data ?? []).filter((one) => one.organisation_id === null || path.has(one.organisation_id)).map((one) => ({ value: one.id, label: (t.people.roleNames as Record<string, string>)[one.id] ?? one.name }))} /></Form.Item>
        <Form.Item name="until" label={`${t.organisations.until} (${t.common.optional})`}><DatePicker showTime style={{ width: "100%" }} /></Form.Item>
      </Form>
    </Modal>
  );
}
