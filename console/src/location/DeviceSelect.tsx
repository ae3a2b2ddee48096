import { Select } from "antd";
import { type JSX, useState } from "react";

import type { Device } from "../api/model";
import { useList } from "../api/queries";
import { useText } from "../i18n";
import { useSettled } from "../parts/settled";

/** One device, found by name. */
export function DeviceSelect({ value, onChange, label, disabled = false }: { value?: string; onChange?: (id: string) => void; label: string; disabled?: boolean }): JSX.Element {
  const t = useText();
  const [text, setText] = useState("");
  const found = useList<Device>("/devices", { q: useSettled(text.trim(), 200), limit: 20 });
  const options = (found.data ?? []).map((d) => ({ value: d.id, label: d.title ? `${d.title} · ${d.name}` : d.name }));
  if (value && !text && !options.some((o) => o.value === value)) options.unshift({ value, label: value });
  return <Select showSearch={{ filterOption: false, onSearch: setText }} aria-label={label} placeholder={t.devices.searchHint} value={value} onChange={onChange} disabled={disabled} allowClear loading={found.isFetching} options={options} notFoundContent={t.devices.noMatch} />;
}
