import { Button, DatePicker, Form, Modal, Select } from "antd";
import type { Dayjs } from "dayjs";
import { type JSX, useState } from "react";

import { post, remove } from "../api/client";
import type { Consent, Organisation, Permission } from "../api/model";
import { useChange, useList } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useFormat, useText } from "../i18n";
import { Empty, Loaded } from "../parts/Page";

interface Fields { to_id: string; permissions: string[]; until?: Dayjs }

/** What an enterprise lets organisations above it see. */
export function ConsentList({ organisation }: { organisation: Organisation }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const path = `/organisations/${organisation.id}/consents`;
  const consents = useList<Consent>(path);
  const permissions = useList<Permission>("/permissions");
  const [giving, setGiving] = useState(false);
  const [form] = Form.useForm<Fields>();
  const give = useChange(({ until, ...rest }: Fields) => post(path, { ...rest, until_ms: until ? until.valueOf() : null }), ["organisations"], () => { setGiving(false); });
  const withdraw = useChange((one: Consent) => remove(`${path}/${one.id}`), ["organisations"]);
  const names = new Map(organisation.above.map((one) => [one.id, one.name]));
  return (
    <div className="stack">
      <p className="quiet">{t.organisations.consentText}</p>
      <div><Button onClick={() => { setGiving(true); }}>{t.organisations.consent}</Button></div>
      <Loaded query={consents}>
        {(list) => list.length === 0 ? <Empty title={t.organisations.noConsents} /> : (
          <div className="stack tight">
            {list.map((one) => (
              <div key={one.id} className="row spread wrap">
                <span><b>{names.get(one.to_id) ?? one.to_id}</b> · <span className="small mono">{one.permissions.join(", ")}</span>{one.until_ms !== null && <span className="small quiet"> · {t.organisations.until} {f.time(one.until_ms)}</span>}</span>
                <Button size="small" onClick={() => { withdraw.mutate(one); }}>{t.organisations.withdraw}</Button>
              </div>
            ))}
          </div>
        )}
      </Loaded>
      {giving && (
        <Modal open onCancel={() => { setGiving(false); }} title={t.organisations.consent} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={give.isPending} onOk={() => { form.submit(); }}>
          <Form<Fields> form={form} layout="vertical" requiredMark={false} onFinish={(fields) => { give.mutate(fields); }}>
            <Form.Item name="to_id" label={t.organisations.to} rules={[{ required: true, message: t.common.required }]}><Select options={organisation.above.map((one) => ({ value: one.id, label: one.name }))} /></Form.Item>
            <Form.Item name="permissions" label={t.organisations.permissions} rules={[{ required: true, message: t.common.required }]}><Select mode="multiple" options={(permissions.data ?? []).filter((one) => one.name.endsWith(":read")).map((one) => ({ value: one.name, label: language === "zh" ? one.text_zh : one.text }))} /></Form.Item>
            <Form.Item name="until" label={`${t.organisations.until} (${t.common.optional})`}><DatePicker showTime style={{ width: "100%" }} /></Form.Item>
          </Form>
        </Modal>
      )}
    </div>
  );
}
