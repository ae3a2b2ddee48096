import { Form, Input, InputNumber, Modal, Segmented, Select, Skeleton } from "antd";
import { type JSX, useState } from "react";

import { put } from "../api/client";
import type { Device, RetentionPolicy } from "../api/model";
import { useChange, useList } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { DeviceName } from "../parts/DeviceName";
import { useSettled } from "../parts/settled";
import { ALL, type Whose, whoseOf } from "./policy";
import { expiredOf, usePreview } from "./usePreview";

interface Fields { whose: Whose; device?: string; pattern?: string; property?: string; forEver: boolean; days?: number | null }
interface Props { policy: RetentionPolicy | null; before: readonly RetentionPolicy[]; next: (made: RetentionPolicy) => RetentionPolicy[]; close: () => void }

const MOST_DAYS = 36_500;

/** What the fields say, when they say enough. */
function policyOf(v: Fields | undefined): RetentionPolicy | null {
  if (!v) return null;
  const device_id = v.whose === "all" ? ALL : v.whose === "one" ? v.device : v.pattern?.trim();
  const keep_days = v.forEver ? null : v.days;
  if (!device_id || keep_days === undefined || (keep_days === null && !v.forEver)) return null;
  return { device_id, property: v.property?.trim() || ALL, keep_days };
}

/** Makes or changes a policy, and shows what it would do before it does it. */
export function PolicyBox({ policy, before, next, close }: Props): JSX.Element {
  const t = useText();
  const f = useFormat();
  const [form] = Form.useForm<Fields>();
  const values = Form.useWatch((v: Fields) => v, form);
  const wanted = policyOf(values);
  const list = wanted ? next(wanted) : [...before];
  const preview = usePreview(list, wanted !== null);
  const now = usePreview(before);
  const removes = preview.current ? Math.max(0, expiredOf(preview.data) - expiredOf(now.data)) : 0;
  const effect = wanted && preview.current ? preview.data?.policies[list.findIndex((each) => each === wanted)] : undefined;
  const save = useChange((made: RetentionPolicy) => put("/retention", { policies: next(made) }), ["retention"], close);
  const whose = values?.whose ?? "all";
  return (
    <Modal
      open onCancel={close} title={policy ? t.retention.edit : t.retention.add} width={600} cancelText={t.common.cancel}
      okText={removes ? t.retention.saveAndRemove(f.number(removes)) : t.common.save} okButtonProps={{ danger: removes > 0, disabled: wanted !== null && !preview.current && !preview.isError }}
      confirmLoading={save.isPending} onOk={() => { form.submit(); }}
    >
      <Form<Fields>
        form={form} layout="vertical" requiredMark={false} onFinish={(v) => { const made = policyOf(v); if (made) save.mutate(made); }}
        initialValues={{ whose: policy ? whoseOf(policy) : "all", device: policy?.device_id, pattern: policy && whoseOf(policy) === "pattern" ? policy.device_id : "", property: policy && policy.property !== ALL ? policy.property : "", forEver: policy ? policy.keep_days === null : false, days: policy?.keep_days ?? 365 } as Fields}
      >
        <Form.Item name="whose" label={t.retention.devices}><Segmented block options={(["all", "one", "pattern"] as const).map((value) => ({ value, label: t.retention.whose[value] }))} /></Form.Item>
        {whose === "one" && <Form.Item name="device" rules={[{ required: true, message: t.common.required }]}><DeviceSelect /></Form.Item>}
        {whose === "pattern" && <Form.Item name="pattern" extra={t.retention.patternHint} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input className="mono" maxLength={255} placeholder="dev_*" aria-label={t.retention.whose.pattern} /></Form.Item>}
        <Form.Item name="property" label={`${t.retention.property} (${t.common.optional})`} extra={t.retention.propertyHint}><Input className="mono" maxLength={255} placeholder="vibration.*" /></Form.Item>
        <Form.Item name="forEver" label={t.retention.keep}><Segmented options={[{ value: false, label: t.retention.forSomeTime }, { value: true, label: t.retention.forEver }]} /></Form.Item>
        {!values?.forEver && <Form.Item name="days" label={t.retention.daysLabel} rules={[{ required: true, message: t.common.required }]}><InputNumber min={1} max={MOST_DAYS} precision={0} style={{ width: 160 }} /></Form.Item>}
      </Form>
      <div className="sentence" data-testid="retention-preview" aria-live="polite">
        {wanted === null ? <span className="quiet">{t.retention.incomplete}</span> : preview.isError ? <span className="quiet">{t.retention.noPreview}</span> : !effect ? <Skeleton active title={false} paragraph={{ rows: 1 }} /> : effect.series === 0 ? <span>{t.retention.nothingLong}</span> : (
          <>
            <div className="num">{t.retention.decides(effect.series, effect.devices)}</div>
            <div className="small quiet">{effect.examples.map((each, i) => <span key={`${each.device_id}/${each.property}`}>{i > 0 && " · "}<DeviceName id={each.device_id} /> <span className="mono">{each.property}</span></span>)}{effect.series > effect.examples.length && " …"}</div>
            <div className="num" style={effect.expired ? { color: "var(--warn)", fontWeight: 600 } : undefined}>{effect.expired ? t.retention.dueOldest(f.number(effect.expired), effect.oldest_ms === null ? "" : f.date(effect.oldest_ms)) : t.retention.nothingDue}</div>
          </>
        )}
      </div>
    </Modal>
  );
}

/** One device, found by name. */
function DeviceSelect({ value, onChange }: { value?: string; onChange?: (id: string) => void }): JSX.Element {
  const t = useText();
  const [text, setText] = useState("");
  const found = useList<Device>("/devices", { q: useSettled(text.trim(), 200), limit: 20 });
  const options = (found.data ?? []).map((d) => ({ value: d.id, label: d.title ? `${d.title} · ${d.name}` : d.name }));
  const chosen = value && value !== ALL ? value : undefined;
  if (chosen && !text && !options.some((o) => o.value === chosen)) options.unshift({ value: chosen, label: chosen });
  return <Select showSearch={{ filterOption: false, onSearch: setText }} aria-label={t.retention.whose.one} placeholder={t.devices.searchHint} value={chosen} onChange={onChange} loading={found.isFetching} options={options} notFoundContent={t.devices.noMatch} />;
}
