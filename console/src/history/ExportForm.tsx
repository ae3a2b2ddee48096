import { Button, Form, Input, InputNumber, Segmented, Select, Switch } from "antd";
import { type JSX, useState } from "react";

import { post, put } from "../api/client";
import type { Device } from "../api/model";
import { useChange, useList, useModels, usePlaces } from "../api/queries";
import { useText } from "../i18n";
import { AGGREGATES, bodyOf, type ExportFields, EXPORTS, fieldsOf, firstFields, type ReadingExport, WIDTHS_S } from "./exports";

/** What an export makes, of which time, and when. */
export function ExportForm({ info, saved }: { info: ReadingExport | null; saved: (one: ReadingExport) => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<ExportFields>();
  const values = Form.useWatch((all: ExportFields) => all, form) as ExportFields | undefined;
  const first = info ? fieldsOf(info) : firstFields();
  const v = { ...first, ...values };
  const save = useChange((body: Record<string, unknown>) => (info ? put<ReadingExport>(`${EXPORTS}/${info.id}`, body) : post<ReadingExport>(EXPORTS, body)), ["readings"], saved);
  const options = (words: Record<string, string>, names = Object.keys(words)): { value: string; label: string }[] => names.map((value) => ({ value, label: words[value] ?? value }));
  const required = [{ required: true, message: t.common.required }];
  const fixed = v.window === "between";
  return (
    <Form<ExportFields> form={form} layout="vertical" requiredMark={false} initialValues={first} onFinish={(found) => { save.mutate(bodyOf({ ...first, ...found })); }} style={{ marginBlockStart: 16 }}>
      <Form.Item name="name" label={t.exports.name} rules={[...required, { max: 128 }]}><Input autoComplete="off" autoFocus={!info} /></Form.Item>
      <Selection among={v.among} />
      <div className="row wrap" style={{ alignItems: "flex-start", gap: 16 }}>
        <Form.Item name="format" label={t.exports.format} style={{ width: 120 }}><Select virtual={false} options={options(t.exports.formats)} /></Form.Item>
        <Form.Item name="window" label={t.exports.window} style={{ width: 240 }}><Select virtual={false} options={options(t.exports.windows)} /></Form.Item>
        {v.window === "last" && <Form.Item name="hours" label={t.exports.hours} rules={required} style={{ width: 120 }}><InputNumber min={1} max={87_600} precision={0} style={{ width: "100%" }} /></Form.Item>}
        {fixed && <><Form.Item name="from" label={t.exports.from} rules={required}><Input type="datetime-local" /></Form.Item><Form.Item name="to" label={t.exports.to} rules={required}><Input type="datetime-local" /></Form.Item></>}
      </div>
      <p className="small quiet" style={{ marginBlock: "-12px 16px" }}>{v.window === "new" ? t.exports.newHint : t.exports.sourceHint}</p>
      {v.window !== "new" && (
        <div className="row wrap" style={{ alignItems: "flex-start", gap: 16 }}>
          <Form.Item name="rows" label={t.exports.rows} style={{ width: 180 }}><Select virtual={false} options={[{ value: "readings", label: t.exports.readings }, { value: "buckets", label: t.exports.buckets }]} /></Form.Item>
          {v.rows === "buckets" && <>
            <Form.Item name="bucket_s" label={t.exports.width} style={{ width: 120 }}><Select virtual={false} options={WIDTHS_S.map((value) => ({ value, label: t.exports.seconds(value) }))} /></Form.Item>
            <Form.Item name="aggregates" label={t.exports.aggregates} rules={required} style={{ width: 300 }}><Select mode="multiple" virtual={false} options={options(t.exports.aggregate, AGGREGATES)} /></Form.Item>
          </>}
        </div>
      )}
      {!fixed && (
        <div className="row wrap" style={{ alignItems: "flex-start", gap: 16 }}>
          <Form.Item name="when" label={t.exports.when} style={{ width: 140 }}><Select virtual={false} options={options(t.exports.whens)} /></Form.Item>
          {v.when === "week" && <Form.Item name="weekday" label={t.exports.weekday} style={{ width: 140 }}><Select virtual={false} options={t.exports.weekdays.map((label, at) => ({ value: at + 1, label }))} /></Form.Item>}
          {v.when === "month" && <Form.Item name="day" label={t.exports.monthday} rules={required} style={{ width: 100 }}><InputNumber min={1} max={31} precision={0} style={{ width: "100%" }} /></Form.Item>}
          {v.when !== "hand" && <Form.Item name="at" label={t.exports.at} rules={required} style={{ width: 120 }}><Input type="time" /></Form.Item>}
        </div>
      )}
      <Form.Item name="time_zone" label={t.exports.zone} extra={t.exports.zoneHint} rules={required}><Select showSearch options={zones(first.time_zone).map((value) => ({ value, label: value }))} /></Form.Item>
      <div className="row wrap" style={{ alignItems: "flex-start", gap: 16 }}>
        <Form.Item name="keep_runs" label={t.exports.keep} rules={required}><InputNumber min={1} max={1000} precision={0} /></Form.Item>
        <Form.Item name="keep_days" label={t.exports.keepDays} rules={required}><InputNumber min={1} max={3650} precision={0} /></Form.Item>
        {!fixed && <Form.Item name="enabled" label={t.exports.enabled} valuePropName="checked"><Switch /></Form.Item>}
      </div>
      <div className="row wrap"><Button type="primary" htmlType="submit" loading={save.isPending}>{info ? t.exports.save : t.common.create}</Button>{info && <span className="small quiet">{t.exports.saveHint}</span>}</div>
    </Form>
  );
}

const zones = (chosen: string): string[] => [...new Set(["UTC", chosen, ...Intl.supportedValuesOf("timeZone")])];

function Selection({ among }: { among: ExportFields["among"] }): JSX.Element {
  const t = useText();
  const [search, setSearch] = useState("");
  const devices = useList<Device>("/devices", { q: search, limit: 100 }, { enabled: among === "chosen" });
  const places = usePlaces();
  const models = useModels();
  const named = <T extends { id: string; name: string }>(items: readonly T[] | undefined): { value: string; label: string }[] => (items ?? []).map((one) => ({ value: one.id, label: one.name }));
  return (
    <>
      <Form.Item name="among" label={t.exports.devices}><Segmented options={[{ value: "every", label: t.exports.every }, { value: "chosen", label: t.exports.chosen }, { value: "fitting", label: t.exports.fitting }]} /></Form.Item>
      {among === "chosen" && <Form.Item name="device_ids" rules={[{ required: true, message: t.common.required }]}><Select mode="multiple" aria-label={t.exports.chosen} showSearch={{ filterOption: false, onSearch: setSearch }} options={(devices.data ?? []).map((one) => ({ value: one.id, label: one.title ?? one.name }))} /></Form.Item>}
      {among === "fitting" && (
        <div className="row wrap" style={{ gap: 16 }}>
          <Form.Item name="place_id" label={t.exports.place} style={{ width: 200 }}><Select allowClear showSearch={{ optionFilterProp: "label" }} options={named(places.data)} /></Form.Item>
          <Form.Item name="model_id" label={t.exports.model} style={{ width: 200 }}><Select allowClear showSearch={{ optionFilterProp: "label" }} options={named(models.data)} /></Form.Item>
          <Form.Item name="tag" label={t.exports.tag} style={{ width: 160 }}><Input autoComplete="off" /></Form.Item>
        </div>
      )}
      <Form.Item name="properties" label={t.exports.properties} extra={t.exports.propertiesHint}><Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[",", " "]} /></Form.Item>
    </>
  );
}
