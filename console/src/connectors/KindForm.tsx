import { Collapse, Form, Input, InputNumber, Select, Switch } from "antd";
import type { JSX } from "react";

import type { ConnectorKind, KindField } from "../api/model";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";

/** What a form holds of a field: JSON and lists are text while they are edited. */
export type FormValues = Record<string, unknown>;

/** The entries of a list, one a line; a certificate in PEM is one entry of many lines. */
const entriesOf = (text: string): string[] => (text.match(/-----BEGIN[\s\S]+?-----END[^\n]*|[^\n]+/g) ?? []).map((entry) => entry.trim()).filter(Boolean);

const words = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

/** The values to begin with: those of a connection, else the defaults. */
export function startValues(kind: ConnectorKind, settings: Record<string, unknown> = {}): FormValues {
  return Object.fromEntries(kind.fields.map((field) => {
    const value = settings[field.name] ?? field.default;
    if (field.type === "list") return [field.name, Array.isArray(value) ? value.join("\n") : ""];
    return [field.name, field.type === "json" && value !== null && value !== undefined ? JSON.stringify(value) : value ?? undefined];
  }));
}

/** The settings as the node takes them: what equals its default is left out, and so is a secret that was not typed. */
export function settingsOf(kind: ConnectorKind, values: FormValues): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const field of kind.fields) {
    const value = values[field.name];
    if (!means(kind, field, values)) continue;
    if (value === undefined || value === null || (value === "" && (field.secret || field.optional || !field.required))) continue;
    const real: unknown = typeof value !== "string" ? value
      : field.type === "json" ? JSON.parse(value)
      : field.type === "list" ? entriesOf(value).map((entry) => (field.items === "integer" ? Number(entry) : entry))
      : value;
    if (field.required || JSON.stringify(real) !== JSON.stringify(field.default)) found[field.name] = real;
  }
  return found;
}

/** Whether a setting means something beside the others, as its connector says. */
export const means = (kind: ConnectorKind, field: KindField, values: FormValues): boolean =>
  Object.entries(field.when ?? {}).every(([name, wanted]) => (wanted as unknown[]).includes(values[name] ?? kind.fields.find((one) => one.name === name)?.default));

/** A description as it stands in the settings, with what is `quoted` as code. */
const inWords = (text: string): (string | JSX.Element)[] => text.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part));

/** The fields of a protocol's settings, as its connector describes them. */
export function KindFields({ kind, kept = [] }: { kind: ConnectorKind; kept?: readonly string[] }): JSX.Element {
  const t = useText();
  const form = Form.useFormInstance<FormValues>();
  const values = Form.useWatch((all: FormValues) => all, form) as FormValues | undefined;
  const shown = kind.fields.filter((field) => means(kind, field, values ?? {}));
  const plain = shown.filter((field) => !field.advanced && field.name !== "timeout_s");
  const rest = shown.filter((field) => !plain.includes(field));
  return (
    <>
      {plain.map((field) => <Field key={field.name} field={field} kept={kept.includes(field.name)} />)}
      {rest.length > 0 && <Collapse ghost size="small" items={[{ key: "rest", label: t.connectors.wizard.advanced, forceRender: true, children: rest.map((field) => <Field key={field.name} field={field} kept={kept.includes(field.name)} />) }]} />}
    </>
  );
}

function Field({ field, kept }: { field: KindField; kept: boolean }): JSX.Element {
  const t = useText();
  const { language } = usePreferences();
  const title = (language === "zh" ? field.title_zh || field.title : field.title) || words(field.name);
  const text = (language === "zh" && field.description_zh) || field.description;
  const form = { json: t.connectors.wizard.json, list: t.connectors.wizard.lines }[field.type as string];
  const isJson = (value: unknown): boolean => { try { JSON.parse(String(value)); return true; } catch { return false; } };
  return (
    <Form.Item
      name={field.name} label={title} extra={inWords(form ? `${text} (${form})` : text)} valuePropName={field.type === "boolean" ? "checked" : "value"}
      rules={[
        ...(field.required && !kept ? [{ required: true, message: t.common.required }] : []),
        ...(field.type === "json" ? [{ validator: (_: unknown, value: unknown) => (value === undefined || value === "" || isJson(value) ? Promise.resolve() : Promise.reject(new Error(t.connectors.wizard.json))) }] : []),
        ...(field.items === "integer" ? [{ validator: (_: unknown, value: unknown) => (entriesOf(typeof value === "string" ? value : "").every((entry) => /^\d+$/.test(entry)) ? Promise.resolve() : Promise.reject(new Error(t.connectors.wizard.numbers))) }] : []),
      ]}
    >
      {field.type === "boolean" ? <Switch size="small" />
        : field.type === "choice" ? <Select virtual={false} allowClear={field.optional} options={field.choices.map((value) => ({ value: value as string, label: String(value) }))} />
        : field.type === "integer" || field.type === "number" ? <InputNumber style={{ width: "100%" }} min={field.minimum ?? undefined} max={field.maximum ?? undefined} precision={field.type === "integer" ? 0 : undefined} />
        : field.secret ? (field.multiline ? <Input.TextArea rows={4} autoComplete="off" placeholder={kept ? t.connectors.wizard.secretKept : undefined} /> : <Input.Password autoComplete="new-password" placeholder={kept ? t.connectors.wizard.secretKept : undefined} />)
        : field.type === "json" || field.type === "list" || field.multiline ? <Input.TextArea autoSize={{ minRows: 1, maxRows: 8 }} className="mono" autoComplete="off" />
        : <Input autoComplete="off" />}
    </Form.Item>
  );
}
