import { App, Button, Form, Input, Modal, Table, Tag } from "antd";
import { type JSX, useState } from "react";

import { API, post } from "../api/client";
import type { Authority as AuthorityView, Certificate } from "../api/model";
import { useChange, useList, useMay, usePages } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Empty, Loaded, Panel } from "../parts/Page";

interface Import { certificate: string; key: string; password?: string }

/** The certificate authority: whom devices trust, until when, what was revoked. */
export function Authority(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const administrator = useMay("authorities:manage");
  const engineer = useMay("certificates:read");
  const [importing, setImporting] = useState(false);
  const authorities = useList<AuthorityView>("/certificates/authorities");
  const make = useChange(() => post("/certificates/authorities"), ["certificates"]);
  const askMake = (): void => { void modal.confirm({ title: t.certificates.makeConfirm, content: t.certificates.makeText, okText: t.certificates.make, cancelText: t.common.cancel, onOk: () => make.mutateAsync(undefined).catch(() => undefined) }); };
  const buttons = administrator && <span className="row wrap" style={{ justifyContent: "flex-end" }}><Button size="small" onClick={() => { setImporting(true); }}>{t.certificates.import}</Button><Button size="small" onClick={askMake}>{t.certificates.make}</Button></span>;
  return (
    <>
      <Panel title={t.certificates.authority} flush extra={buttons}>
        <Loaded query={authorities} rows={2}>
          {(list) => (list.length ? (
            <>
              <Table size="small" pagination={false} rowKey="id" dataSource={list} scroll={{ x: "max-content" }} columns={[
                { title: t.common.name, dataIndex: "subject", render: (subject: string, a) => <>{subject.replace(/,O=.*$|^CN=/g, "")}{a.active && <Tag color="green" style={{ marginInlineStart: 8 }}>{t.certificates.active}</Tag>}{a.origin === "imported" && <Tag style={{ marginInlineStart: 8 }}>{t.certificates.imported}</Tag>}</> },
                { title: t.certificates.role, dataIndex: "role", render: (role: AuthorityView["role"]) => t.certificates.roles[role] },
                { title: t.certificates.until, dataIndex: "not_after_ms", render: (ms: number) => <span className="num">{f.time(ms)}</span> },
                { title: t.certificates.issuedCount, align: "right", render: (_, a) => <span className="num">{f.number(a.issued)} / {f.number(a.revoked)}</span> },
                { title: t.certificates.fingerprint, dataIndex: "fingerprint", render: (text: string) => <span className="mono" title={text}>{text.slice(0, 16)}…</span> },
                { title: "", render: (_, a) => (a.role === "issuing" ? <a href={`${API}/certificates/crl/${a.id}`} download>{t.certificates.crl}</a> : <a href={`${API}/certificates/root`} download>{t.certificates.download}</a>) },
              ]} />
              {engineer && <Revoked />}
            </>
          ) : <Empty title={t.certificates.noAuthority} text={t.certificates.noAuthorityText} />)}
        </Loaded>
      </Panel>
      {importing && <ImportAuthority close={() => { setImporting(false); }} />}
    </>
  );
}

function Revoked(): JSX.Element | null {
  const t = useText();
  const f = useFormat();
  const revoked = usePages<Certificate>("/certificates", { status: "revoked", limit: 20 });
  const items = revoked.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <>
      <h3 style={{ margin: "16px 16px 8px" }}>{t.certificates.revokedList}</h3>
      <Table size="small" pagination={false} rowKey="id" dataSource={items} scroll={{ x: "max-content" }} columns={[
        { title: t.certificates.subject, dataIndex: "subject_id", render: (id: string, c) => (c.kind === "device" ? <a href={`/devices/${id}?tab=connection`} className="mono">{id}</a> : <span className="mono">{id}</span>) },
        { title: t.certificates.serial, dataIndex: "serial", render: (text: string) => <span className="mono">{text.slice(0, 16)}…</span> },
        { title: t.certificates.revokedAt, dataIndex: "revoked_ms", render: (ms: number) => <span className="num">{f.time(ms)}</span> },
        { title: t.device.reason, dataIndex: "reason", render: (reason: NonNullable<Certificate["reason"]>) => t.certificates.reasons[reason] },
      ]} />
      {revoked.hasNextPage && <div style={{ padding: 12, textAlign: "center" }}><Button onClick={() => void revoked.fetchNextPage()}>{t.common.loadMore}</Button></div>}
    </>
  );
}

function ImportAuthority({ close }: { close: () => void }): JSX.Element {
  const t = useText();
  const send = useChange((body: Import) => post("/certificates/authorities/import", body), ["certificates"], close);
  return (
    <Modal open onCancel={close} title={t.certificates.import} width={640} footer={<Button type="primary" form="import-authority" htmlType="submit" loading={send.isPending}>{t.certificates.import}</Button>}>
      <Form<Import> id="import-authority" layout="vertical" onFinish={(body) => { send.mutate({ certificate: body.certificate, key: body.key, ...(body.password && { password: body.password }) }); }}>
        <p className="quiet">{t.certificates.importText}</p>
        <Form.Item name="certificate" label={t.certificates.chain} rules={[{ required: true, message: "" }]}><Input.TextArea rows={6} className="mono" placeholder="-----BEGIN CERTIFICATE-----" /></Form.Item>
        <Form.Item name="key" label={t.certificates.key} rules={[{ required: true, message: "" }]}><Input.TextArea rows={5} className="mono" placeholder="-----BEGIN PRIVATE KEY-----" autoComplete="off" /></Form.Item>
        <Form.Item name="password" label={t.certificates.keyPassword}><Input.Password autoComplete="off" /></Form.Item>
      </Form>
    </Modal>
  );
}
