import { App, Button, Form, Input, Modal, Select, Tag } from "antd";
import { type JSX, useState } from "react";

import { etagOf, put, remove } from "../../api/client";
import type { PrefixDetail } from "../../api/identifiers";
import { useChange } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Empty, Panel } from "../../parts/Page";
import { dayOf, endOfDay } from "./steps";

interface Fields { certified_by: string; number: string; until: string; evidence: string; document_id: string | null }

/** What is known of the applicant's certification, and how who decides records it. */
export function CertificationPanel({ prefix }: { prefix: PrefixDetail }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const [open, setOpen] = useState(false);
  const certifies = prefix.allowed.includes("certify");
  const found = prefix.certification;
  const revoke = useChange(() => remove(`/prefixes/${prefix.id}/certification`, etagOf(prefix)), ["prefixes"], () => undefined);
  const ask = (): void => { void modal.confirm({ title: t.prefixes.steps.revoke_certification, content: t.prefixes.revokeText, okText: t.prefixes.steps.revoke_certification, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => revoke.mutateAsync(undefined).catch(() => undefined) }); };
  const document = prefix.documents.find((one) => one.id === found?.document_id);
  return (
    <Panel
      title={t.prefixes.certification}
      extra={certifies && <span className="row" style={{ justifyContent: "flex-end" }}>{found && <Button size="small" onClick={ask}>{t.prefixes.steps.revoke_certification}</Button>}<Button size="small" type={found || prefix.state === "submitted" ? "default" : "primary"} onClick={() => { setOpen(true); }}>{found ? t.common.edit : t.prefixes.steps.certify}</Button></span>}
    >
      {found === null ? <Empty title={t.prefixes.noCertification} text={t.prefixes.noCertificationText} /> : (
        <dl className="facts" data-testid="certification">
          <dt>{t.prefixes.certifiedBy}</dt><dd>{found.certified_by}{!prefix.certified && <Tag color="warning" style={{ marginInlineStart: 8 }}>{t.prefixes.ended}</Tag>}</dd>
          {found.number && <><dt>{t.prefixes.certNumber}</dt><dd className="mono">{found.number}</dd></>}
          <dt>{t.prefixes.certUntil}</dt><dd className="num">{found.until_ms === null ? t.prefixes.noEnd : f.date(found.until_ms)}</dd>
          {(found.evidence || document) && <><dt>{t.prefixes.evidence}</dt><dd style={{ whiteSpace: "pre-wrap" }}>{[found.evidence, document?.name].filter(Boolean).join("\n")}</dd></>}
          <dt /><dd className="small faint">{t.prefixes.recorded(found.recorded_by, f.time(found.recorded_ms))}</dd>
        </dl>
      )}
      {open && <CertificationBox prefix={prefix} close={() => { setOpen(false); }} />}
    </Panel>
  );
}

function CertificationBox({ prefix, close }: { prefix: PrefixDetail; close: () => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const found = prefix.certification;
  const save = useChange(({ until, document_id: document, ...rest }: Fields) => put(`/prefixes/${prefix.id}/certification`, { ...rest, document_id: document ?? null, until_ms: endOfDay(until) }, etagOf(prefix)), ["prefixes"], () => { void message.success(t.prefixes.done.certify); close(); });
  return (
    <Modal open onCancel={close} title={t.prefixes.certification} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields>
        form={form} layout="vertical" requiredMark={false} onFinish={(fields) => { save.mutate(fields); }}
        initialValues={{ certified_by: found?.certified_by ?? "", number: found?.number ?? "", until: dayOf(found?.until_ms ?? null), evidence: found?.evidence ?? "", document_id: found?.document_id ?? null }}
      >
        <Form.Item name="certified_by" label={t.prefixes.certifiedBy} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={200} autoFocus /></Form.Item>
        <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(180px, 100%), 1fr))", gap: "0 16px" }}>
          <Form.Item name="number" label={`${t.prefixes.certNumber} (${t.common.optional})`}><Input maxLength={200} className="mono" /></Form.Item>
          <Form.Item name="until" label={`${t.prefixes.certUntil} (${t.common.optional})`}><Input type="date" /></Form.Item>
        </div>
        <Form.Item name="evidence" label={t.prefixes.evidence}><Input.TextArea rows={2} maxLength={2000} placeholder={t.prefixes.evidenceHint} /></Form.Item>
        {prefix.documents.length > 0 && <Form.Item name="document_id" label={t.prefixes.evidenceDocument}><Select allowClear options={prefix.documents.map((one) => ({ value: one.id, label: one.name }))} /></Form.Item>}
      </Form>
    </Modal>
  );
}
