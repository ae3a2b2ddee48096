import type { JSX } from "react";
import { Link } from "react-router";

import type { Device, ThingModel } from "../../api/model";
import { useList, useResource } from "../../api/queries";
import { useFormat, useText, useTitle } from "../../i18n";
import { DeviceName } from "../../parts/DeviceName";
import { PresenceMark } from "../../parts/Marks";
import { Panel } from "../../parts/Page";

export function About({ device }: { device: Device }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const model = useResource<ThingModel>(`/models/${device.model_id ?? ""}`, {}, { enabled: device.model_id !== null });
  const children = useList<Device>("/devices", { parent_id: device.id, limit: 200 }, { enabled: device.kind === "sparkplug_edge" || device.kind === "gateway" });
  return (
    <div className="stack">
      <Panel>
        <dl className="facts">
          <dt>{t.device.identifier}</dt><dd className="mono">{device.id}</dd>
          <dt>{t.common.name}</dt><dd className="mono">{device.name}</dd>
          <dt>{t.devices.model}</dt><dd>{device.model_id ? <Link to={`/models/${device.model_id}`}>{model.data ? title(model.data) : device.model_id}{device.model_version && ` · ${t.models.version(device.model_version)}`}</Link> : t.device.noModel}</dd>
          <dt>{t.devices.place}</dt><dd>{device.place_path ?? t.device.noPlace}</dd>
          {device.sparkplug && <><dt>{t.device.sparkplug}</dt><dd className="mono">{[device.sparkplug.group_id, device.sparkplug.edge_node_id, device.sparkplug.device_id].filter(Boolean).join(" / ")}</dd></>}
          <dt>{t.devices.kind}</dt><dd>{t.devices.kinds[device.kind]}{device.kind === "gateway" && device.registers && <span className="quiet"> · {t.history.registers}</span>}</dd>
          {device.address && <><dt>{t.history.address}</dt><dd>{t.history.dialects[device.address.dialect]} <span className="mono">{[device.address.product_key, device.address.name].filter(Boolean).join(" / ")}</span>{device.address.dialect === "alibaba" && device.address.product_key && device.kind !== "gateway_device" && <div className="small quiet">{t.history.signIn(`${device.address.name}&${device.address.product_key}`)}</div>}</dd></>}
          {device.parent_id && <><dt>{device.kind === "gateway_device" ? t.history.below : t.wizard.edgeNode}</dt><dd><DeviceName id={device.parent_id} /></dd></>}
          <dt>{t.common.created}</dt><dd className="num">{f.time(device.created_ms)}</dd>
          <dt>{t.device.revision}</dt><dd className="num">{device.revision}</dd>
        </dl>
      </Panel>
      {children.data && children.data.length > 0 && <Panel title={device.kind === "gateway" ? t.history.belowTitle : t.device.children}><div className="cards">{children.data.map((child) => <Link key={child.id} className="card row spread" style={{ display: "flex" }} to={`/devices/${child.id}`}><b className="cut">{child.title ?? child.name}</b><PresenceMark presence={child.presence} disabled={child.disabled} /></Link>)}</div></Panel>}
    </div>
  );
}
