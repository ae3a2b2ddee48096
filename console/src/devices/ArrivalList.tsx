import { App, Button, Form, Input, Modal, Select, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";
import { useNavigate } from "react-router";

import { post, remove } from "../api/client";
import type { Arrival, Device } from "../api/model";
import { useChange, useMay, useModels, usePages, usePlaces } from "../api/queries";
import { useFormat, useText, useTitle } from "../i18n";
import { Listing } from "../parts/Listing";
import { useNow } from "../parts/now";
import { Empty, Loaded } from "../parts/Page";

const nameOf = (a: Arrival): string => a.sparkplug?.device_id ?? a.address?.name ?? a.username ?? a.client_id ?? a.id;

/** Devices that knocked and are not known; one click takes them in. */
export function ArrivalList(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(5000);
  const engineer = useMay("arrivals:adopt");
  const [adopting, setAdopting] = useState<Arrival | null>(null);
  const arrivals = usePages<Arrival>("/arrivals", { limit: 100 }, { everyMs: 5000 });
  const drop = useChange((id: string) => remove(`/arrivals/${id}`), ["arrivals", "overview"]);
  const actions = (a: Arrival): JSX.Element | null => engineer ? <span className="row"><Button size="small" type="primary" onClick={() => { setAdopting(a); }}>{t.arrivals.adopt}</Button><Button size="small" onClick={() => { drop.mutate(a.id); }}>{t.arrivals.discard}</Button></span> : null;
  const columns: TableColumnsType<Arrival> = [
    { key: "name", title: t.arrivals.username, render: (_, a) => <><span className="mono">{nameOf(a)}</span>{a.client_id && a.client_id !== nameOf(a) && <div className="mono small quiet">{a.client_id}</div>}</> },
    { key: "from", title: t.arrivals.from, render: (_, a) => <span className="mono quiet">{a.peer ?? (a.sparkplug ? `${a.sparkplug.group_id}/${a.sparkplug.edge_node_id}` : a.parent_id ?? "–")}</span> },
    { key: "kind", title: t.devices.kind, render: (_, a) => a.kind === "sparkplug" ? "Sparkplug B" : a.address ? `${t.devices.kinds.gateway} · ${t.history.dialects[a.address.dialect] ?? ""}` : "MQTT" },
    { key: "attempts", title: t.arrivals.attempts, align: "right", render: (_, a) => <span className="num">{f.number(a.attempts)}</span> },
    { key: "seen", title: t.devices.lastSeen, render: (_, a) => <span className="num quiet">{f.ago(a.last_ms, now)}</span> },
    { key: "act", render: (_, a) => actions(a) },
  ];
  return (
    <div className="stack">
      <p className="quiet">{t.arrivals.text}</p>
      <Loaded query={arrivals}>
        {({ items }) => items.length === 0
          ? <div className="panel"><Empty title={t.arrivals.empty} text={t.arrivals.emptyText} /></div>
          : <Listing items={items} columns={columns} rowKey={(a) => a.id} card={(a) => <div className="panel" style={{ padding: 12 }}><div className="row spread"><b className="mono cut">{nameOf(a)}</b><span className="small quiet nowrap">{f.ago(a.last_ms, now)}</span></div><div className="row spread" style={{ marginTop: 8 }}><span className="small quiet mono cut">{a.peer}</span>{actions(a)}</div></div>} />}
      </Loaded>
      {adopting && <AdoptBox arrival={adopting} close={() => { setAdopting(null); }} />}
    </div>
  );
}

function AdoptBox({ arrival, close }: { arrival: Arrival; close: () => void }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const navigate = useNavigate();
  const { message } = App.useApp();
  const models = useModels();
  const places = usePlaces();
  const [form] = Form.useForm<{ name: string; model_id?: string; place_id?: string }>();
  const known = arrival.device_id;
  const adopt = useChange((v: object) => post<Device>(`/arrivals/${arrival.id}/adopt`, v), ["arrivals", "devices", "overview"], (device) => {
    void message.success(t.arrivals.adopted);
    void navigate(`/devices/${device.id}`);
  });
  return (
    <Modal open onCancel={close} title={`${t.arrivals.adopt}: ${nameOf(arrival)}`} okText={t.arrivals.adopt} cancelText={t.common.cancel} confirmLoading={adopt.isPending} onOk={() => { form.submit(); }}>
      <Form form={form} layout="vertical" initialValues={{ name: nameOf(arrival).includes("…") ? arrival.client_id ?? "" : nameOf(arrival) }} onFinish={(v) => { adopt.mutate(known ? { device_id: known } : v); }} requiredMark={false}>
        {known && <p className="notice" style={{ marginBottom: 16 }}>{t.arrivals.known}</p>}
        {!known && <><Form.Item name="name" label={t.arrivals.asName} rules={[{ required: true, message: t.common.required }]}><Input autoFocus /></Form.Item>
        <Form.Item name="model_id" label={t.devices.model}><Select allowClear placeholder={t.wizard.noModel} options={(models.data ?? []).map((m) => ({ value: m.id, label: title(m) }))} /></Form.Item>
        <Form.Item name="place_id" label={t.devices.place}><Select allowClear placeholder={t.wizard.noPlace} options={(places.data ?? []).map((p) => ({ value: p.id, label: p.path }))} /></Form.Item></>}
      </Form>
    </Modal>
  );
}
