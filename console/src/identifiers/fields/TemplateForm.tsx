import { CloseOutlined, EnvironmentOutlined, LockOutlined, PlusOutlined, UploadOutlined } from "@ant-design/icons";
import { Button, Input, InputNumber, Select, Tooltip, Upload } from "antd";
import { type JSX, useId, useState } from "react";

import type { FieldProblem, TemplateField } from "../../api/identifiers";
import { usePreferences } from "../../app/preferences";
import { useText } from "../../i18n";
import { unitSign } from "../../i18n/format";
import { whole, type WholeField } from "../templates/document";
import { digestOf, type Entered, type FileValue, type Place, type Quantity } from "./values";

/** What a field is called in the chosen language. */
export function useFieldLabel(): (field: Pick<TemplateField, "name" | "label" | "label_zh">) => string {
  const zh = usePreferences().language === "zh";
  return (field) => (zh ? field.label_zh || field.label : field.label || field.label_zh) || field.name;
}

/** The fields of a template to be filled in, with what the node says of each; those `kept` have a value that is not shown. */
export function TemplateForm({ fields, entered, change, problems, faults, kept = [] }: { fields: readonly TemplateField[]; entered: Entered; change: (next: Entered) => void; problems: readonly FieldProblem[]; faults: readonly string[]; kept?: readonly string[] }): JSX.Element {
  const t = useText();
  const zh = usePreferences().language === "zh";
  const label = useFieldLabel();
  const id = useId();
  return (
    <div className="template-form">
      {fields.map((field) => {
        const f = whole(field);
        const said = [...problems.filter((one) => one.field === f.name).map((one) => (zh ? one.why_zh || one.why : one.why)), ...(faults.includes(f.name) ? [t.templates.jsonWrong] : [])];
        const set = (value: unknown): void => { change({ ...entered, [f.name]: value }); };
        const wide = f.repeated || ["json", "file", "geo", "quantity"].includes(f.type) || (f.type === "text" && (f.maximum ?? 0) > 200);
        return (
          <div key={f.name} className={wide ? "wide" : ""} data-field={f.name}>
            <div className="row" style={{ gap: 6, marginBlockEnd: 4 }}>
              <label htmlFor={`${id}${f.name}`}>{label(f)}</label>
              {f.required ? <span aria-hidden style={{ color: "var(--critical)" }}>*</span> : <span className="small faint">{t.common.optional}</span>}
              {f.visibility !== "public" && <Tooltip title={t.templates.visibilityTexts[f.visibility]}><span className="small quiet" tabIndex={0}><LockOutlined /> {f.visibility === "sealed" ? t.templates.sealedNote : t.templates.grantedNote}</span></Tooltip>}
            </div>
            {f.repeated ? <Several id={`${id}${f.name}`} field={f} values={Array.isArray(entered[f.name]) ? entered[f.name] as unknown[] : []} change={set} wrong={said.length > 0} /> : <One id={`${id}${f.name}`} field={f} value={entered[f.name]} change={set} wrong={said.length > 0} />}
            {kept.includes(f.name) && <div className="small quiet">{t.templates.keptNote}</div>}
            {f.description && <div className="small quiet">{f.description}</div>}
            {said.map((why) => <div key={why} className="small" role="alert" style={{ color: "var(--critical)" }}>{why}</div>)}
          </div>
        );
      })}
    </div>
  );
}

interface Props { id: string; field: WholeField; value: unknown; change: (value: unknown) => void; wrong: boolean }

function Several({ id, field, values, change, wrong }: Omit<Props, "value"> & { values: unknown[] }): JSX.Element {
  const t = useText();
  const shown = values.length === 0 ? [undefined] : values;
  return (
    <div className="stack" style={{ gap: 6 }}>
      {shown.map((value, place) => (
        <div key={place} className="row" style={{ alignItems: "flex-start" }}>
          <div className="grow"><One id={place === 0 ? id : `${id}-${place}`} field={field} value={value} wrong={wrong} change={(next) => { change(shown.map((each, at) => (at === place ? next : each))); }} /></div>
          {values.length > 0 && <Button type="text" icon={<CloseOutlined />} aria-label={t.common.delete} onClick={() => { change(values.filter((_, at) => at !== place)); }} />}
        </div>
      ))}
      <div><Button size="small" type="dashed" icon={<PlusOutlined />} onClick={() => { change([...shown, undefined]); }}>{t.templates.addValue}</Button></div>
    </div>
  );
}

function One({ id, field, value, change, wrong }: Props): JSX.Element {
  const t = useText();
  const zh = usePreferences().language === "zh";
  const status = wrong ? "error" as const : "" as const;
  const text = typeof value === "string" ? value : "";
  const typed = (event: { target: { value: string } }): void => { change(event.target.value); };
  switch (field.type) {
    case "integer": case "number":
      return <InputNumber id={id} style={{ width: "100%" }} status={status} {...(field.type === "integer" && { precision: 0 })} value={(value as number | undefined) ?? null} onChange={change} />;
    case "boolean":
      return <Select id={id} allowClear status={status} style={{ width: "100%" }} value={(value as boolean | undefined) ?? null} onChange={change} options={[{ value: true, label: t.common.yes }, { value: false, label: t.common.no }]} />;
    case "enum":
      return <Select id={id} allowClear status={status} style={{ width: "100%" }} showSearch={{ optionFilterProp: "label" }} value={text || null} onChange={change} options={field.values.map((one) => ({ value: one.value, label: (zh ? one.label_zh || one.label : one.label) || one.value }))} />;
    case "date":
      return <Input id={id} type="date" status={status} value={text} onChange={typed} />;
    case "datetime":
      return <Input id={id} type="datetime-local" step={1} status={status} value={text} onChange={typed} />;
    case "quantity": {
      const { value: number, unit } = (value as Quantity | undefined) ?? { value: null, unit: field.unit ?? "" };
      return (
        <div className="row">
          <InputNumber id={id} style={{ flex: 2 }} status={status} value={number} onChange={(next) => { change({ value: next, unit }); }} />
          <Input style={{ flex: 1, minWidth: 64 }} className="mono" aria-label={t.templates.unit} value={unit} suffix={unitSign(unit) === unit ? null : <span className="quiet">{unitSign(unit)}</span>} onChange={(event) => { change({ value: number, unit: event.target.value }); }} />
        </div>
      );
    }
    case "geo": return <GeoInput id={id} value={value as Place | undefined} change={change} wrong={wrong} />;
    case "file": return <FileInput id={id} value={value as FileValue | undefined} change={change} wrong={wrong} />;
    case "json":
      return <Input.TextArea id={id} className="mono" rows={4} spellCheck={false} status={status} value={text} onChange={typed} />;
    case "text":
      if ((field.maximum ?? 0) > 200) return <Input.TextArea id={id} rows={3} status={status} value={text} onChange={typed} />;
      return <Input id={id} status={status} value={text} onChange={typed} {...(field.pattern && { placeholder: field.pattern })} />;
    default:
      return <Input id={id} className={field.type === "reference" ? "mono" : ""} inputMode={field.type === "url" ? "url" : "text"} spellCheck={false} status={status} value={text} placeholder={field.type === "url" ? "https://" : field.type === "reference" ? "88.118.8/pump-7" : ""} onChange={typed} />;
  }
}

function GeoInput({ id, value, change, wrong }: { id: string; value: Place | undefined; change: (value: unknown) => void; wrong: boolean }): JSX.Element {
  const t = useText();
  const now = value ?? { latitude: null, longitude: null };
  const [asking, setAsking] = useState(false);
  const ask = (): void => {
    setAsking(true);
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      setAsking(false);
      change({ latitude: Number(coords.latitude.toFixed(6)), longitude: Number(coords.longitude.toFixed(6)) });
    }, () => { setAsking(false); }, { timeout: 10_000 });
  };
  return (
    <div className="row wrap">
      <InputNumber id={id} style={{ flex: "1 1 120px" }} status={wrong ? "error" : ""} value={now.latitude} placeholder={t.templates.latitude} aria-label={t.templates.latitude} onChange={(latitude) => { change({ ...now, latitude }); }} />
      <InputNumber style={{ flex: "1 1 120px" }} status={wrong ? "error" : ""} value={now.longitude} placeholder={t.templates.longitude} aria-label={t.templates.longitude} onChange={(longitude) => { change({ ...now, longitude }); }} />
      {"geolocation" in navigator && window.isSecureContext && <Button icon={<EnvironmentOutlined />} loading={asking} onClick={ask}>{t.templates.here}</Button>}
    </div>
  );
}

function FileInput({ id, value, change, wrong }: { id: string; value: FileValue | undefined; change: (value: unknown) => void; wrong: boolean }): JSX.Element {
  const t = useText();
  const [busy, setBusy] = useState(false);
  const now = value ?? { digest: "" };
  const take = async (file: File): Promise<void> => {
    setBusy(true);
    const digest = await digestOf(file).finally(() => { setBusy(false); });
    change({ digest: digest ?? "", name: file.name, size: file.size, ...(file.type && { media_type: file.type }) });
  };
  return (
    <div className="stack" style={{ gap: 4 }}>
      <div className="row wrap">
        <Input id={id} className="mono" style={{ flex: "2 1 220px" }} spellCheck={false} status={wrong ? "error" : ""} placeholder={t.templates.fileDigest} value={now.digest} onChange={(event) => { change({ ...now, digest: event.target.value }); }} />
        <Input style={{ flex: "1 1 160px" }} placeholder={t.templates.fileAddress} aria-label={t.templates.fileAddress} value={now.url ?? ""} onChange={(event) => { change({ ...now, url: event.target.value }); }} />
        <Upload maxCount={1} showUploadList={false} beforeUpload={(file) => { void take(file); return false; }}><Button icon={<UploadOutlined />} loading={busy}>{t.templates.chooseFile}</Button></Upload>
      </div>
      <span className="small quiet">{now.name ? `${now.name} · ` : ""}{busy ? t.templates.digesting : t.templates.fileNote}</span>
    </div>
  );
}
