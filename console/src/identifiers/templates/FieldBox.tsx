import { Checkbox, Drawer, Form, Input, InputNumber, Select, Space, Button } from "antd";
import type { JSX } from "react";

import { FIELD_TYPES, type TemplateField, VISIBILITIES } from "../../api/identifiers";
import type { CodeSystem } from "../../api/model";
import { useResource } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { useText } from "../../i18n";
import { usePhone } from "../../parts/screen";
import { linesOfValues, RANGED, tidyField, valuesOfLines, whole } from "./document";

interface Fields extends Omit<TemplateField, "values" | "granted_to"> { lines?: string; organisations?: string; roles?: string }

/** Everything of one field. */
export function FieldBox({ field, others, edits, fresh, done, close }: { field: TemplateField; others: readonly TemplateField[]; edits: boolean; fresh: boolean; done: (field: TemplateField) => void; close: () => void }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const zh = usePreferences().language === "zh";
  const systems = useResource<CodeSystem[]>("/codes/systems");
  const [form] = Form.useForm<Fields>();
  const f = whole(field);
  const type = Form.useWatch("type", form) ?? f.type;
  const visibility = Form.useWatch("visibility", form) ?? f.visibility;
  const words = (text: string | undefined): string[] => (text ?? "").split(/[\s,，;；]+/).filter(Boolean);
  const finish = ({ lines, organisations, roles, ...rest }: Fields): void => {
    done(tidyField({ ...f, ...rest, values: valuesOfLines(lines ?? ""), granted_to: { organisations: words(organisations), roles: words(roles) } }));
  };
  const optional = (label: string): string => `${label} (${t.common.optional})`;
  const two = { gridTemplateColumns: "repeat(auto-fit, minmax(min(160px, 100%), 1fr))", gap: "0 16px" };
  return (
    <Drawer open onClose={close} size={phone ? "100%" : 520} title={fresh ? t.templates.addField : t.templates.editField} extra={edits && <Space><Button onClick={close}>{t.common.cancel}</Button><Button type="primary" onClick={() => { form.submit(); }}>{fresh ? t.common.add : t.common.done}</Button></Space>}>
      <Form<Fields>
        form={form} layout="vertical" requiredMark={false} disabled={!edits} onFinish={finish}
        initialValues={{ ...f, lines: linesOfValues(f.values), organisations: (f.granted_to?.organisations ?? []).join(" "), roles: (f.granted_to?.roles ?? []).join(" ") }}
      >
        <div className="grid" style={{ gridTemplateColumns: "minmax(0, 2fr) minmax(0, 1fr)", gap: "0 16px" }}>
          <Form.Item name="name" label={t.templates.fieldName} tooltip={t.templates.fieldNameHint} rules={[{ required: true, message: t.common.required }, { pattern: /^[a-z][a-z0-9_]{0,63}$/, message: t.templates.nameWrong }, { validator: (_, value: string) => (others.some((one) => one.name === value) ? Promise.reject(new Error(t.templates.nameTwice)) : Promise.resolve()) }]}><Input className="mono" autoFocus maxLength={64} spellCheck={false} /></Form.Item>
          <Form.Item name="number" label={t.templates.number} tooltip={t.templates.numberHint} rules={[{ required: true, message: t.common.required }, { validator: (_, value: number) => (others.some((one) => one.number === value) ? Promise.reject(new Error(t.templates.numberTwice)) : Promise.resolve()) }]}><InputNumber min={1} max={9999} precision={0} style={{ width: "100%" }} /></Form.Item>
        </div>
        <div className="grid" style={two}>
          <Form.Item name="label_zh" label={t.templates.labelZh}><Input maxLength={128} /></Form.Item>
          <Form.Item name="label" label={t.templates.label}><Input maxLength={128} /></Form.Item>
        </div>
        <Form.Item name="type" label={t.templates.type}><Select virtual={false} options={FIELD_TYPES.map((value) => ({ value, label: t.templates.types[value] }))} /></Form.Item>
        {type === "enum" && <Form.Item name="lines" label={t.templates.values} extra={t.templates.valuesHint} rules={[{ required: true, whitespace: true, message: t.templates.valuesNeeded }]}><Input.TextArea className="mono" rows={5} /></Form.Item>}
        {type === "quantity" && <Form.Item name="unit" label={t.templates.unit} rules={[{ required: true, whitespace: true, message: t.templates.unitNeeded }]}><Input className="mono" maxLength={40} placeholder="kg" /></Form.Item>}
        {type === "reference" && <Form.Item name="system" label={t.templates.refersTo}><Select allowClear placeholder={t.templates.anySystem} virtual={false} options={(systems.data ?? []).map((one) => ({ value: one.name, label: zh ? one.label_zh : one.label }))} /></Form.Item>}
        {(type === "text" || type === "url") && <Form.Item name="pattern" label={optional(t.templates.pattern)} extra={t.templates.patternHint}><Input className="mono" maxLength={200} spellCheck={false} /></Form.Item>}
        {RANGED.includes(type) && (
          <div className="grid" style={two}>
            <Form.Item name="minimum" label={type === "text" ? t.templates.leastCharacters : t.templates.minimum}><InputNumber style={{ width: "100%" }} /></Form.Item>
            <Form.Item name="maximum" label={type === "text" ? t.templates.mostCharacters : t.templates.maximum} dependencies={["minimum"]} rules={[({ getFieldValue }) => ({ validator: (_, value: number | null) => (typeof value === "number" && typeof getFieldValue("minimum") === "number" && value < (getFieldValue("minimum") as number) ? Promise.reject(new Error(t.templates.rangeWrong)) : Promise.resolve()) })]}><InputNumber style={{ width: "100%" }} /></Form.Item>
          </div>
        )}
        <div className="row wrap">
          <Form.Item name="required" valuePropName="checked"><Checkbox>{t.templates.required}</Checkbox></Form.Item>
          <Form.Item name="repeated" valuePropName="checked"><Checkbox>{t.templates.repeated}</Checkbox></Form.Item>
        </div>
        <Form.Item name="visibility" label={t.templates.visibility} extra={t.templates.visibilityTexts[visibility]}><Select virtual={false} options={VISIBILITIES.map((value) => ({ value, label: t.templates.visibilities[value] }))} /></Form.Item>
        {visibility === "granted" && <>
          <Form.Item name="organisations" label={`${t.templates.readers}: ${t.templates.organisations}`}><Input className="mono" placeholder={t.templates.readersHint} /></Form.Item>
          <Form.Item name="roles" label={`${t.templates.readers}: ${t.templates.roles}`}><Input className="mono" placeholder={t.templates.readersHint} /></Form.Item>
        </>}
        <Form.Item name="description" label={optional(t.templates.description)}><Input.TextArea rows={2} maxLength={1000} /></Form.Item>
        <div className="grid" style={two}>
          <Form.Item name="ttl" label={t.templates.ttl}><InputNumber min={0} max={2_147_483_647} precision={0} style={{ width: "100%" }} /></Form.Item>
          <Form.Item name="handle_type" label={optional(t.templates.handleType)} tooltip={t.templates.handleTypeHint}><Input className="mono" maxLength={64} /></Form.Item>
        </div>
      </Form>
    </Drawer>
  );
}
