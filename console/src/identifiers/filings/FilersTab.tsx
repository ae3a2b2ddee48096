import { PlusOutlined } from "@ant-design/icons";
import { Alert, App, Button, Checkbox, Drawer, Dropdown, Form, Input, Modal, Radio, Select, Switch, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";

import { post, remove, request } from "../../api/client";
import type { Filer, MadeFiler, Policy, ReportView } from "../../api/filings";
import { useChange, useList, useMay, useRights } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Snippet } from "../../parts/Copy";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded } from "../../parts/Page";
import { usePhone } from "../../parts/screen";

interface Fields { name: string; holder_id: string; policy: Policy; public_key: string; suspended: boolean; forget: boolean }

/** The nodes below that may file here, and their reports. */
export function FilersTab(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const manages = useMay("filings:manage");
  const filers = useList<Filer>("/filers", {}, { everyMs: 10_000 });
  const [editing, setEditing] = useState<Filer | "new" | null>(null);
  const [open, setOpen] = useState<Filer | null>(null);
  const [made, setMade] = useState<MadeFiler | null>(null);
  const add = manages && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setEditing("new"); }}>{t.filings.addFiler}</Button>;
  const state = (one: Filer): JSX.Element => <>
    {one.suspended && <Tag color="error">{t.filings.suspended}</Tag>}
    {one.late_ms !== null && <Tag color="warning" data-late="true">{t.filings.late(f.number(one.missing))}</Tag>}
    {!one.suspended && one.late_ms === null && one.reported_ms !== null && <Tag color="success">{t.filings.onTime}</Tag>}
  </>;
  const columns: TableColumnsType<Filer> = [
    { key: "name", title: t.filings.filerName, render: (_, one) => <button type="button" className="plain" style={{ fontWeight: 600 }} onClick={() => { setOpen(one); }}>{one.name}</button> },
    { key: "holder", title: t.filings.holderOf, render: (_, one) => one.holder_name || one.holder_id },
    { key: "policy", title: t.filings.policy, render: (_, one) => t.filings.policies[one.policy] },
    { key: "reports", title: t.filings.reports, render: (_, one) => state(one) },
    { key: "reported", title: t.filings.lastReport, render: (_, one) => <span className="num quiet">{one.reported_ms === null ? "–" : f.time(one.reported_ms)}</span> },
    { key: "seen", title: t.filings.seen, render: (_, one) => <span className="num quiet">{one.seen_ms === null ? "–" : f.time(one.seen_ms)}</span> },
  ];
  return (
    <>
      <Loaded query={filers}>
        {(items) => items.length === 0 ? <div className="panel"><Empty title={t.filings.noFilers} text={t.filings.noFilersText}>{add}</Empty></div> : (
          <div className="stack">
            {add && <div>{add}</div>}
            <Listing
              items={items} columns={columns} rowKey={(one) => one.id} onOpen={setOpen}
              card={(one) => (
                <button type="button" className="card" onClick={() => { setOpen(one); }}>
                  <span className="row spread"><b className="cut">{one.name}</b><span>{state(one)}</span></span>
                  <span className="small quiet" style={{ display: "block" }}>{one.holder_name} · {t.filings.policies[one.policy]}</span>
                </button>
              )}
            />
          </div>
        )}
      </Loaded>
      {open && <FilerDrawer filer={filers.data?.find((one) => one.id === open.id) ?? open} close={() => { setOpen(null); }} edit={() => { setEditing(open); }} made={setMade} />}
      {editing && <FilerBox filer={editing === "new" ? null : editing} close={() => { setEditing(null); }} made={setMade} />}
      {made && <TokenOnce made={made} close={() => { setMade(null); }} />}
    </>
  );
}

function FilerDrawer({ filer, close, edit, made }: { filer: Filer; close: () => void; edit: () => void; made: (found: MadeFiler) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { message, modal } = App.useApp();
  const manages = useMay("filings:manage");
  const reports = useList<ReportView>(`/filers/${filer.id}/reports`, {}, { everyMs: 15_000 });
  const renew = useChange(() => post<MadeFiler>(`/filers/${filer.id}/token`), ["filers"], (found) => { made(found); });
  const gone = useChange(() => remove(`/filers/${filer.id}`), ["filers"], () => { void message.success(t.filings.removed); close(); });
  const ask = (key: string): void => {
    if (key === "token") modal.confirm({ title: t.filings.newToken, content: t.filings.newTokenText, okText: t.filings.newToken, cancelText: t.common.cancel, onOk: () => { renew.mutate(undefined); } });
    else modal.confirm({ title: t.filings.removeFiler, content: t.filings.removeFilerText, okText: t.common.delete, okButtonProps: { danger: true }, cancelText: t.common.cancel, onOk: () => { gone.mutate(undefined); } });
  };
  const phone = usePhone();
  return (
    <Drawer
      open onClose={close} size={phone ? "100%" : 620} title={filer.name}
      extra={manages && <span className="row"><Button size="small" onClick={edit}>{t.common.edit}</Button><Dropdown trigger={["click"]} menu={{ items: [{ key: "token", label: t.filings.newToken }, { key: "remove", label: t.common.delete, danger: true }], onClick: ({ key }) => { ask(key); } }}><Button size="small">{t.common.more}</Button></Dropdown></span>}
    >
      <div className="stack">
        {filer.late_ms !== null && <Alert type="warning" showIcon title={t.filings.late(f.number(filer.missing))} description={t.filings.lateSince(f.time(filer.late_ms))} />}
        <dl className="facts">
          <dt>{t.filings.holderOf}</dt><dd>{filer.holder_name || filer.holder_id}</dd>
          <dt>{t.filings.policy}</dt><dd>{t.filings.policies[filer.policy]}</dd>
          <dt>{t.filings.publicKey}</dt><dd className="mono small">{filer.public_key ?? t.filings.keyNone}</dd>
          <dt>{t.filings.seen}</dt><dd className="num">{filer.seen_ms === null ? "–" : f.time(filer.seen_ms)}</dd>
        </dl>
        <h3 style={{ fontSize: 14 }}>{t.filings.reports}</h3>
        <Loaded query={reports}>{(items) => items.length === 0 ? <p className="quiet">{t.filings.noReports}</p> : (
          <div className="insets panel" data-testid="reports">
            {items.map((one) => (
              <div key={`${one.from_ms} ${one.missing ?? 0}`} className="inset">
                <div className="row spread wrap"><span className="num">{f.time(one.from_ms)} – {f.time(one.to_ms)}</span>{(one.missing ?? 0) > 0 ? <Tag color="warning">{t.filings.missing(f.number(one.missing ?? 0))}</Tag> : one.late && <Tag>{t.filings.cameLate}</Tag>}</div>
                {one.report && <div className="small">{t.filings.identifiers} <b className="num">{f.number(one.report.identifiers)}</b> · {t.filings.resolutions} <b className="num">{one.report.resolutions === null ? "–" : f.number(one.report.resolutions)}</b> · {Object.entries(one.report.states).map(([name, count]) => `${t.filings.prefixStates[name] ?? name} ${f.number(count)}`).join(" · ")}<div className="quiet">{t.filings.position} {f.number(one.report.position)} · <span className="mono">{one.report.digest?.slice(0, 16)}…</span></div></div>}
                {(one.strange ?? 0) > 0 && <div className="small" style={{ color: "var(--warn)" }}>{t.filings.strange(f.number(one.strange ?? 0))}</div>}
              </div>
            ))}
          </div>
        )}</Loaded>
      </div>
    </Drawer>
  );
}

function FilerBox({ filer, close, made }: { filer: Filer | null; close: () => void; made: (found: MadeFiler) => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const rights = useRights();
  const [form] = Form.useForm<Fields>();
  const save = useChange(
    async ({ forget, public_key, ...fields }: Fields): Promise<MadeFiler | null> => {
      if (!filer) return post<MadeFiler>("/filers", { name: fields.name, holder_id: fields.holder_id, policy: fields.policy, public_key: public_key.trim() });
      await request("PUT", `/filers/${filer.id}`, { body: { name: fields.name, policy: fields.policy, suspended: fields.suspended, ...(forget && { public_key: "" }) } });
      return null;
    },
    ["filers"], (found) => { if (found) made(found); else void message.success(t.filings.saved); close(); }, close,
  );
  return (
    <Modal open onCancel={close} title={filer ? t.filings.editFiler : t.filings.addFiler} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} onFinish={(fields) => { save.mutate(fields); }} initialValues={{ name: filer?.name ?? "", holder_id: filer?.holder_id, policy: filer?.policy ?? "review", public_key: "", suspended: filer?.suspended ?? false, forget: false }}>
        <Form.Item name="name" label={t.filings.filerName} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={120} autoFocus /></Form.Item>
        {!filer && <Form.Item name="holder_id" label={t.filings.holderOf} extra={t.filings.holderHint} rules={[{ required: true, message: t.common.required }]}><Select showSearch={{ optionFilterProp: "label" }} virtual={false} options={(rights.data?.organisations ?? []).map((one) => ({ value: one.id, label: one.name }))} /></Form.Item>}
        <Form.Item name="policy" label={t.filings.policy}><Radio.Group options={(["review", "automatic"] as const).map((value) => ({ value, label: t.filings.policies[value] }))} /></Form.Item>
        {!filer && <Form.Item name="public_key" label={t.filings.publicKey} extra={t.filings.publicKeyHint}><Input className="mono" maxLength={400} /></Form.Item>}
        {filer && <Form.Item name="suspended" label={t.filings.suspended} extra={t.filings.suspendedText} valuePropName="checked"><Switch /></Form.Item>}
        {filer?.public_key && <Form.Item name="forget" valuePropName="checked"><Checkbox>{t.filings.forgetKey}</Checkbox></Form.Item>}
      </Form>
    </Modal>
  );
}

/** The token, shown this once. */
function TokenOnce({ made, close }: { made: MadeFiler; close: () => void }): JSX.Element {
  const t = useText();
  return (
    <Modal open onCancel={close} title={t.filings.tokenOnce} footer={<Button type="primary" onClick={close}>{t.common.done}</Button>}>
      <div className="stack tight">
        <p>{t.filings.tokenOnceText}</p>
        <div className="label">{t.filings.token}</div><Snippet text={made.token} />
        <div className="label">{t.filings.thisAddress}</div><Snippet text={location.origin} />
      </div>
    </Modal>
  );
}
