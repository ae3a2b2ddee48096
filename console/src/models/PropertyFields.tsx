import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { AutoComplete, Button, Checkbox, Form, Input, InputNumber, Select } from "antd";
import type { JSX } from "react";

import { type ModelProperty, PROPERTY_TYPES } from "../api/model";
import { useText } from "../i18n";

/** Units that plants use most, in UCUM; any other code may be typed. */
const UNITS = ["Cel", "K", "kPa", "MPa", "bar", "Pa", "m3/h", "L/min", "kg/h", "t/h", "m/s", "mm", "m", "kW", "kW.h", "V", "A", "Hz", "/min", "%", "kg", "mol/L", "s"];

/** One line for each property of the model; folds on a narrow screen. */
export function PropertyFields(): JSX.Element {
  const t = useText();
  return (
    <Form.List name="properties">
      {(fields, { add, remove }) => (
        <div className="stack" style={{ gap: 12 }}>
          {fields.map(({ key, name }) => (
            <div key={key} className="panel property-line">
              <Form.Item
                name={[name, "name"]} label={t.models.property}
                rules={[{ required: true, message: t.common.required }, ({ getFieldValue }) => ({ validator: (_, value: string) => ((getFieldValue("properties") as ModelProperty[]).filter((p) => p.name && p.name === value).length > 1 ? Promise.reject(new Error(t.models.duplicate)) : Promise.resolve()) })]}
              ><Input className="mono" maxLength={200} /></Form.Item>
              <Form.Item name={[name, "type"]} label={t.models.type} initialValue="number"><Select options={PROPERTY_TYPES.map((value) => ({ value, label: t.models.types[value] }))} /></Form.Item>
              <Form.Item name={[name, "title"]} label={t.models.titleEn}><Input maxLength={200} /></Form.Item>
              <Form.Item name={[name, "title_zh"]} label={t.models.titleZh}><Input maxLength={200} /></Form.Item>
              <Form.Item noStyle shouldUpdate>
                {({ getFieldValue }) => {
                  const type = getFieldValue(["properties", name, "type"]) as string;
                  return type === "number" || type === "integer" ? <>
                    <Form.Item name={[name, "unit"]} label={t.models.unit} tooltip={t.models.unitHint}><AutoComplete options={UNITS.map((value) => ({ value }))} showSearch={{ filterOption: (text, option) => (option?.value ?? "").toLowerCase().startsWith(text.toLowerCase()) }} /></Form.Item>
                    <Form.Item name={[name, "minimum"]} label={t.models.minimum}><InputNumber style={{ width: "100%" }} /></Form.Item>
                    <Form.Item name={[name, "maximum"]} label={t.models.maximum}><InputNumber style={{ width: "100%" }} /></Form.Item>
                  </> : <div className="blank" style={{ gridColumn: "span 3" }} />;
                }}
              </Form.Item>
              <Form.Item name={[name, "writable"]} valuePropName="checked"><Checkbox>{t.models.writable}</Checkbox></Form.Item>
              <Button type="text" icon={<DeleteOutlined />} aria-label={t.common.delete} style={{ marginBlockEnd: 12 }} onClick={() => { remove(name); }} />
            </div>
          ))}
          <div><Button icon={<PlusOutlined />} onClick={() => { add({ name: "", type: "number" }); }}>{t.models.addProperty}</Button></div>
        </div>
      )}
    </Form.List>
  );
}
