import { Form, Input, Modal, Select } from "antd";
import { type JSX } from "react";
import { useNavigate } from "react-router";

import { chosenOrganisation, post, put } from "../../api/client";
import { PREFIX_SYSTEMS, type PrefixDetail, type PrefixForm, type PrefixSystem } from "../../api/identifiers";
import { useChange, useRights } from "../../api/queries";
import { useText } from "../../i18n";
import { PrefixCheck } from "./PrefixCheck";
import { dayOf, endOfDay } from "./steps";

interface Fields { system: PrefixSystem; prefix: string; organisation_id: string; credit_code: string; contact: PrefixForm["contact"]; industry: string; use: string; until: string }

/** The form of an application: made anew, corrected while it is a draft or returned, or completed later. */
export function ApplicationBox({ prefix, close }: { prefix: PrefixDetail | null; close: () => void }): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const [form] = Form.useForm<Fields>();
  const organisations = useRights().data?.organisations ?? [];
  const system = Form.useWatch("system", form) ?? prefix?.system ?? "handle";
  const typed = Form.useWatch("prefix", form) ?? prefix?.prefix ?? "";
  const held = prefix !== null && prefix.state !== "draft" && prefix.state !== "returned";
  const save = useChange((fields: Fields) => {
    const { until, organisation_id: organisation, ...rest } = fields;
    const body = { ...rest, prefix: rest.prefix.trim(), until_ms: held ? prefix.form.until_ms : endOfDay(until) };
    return prefix ? put<PrefixDetail>(`/prefixes/${prefix.id}`, body, `"${prefix.revision}"`) : post<PrefixDetail>("/prefixes", { ...body, organisation_id: organisation });
  }, ["prefixes"], (saved) => {
    close();
    if (!prefix) void navigate(`/prefixes/${saved.id}`);
  });
  const first: Fields = prefix
    ? { ...prefix.form, organisation_id: prefix.organisation_id, until: dayOf(prefix.form.until_ms) }
    : { system: "handle", prefix: "", organisation_id: chosenOrganisation() ?? organisations[0]?.id ?? "", credit_code: "", contact: { name: "", telephone: "", email: "" }, industry: "", use: "", until: "" };
  const optional = (label: string): string => `${label} (${t.common.optional})`;
  return (
    <Modal open onCancel={close} width={680} title={prefix ? t.prefixes.editTitle : t.prefixes.apply} okText={prefix ? t.common.save : t.prefixes.saveDraft} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} initialValues={first} onFinish={(fields) => { save.mutate({ ...first, ...fields }); }}>
        <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(220px, 100%), 1fr))", gap: "0 16px" }}>
          <Form.Item name="system" label={t.prefixes.system}><Select disabled={held} virtual={false} options={PREFIX_SYSTEMS.map((value) => ({ value, label: t.prefixes.systems[value] }))} /></Form.Item>
          <Form.Item name="prefix" label={t.prefixes.prefix} rules={[{ required: true, whitespace: true, message: t.common.required }]} style={{ marginBlockEnd: 4 }}><Input className="mono" disabled={held} autoFocus maxLength={200} spellCheck={false} placeholder={t.prefixes.samples[system]} /></Form.Item>
        </div>
        {!held && <PrefixCheck system={system} text={typed} />}
        <Form.Item name="organisation_id" label={t.prefixes.applicant} rules={[{ required: true, message: t.common.required }]}>
          {prefix ? <Select disabled options={[{ value: prefix.organisation_id, label: prefix.organisation_name || prefix.organisation_id }]} /> : <Select showSearch={{ optionFilterProp: "label" }} options={organisations.map((one) => ({ value: one.id, label: one.name }))} />}
        </Form.Item>
        <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(180px, 100%), 1fr))", gap: "0 16px" }}>
          <Form.Item name="credit_code" label={t.prefixes.creditCode} extra={t.prefixes.creditCodeHint}><Input className="mono" maxLength={40} spellCheck={false} /></Form.Item>
          <Form.Item name="industry" label={t.prefixes.industry} extra={t.prefixes.industryHint}><Input maxLength={200} /></Form.Item>
        </div>
        <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(180px, 100%), 1fr))", gap: "0 16px" }}>
          <Form.Item name={["contact", "name"]} label={`${t.prefixes.contact}: ${t.prefixes.contactName}`}><Input maxLength={200} autoComplete="name" /></Form.Item>
          <Form.Item name={["contact", "telephone"]} label={t.prefixes.telephone}><Input maxLength={200} inputMode="tel" autoComplete="tel" /></Form.Item>
          <Form.Item name={["contact", "email"]} label={t.prefixes.email} rules={[{ type: "email", message: t.prefixes.emailWrong }]}><Input maxLength={200} inputMode="email" autoComplete="email" /></Form.Item>
        </div>
        <Form.Item name="use" label={t.prefixes.use} extra={t.prefixes.useHint}><Input.TextArea rows={3} maxLength={2000} /></Form.Item>
        {!held && <Form.Item name="until" label={optional(t.prefixes.formUntil)} extra={t.prefixes.untilHint} style={{ marginBlockEnd: 8 }}><Input type="date" style={{ maxWidth: 200 }} /></Form.Item>}
        {!prefix && <p className="small quiet">{t.prefixes.documentsLater} {t.prefixes.goesTo}</p>}
      </Form>
    </Modal>
  );
}
