import { LockOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { type JSX, useState } from "react";

import { useLive, useWatch } from "../../api/live";
import type { Device, DeviceProperty, Latest, Lock, ModelService, ThingModel } from "../../api/model";
import { useList, useMay, useResource } from "../../api/queries";
import { useFormat, useText, useTitle } from "../../i18n";
import { unitSign } from "../../i18n/format";
import { Empty, Panel } from "../../parts/Page";
import { AskBox } from "./AskBox";
import { CommandHistory } from "./CommandHistory";
import { Interlocks } from "./Interlocks";
import { LockBox, Locks } from "./Locks";

/** What of the device can be written and called, what stands in the way, and what was done. */
export function Commands({ device, properties }: { device: Device; properties: readonly DeviceProperty[] }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const [mayWrite, mayCall, mayLock] = [useMay("commands:write"), useMay("commands:call"), useMay("locks:write")];
  const [fresh, setFresh] = useState<Record<string, Latest>>({});
  const [property, setProperty] = useState<DeviceProperty | null>(null);
  const [service, setService] = useState<ModelService | null>(null);
  const [locking, setLocking] = useState(false);
  const versions = useResource<ThingModel[]>(`/models/${device.model_id ?? ""}/versions`, {}, { enabled: device.model_id !== null });
  const locks = useList<Lock>(`/devices/${device.id}/locks`, {}, { everyMs: 10_000 });
  useWatch([device.id]);
  useLive("readings", (event) => {
    if (event.device_id !== device.id) return;
    setFresh((before) => ({ ...before, ...Object.fromEntries(event.readings.map(([name, time_ms, value, quality]) => [name, { time_ms, value, quality }])) }));
  });
  const latestOf = (one: DeviceProperty): Latest | null => {
    const held = fresh[one.name];
    return held && (!one.latest || held.time_ms >= one.latest.time_ms) ? held : one.latest;
  };
  const writable = properties.filter((p) => p.writable);
  const services = versions.data?.find((m) => m.version === device.model_version)?.services ?? [];
  const standing = (locks.data ?? []).filter((l) => l.released_ms === null);
  const closed = standing.length > 0 || device.disabled;
  return (
    <div className="stack">
      <Locks device={device} locks={locks.data ?? []} />
      {writable.length === 0 && services.length === 0 ? (
        <div className="panel"><Empty title={t.commands.none} text={t.commands.noneText} /></div>
      ) : (
        <Panel title={t.commands.properties} flush extra={mayLock && <Button size="small" icon={<LockOutlined />} onClick={() => { setLocking(true); }}>{t.commands.lock}</Button>}>
          <div className="insets">
            {writable.map((p) => <PropertyLine key={p.name} property={p} latest={latestOf(p)} open={mayWrite && !closed ? () => { setProperty(p); } : null} />)}
            {services.map((s) => (
              <div key={s.name} className="inset row spread wrap">
                <span className="grow"><b>{title(s)}</b> {title(s) !== s.name && <span className="mono quiet small">{s.name}</span>}<div className="small quiet">{(s.inputs ?? []).map((i) => title(i)).join(", ") || t.commands.noInputs}</div></span>
                <Button disabled={!mayCall || closed} onClick={() => { setService(s); }}>{t.commands.call}</Button>
              </div>
            ))}
          </div>
        </Panel>
      )}
      <CommandHistory device={device} />
      <Interlocks device={device} properties={properties} services={services} />
      {property && <AskBox device={device} what={{ property, latest: latestOf(property) }} close={() => { setProperty(null); }} />}
      {service && <AskBox device={device} what={{ service }} close={() => { setService(null); }} />}
      {locking && <LockBox device={device} close={() => { setLocking(false); }} />}
    </div>
  );
}

function PropertyLine({ property, latest, open }: { property: DeviceProperty; latest: Latest | null; open: (() => void) | null }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  return (
    <div className="inset row spread wrap" data-property={property.name}>
      <span className="grow"><b>{title(property)}</b> {title(property) !== property.name && <span className="mono quiet small">{property.name}</span>}<div className="small quiet num">{t.commands.range}: {rangeOf(property, f.number, t.commands.any)}</div></span>
      <span className="num" style={{ minWidth: 90, textAlign: "end" }}><span className="label">{t.commands.now}</span><div style={{ fontWeight: 600 }}>{latest ? f.withUnit(latest.value, property.unit) : "–"}</div></span>
      <Button disabled={open === null} onClick={() => open?.()}>{t.commands.set}</Button>
    </div>
  );
}

/** The range of a property in its unit; what a boolean or a text may be. */
export function rangeOf(of: { type?: string; unit?: string | null; minimum?: number | null; maximum?: number | null }, number: (value: number) => string, any: string): string {
  if (of.type === "boolean") return "true / false";
  if ((of.minimum ?? null) === null && (of.maximum ?? null) === null) return [any, unitSign(of.unit)].filter(Boolean).join(" ");
  const end = (value: number | null | undefined, none: string): string => (value === null || value === undefined ? none : number(value));
  return `${end(of.minimum, "−∞")} … ${end(of.maximum, "∞")} ${unitSign(of.unit)}`.trim();
}
