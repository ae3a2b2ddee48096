import { AutoComplete, Button, Checkbox, Input, Segmented, Select } from "antd";
import { type JSX, useState } from "react";

import type { Device } from "../api/model";
import { useList } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { usePreferences } from "../app/preferences";
import { Panel } from "../parts/Page";
import { isWhole, type ReadingImport, type ReadingPreview, type Settings } from "./imports";

const UNITS = ["s", "ms", "us", "ns"] as const;
const ZONES = ["UTC", "Asia/Shanghai", Intl.DateTimeFormat().resolvedOptions().timeZone];

interface Props { info: ReadingImport; preview: ReadingPreview; busy: boolean; look: (settings: Settings) => void; start: (settings: Settings) => void }

/** Says which column is what; shows the first readings as they would be stored. */
export function SettingsPanel({ info, preview, busy, look, start }: Props): JSX.Element {
  const t = useText();
  const f = useFormat();
  const [said, setSaid] = useState<Settings>({ ...(preview.settings as Settings), ...(info.settings as Settings | null) });
  const [fixed, setFixed] = useState(said.device === null);
  const [single, setSingle] = useState(said.property === null);
  const [words, setWords] = useState("");
  const devices = useList<Device>("/devices", { q: words || null, limit: 20 });
  const settings: Settings = { ...said, ...(fixed ? { device: null } : { device_id: null }), ...(single ? { property: null } : { property_name: null }) };
  const set = (change: Partial<Settings>): void => { setSaid({ ...said, ...change }); };
  const names = preview.columns.map(({ name }) => ({ value: name, label: name }));
  const column = (label: string, value: string | null, choose: (name: string | null) => void, optional = false): JSX.Element => (
    <label className="field"><span className="small quiet">{label}</span><Select virtual={false} aria-label={label} style={{ width: "100%" }} allowClear={optional} value={value} placeholder={optional ? t.history.noColumn : ""} onChange={(name: string | undefined) => { choose(name ?? null); }} options={names} /></label>
  );
  const pattern = !["auto", ...UNITS].includes(said.time_format);
  return (
    <Panel title={t.history.map}>
      <div className="stack">
        <Segmented value={said.form} onChange={(form) => { set({ form }); }} options={[{ value: "long" as const, label: t.history.long }, { value: "wide" as const, label: t.history.wide }]} />
        <div className="grid two">
          {column(t.history.time, said.time, (name) => { set({ time: name ?? said.time }); })}
          <label className="field"><span className="small quiet">{t.history.zone}</span><AutoComplete aria-label={t.history.zone} style={{ width: "100%" }} value={said.time_zone} onChange={(zone: string) => { set({ time_zone: zone }); }} options={[...new Set(ZONES)].map((value) => ({ value }))} /></label>
          <label className="field"><span className="small quiet">{t.history.timeFormat}</span><span className="row"><Select virtual={false} aria-label={t.history.timeFormat} style={{ flex: 1 }} value={pattern ? "%" : said.time_format} onChange={(form) => { set({ time_format: form === "%" ? "%Y-%m-%d %H:%M:%S" : form }); }} options={[{ value: "auto", label: t.history.auto }, ...UNITS.map((value) => ({ value: value as string, label: t.history.units[value] })), { value: "%", label: t.history.custom }]} />{pattern && <Input style={{ flex: 1 }} aria-label={t.history.custom} value={said.time_format} onChange={(event) => { set({ time_format: event.target.value }); }} />}</span></label>
          {column(t.history.quality, said.quality, (name) => { set({ quality: name }); }, true)}
        </div>
        <div className="row wrap">
          <Segmented size="small" value={fixed} onChange={setFixed} options={[{ value: true, label: t.history.oneDevice }, { value: false, label: t.history.deviceColumn }]} />
          <div style={{ flex: 1, minWidth: 200 }}>{fixed
            ? <Select virtual={false} showSearch={{ filterOption: false, onSearch: setWords }} aria-label={t.history.device} placeholder={t.history.device} style={{ width: "100%" }} value={said.device_id} onChange={(id: string) => { set({ device_id: id }); }} options={(devices.data ?? []).map((one) => ({ value: one.id, label: one.title ? `${one.title} · ${one.name}` : one.name }))} />
            : <Select virtual={false} aria-label={t.history.deviceColumn} style={{ width: "100%" }} value={said.device} onChange={(name: string) => { set({ device: name }); }} options={names} />}</div>
        </div>
        {said.form === "long" ? <>
          <div className="row wrap">
            <Segmented size="small" value={single} onChange={setSingle} options={[{ value: true, label: t.history.oneProperty }, { value: false, label: t.history.property }]} />
            <div style={{ flex: 1, minWidth: 200 }}>{single
              ? <Input aria-label={t.history.oneProperty} value={said.property_name ?? ""} onChange={(event) => { set({ property_name: event.target.value || null }); }} />
              : <Select virtual={false} aria-label={t.history.property} style={{ width: "100%" }} value={said.property} onChange={(name: string) => { set({ property: name }); }} options={names} />}</div>
          </div>
          <div className="grid two">{column(t.history.value, said.value, (name) => { set({ value: name }); })}{column(t.history.unit, said.unit, (name) => { set({ unit: name }); }, true)}</div>
        </> : <WideColumns preview={preview} settings={said} set={set} />}
        <Checkbox checked={said.decimal_comma} onChange={(event) => { set({ decimal_comma: event.target.checked }); }}>{t.history.comma}</Checkbox>
        <div className="row wrap">
          <Button disabled={!isWhole(settings)} onClick={() => { look(settings); }}>{t.history.look}</Button>
          <Button type="primary" disabled={!isWhole(settings)} loading={busy} onClick={() => { start({ ...settings, dry_run: true }); }}>{t.history.tryIt}</Button>
          <Button disabled={!isWhole(settings)} loading={busy} onClick={() => { start({ ...settings, dry_run: false }); }}>{t.history.start}</Button>
        </div>
        {preview.readings.length > 0 && (
          <div>
            <b>{t.history.preview}</b> <span className="small quiet">{t.history.previewText}</span>
            <div style={{ overflowX: "auto" }}>
              <table className="differences nowrap" style={{ overflowWrap: "normal" }} data-testid="preview">
                <thead><tr><th>{t.history.row}</th><th>{t.history.time}</th><th>{t.history.device}</th><th>{t.history.property}</th><th>{t.history.value}</th></tr></thead>
                <tbody>{preview.readings.slice(0, 20).map((one, at) => <tr key={at}><td className="num">{one.row}</td>{one.reason ? <td colSpan={4} style={{ color: "var(--warn)", whiteSpace: "normal" }}><Why one={one} /></td> : <><td className="num nowrap">{typeof one.time_ms === "number" ? f.time(one.time_ms) : ""}</td><td>{one.device}</td><td className="mono">{one.property}</td><td className="num">{String(one.value)}</td></>}</tr>)}</tbody>
              </table>
            </div>
          </div>
        )}
      </div>
    </Panel>
  );
}

function Why({ one }: { one: ReadingPreview["readings"][number] }): JSX.Element {
  const zh = usePreferences().language === "zh";
  return <>{one.property && <span className="mono">{one.property}: </span>}{(zh && one.reason_zh) || one.reason}</>;
}

function WideColumns({ preview, settings, set }: { preview: ReadingPreview; settings: Settings; set: (change: Partial<Settings>) => void }): JSX.Element {
  const t = useText();
  const others = preview.columns.filter(({ name }) => name !== "" && name !== settings.time && name !== settings.device && name !== settings.quality);
  const change = (name: string, property: string, unit: string | null): void => {
    const rest = Object.fromEntries(Object.entries(settings.columns).filter(([key]) => key !== name));
    set({ columns: property ? { ...rest, [name]: { property, unit, device_id: null } } : rest });
  };
  return (
    <table className="differences mapping">
      <thead><tr><th>{t.history.column}</th><th>{t.history.samples}</th><th>{t.history.as}</th><th>{t.history.unit}</th></tr></thead>
      <tbody>{others.map(({ name, samples }) => {
        const goal = settings.columns[name];
        return <tr key={name} data-column={name}><th scope="row"><b>{name}</b></th><td className="mono small quiet">{samples.slice(0, 3).join(" · ")}</td><td><Input aria-label={`${t.history.as}: ${name}`} value={goal?.property ?? ""} placeholder={t.history.leftOut} onChange={(event) => { change(name, event.target.value, goal?.unit ?? null); }} /></td><td><Input aria-label={`${t.history.unit}: ${name}`} style={{ width: 90 }} value={goal?.unit ?? ""} disabled={!goal} onChange={(event) => { change(name, goal?.property ?? "", event.target.value || null); }} /></td></tr>;
      })}</tbody>
    </table>
  );
}
