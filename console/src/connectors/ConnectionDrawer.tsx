import { App, Alert, Button, Descriptions, Drawer, Form, Input, Tabs, Upload } from "antd";
import { type JSX, type Key, useState } from "react";

import { etagOf, patch, post, remove, request } from "../api/client";
import type { ConnectionHealth, ConnectorKind, FieldConnection, FieldPoint, PointReport } from "../api/model";
import { useChange, useMay, usePages, useResource } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { save } from "../parts/files";
import { useFilters } from "../parts/filters";
import { Loaded } from "../parts/Page";
import { Sparkline } from "../parts/Sparkline";
import ConnectWizard from "./ConnectWizard";
import { Deliveries } from "./Deliveries";
import { KindFields, settingsOf, startValues } from "./KindForm";
import { LivePoints } from "./LivePoints";
import { PointForm, useRemovePoints } from "./PointForm";
import { StateMark } from "./StateMark";
import { TryDocument } from "./TryDocument";

/** One connection: how it does, its points with live values, its settings. */
export default function ConnectionDrawer({ id, kinds, health, close }: { id: string; kinds: readonly ConnectorKind[]; health: ConnectionHealth | undefined; close: () => void }): JSX.Element {
  const t = useText();
  const { modal, message } = App.useApp();
  const engineer = useMay("connectors:write");
  const [filters, setFilters] = useFilters();
  const tab = filters.get("show");
  const [adding, setAdding] = useState(false);
  const connection = useResource<FieldConnection>(`/connectors/${id}`, {}, { everyMs: 5000 });
  const found = connection.data;
  const kind = kinds.find((one) => one.key === found?.kind);
  const toggle = useChange(() => patch(`/connectors/${id}`, { enabled: !found?.enabled }), ["connectors"]);
  const drop = useChange(() => remove(`/connectors/${id}`), ["connectors"], () => { void message.success(t.connectors.removed); close(); });
  const ask = (): void => { void modal.confirm({ title: t.connectors.removeConfirm, content: t.connectors.removeText, okText: t.connectors.remove, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(undefined as never).catch(() => undefined) }); };
  return (
    <Drawer open onClose={close} size={720} title={found?.name ?? ""} extra={engineer && found && <span className="row"><Button size="small" loading={toggle.isPending} onClick={() => { toggle.mutate(undefined as never); }}>{found.enabled ? t.connectors.disable : t.connectors.enable}</Button><Button size="small" danger onClick={ask}>{t.connectors.remove}</Button></span>}>
      <Loaded query={connection}>
        {(one) => (
          <div className="stack tight">
            <Trouble connection={one} health={health} engineer={engineer} />
            <Tabs
              activeKey={tab ?? "points"} onChange={(key) => { setFilters({ show: key === "points" ? null : key }); }}
              items={[
                { key: "points", label: t.connectors.wizard.tags, children: <Points connection={one} engineer={engineer && kind !== undefined} add={() => { setAdding(true); }} /> },
                ...(one.kind === "webhook" ? [{ key: "deliveries", label: t.webhooks.deliveries, children: <Deliveries connection={one} /> }, ...(engineer ? [{ key: "try", label: t.webhooks.tryTab, children: <TryDocument connection={one} /> }] : [])] : []),
                { key: "about", label: t.connectors.about, children: <About connection={one} kind={kind} health={health} /> },
                ...(engineer && kind ? [{ key: "settings", label: t.connectors.settings, children: <SettingsForm key={one.revision} connection={one} kind={kind} /> }] : []),
              ]}
            />
          </div>
        )}
      </Loaded>
      {adding && found && <ConnectWizard kinds={kinds} into={found} close={() => { setAdding(false); }} />}
    </Drawer>
  );
}

/** What is wrong with the connection, above whatever tab is open. */
function Trouble({ connection, health, engineer }: { connection: FieldConnection; health: ConnectionHealth | undefined; engineer: boolean }): JSX.Element {
  const t = useText();
  const words = useNodeWords();
  const acknowledge = useChange(() => post(`/connectors/${connection.id}/program`, {}), ["connectors"]);
  const changed = t.connectors.problems["connectors.program_changed"];
  const error = connection.enabled && health?.error ? words.problem(health.error.code, health.error.message, health.error.hint) : null;
  return (
    <>
      {connection.program_changed && changed && <Alert type="warning" showIcon title={changed[0]} description={changed[1]} action={engineer && <Button size="small" loading={acknowledge.isPending} onClick={() => { acknowledge.mutate(undefined as never); }}>{t.connectors.acknowledge}</Button>} />}
      {(health?.problems ?? []).filter((one) => one.code !== "connectors.program_changed").map((one) => <Alert key={one.code} type="warning" showIcon title={t.connectors.problems[one.code]?.[0] ?? one.message} description={t.connectors.problems[one.code]?.[1] ?? one.hint} />)}
      {error && <Alert type="error" showIcon title={error.title} description={error.hint} />}
    </>
  );
}

function About({ connection, kind, health }: { connection: FieldConnection; kind: ConnectorKind | undefined; health: ConnectionHealth | undefined }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const identity = health?.identity;
  const recent = health?.recent ?? [];
  return (
    <div className="stack">
      <Sparkline times={recent.map((_, at) => at * 2000)} values={recent} label={t.connectors.rate} format={(value) => f.rate(value)} />
      <Descriptions
        size="small" column={1} bordered
        items={[
          { key: "state", label: t.connectors.state, children: <StateMark connection={connection} health={health} long /> },
          { key: "kind", label: t.connectors.protocol, children: kind?.title[language] ?? connection.kind },
          { key: "points", label: t.connectors.wizard.tags, children: <span className="num">{t.connectors.good(f.number(health?.points_good ?? 0), f.number(connection.points))}</span> },
          { key: "lag", label: t.connectors.lag, children: <span className="num">{health?.lag_ms === null || health?.lag_ms === undefined ? "–" : f.duration(Math.max(0, health.lag_ms))}</span> },
          { key: "again", label: t.connectors.reconnects, children: <span className="num">{f.number(health?.reconnects ?? 0)}</span> },
          ...(["vendor", "product", "version", "serial", "note"] as const).flatMap((key) => (identity?.[key] ? [{ key, label: t.connectors[key], children: identity[key] }] : [])),
          ...(identity?.fingerprint ? [{ key: "program", label: t.connectors.program, children: <span className="mono small">{identity.fingerprint}</span> }] : []),
        ]}
      />
    </div>
  );
}

function Points({ connection, engineer, add }: { connection: FieldConnection; engineer: boolean; add: () => void }): JSX.Element {
  const t = useText();
  const { message, modal } = App.useApp();
  const [keys, setKeys] = useState<Key[]>([]);
  const path = `/connectors/${connection.id}/points`;
  const take = useChange((content: ArrayBuffer) => request<PointReport>("POST", `${path}/import`, { rawBody: content, contentType: "text/csv" }), ["connectors"], (report) => {
    void message.success(t.connectors.imported(report.created));
    if (report.refused.length > 0) void modal.warning({ title: t.connectors.refused(report.refused.length), width: 560, content: <ul>{report.refused.slice(0, 20).map((one) => <li key={one.row}>{one.row}: <span className="mono">{one.address}</span> {one.reason}</li>)}</ul> });
  });
  const [edited, setEdited] = useState<readonly FieldPoint[]>([]);
  const all = usePages<FieldPoint>(path, { limit: 200 });
  const chosen = (all.data?.items ?? []).filter((one) => keys.includes(one.id));
  const drop = useRemovePoints(path, () => { setKeys([]); });
  const out = async (): Promise<void> => { save("points.csv", await request<Blob>("GET", `${path}/export`, { answer: "blob" })); };
  return (
    <div className="stack tight">
      <div className="row wrap">
        {engineer && <Button type="primary" size="small" onClick={add}>{t.connectors.addTags}</Button>}
        {engineer && <Upload accept=".csv,text/csv" showUploadList={false} beforeUpload={(file) => { void file.arrayBuffer().then((content) => { take.mutate(content); }); return false; }}><Button size="small" loading={take.isPending} title={t.connectors.importText}>{t.connectors.import}</Button></Upload>}
        <Button size="small" onClick={() => void out()}>{t.connectors.export}</Button>
        {chosen.length > 0 && <Button size="small" onClick={() => { setEdited(chosen); }}>{t.points.editMany(chosen.length)}</Button>}
        {chosen.length > 0 && <Button size="small" danger onClick={() => { drop(chosen); }}>{t.connectors.removePoints(chosen.length)}</Button>}
      </div>
      <div className="panel"><LivePoints connectionId={connection.id} {...(engineer && { selected: { keys, change: setKeys }, edit: (point: FieldPoint) => { setEdited([point]); } })} /></div>
      {edited.length > 0 && <PointForm path={path} points={edited} close={() => { setEdited([]); }} />}
    </div>
  );
}

function SettingsForm({ connection, kind }: { connection: FieldConnection; kind: ConnectorKind }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [form] = Form.useForm<{ name: string } & Record<string, unknown>>();
  const change = useChange((v: { name: string } & Record<string, unknown>) => request("PATCH", `/connectors/${connection.id}`, { body: { name: v.name, settings: settingsOf(kind, v) }, etag: etagOf(connection) }), ["connectors"], () => { void message.success(t.connectors.saved); });
  return (
    <Form form={form} layout="vertical" requiredMark={false} initialValues={{ name: connection.name, ...startValues(kind, connection.settings as Record<string, unknown>) }} onFinish={(v) => { change.mutate(v); }}>
      <Form.Item name="name" label={t.connectors.wizard.name} rules={[{ required: true, message: t.common.required }, { max: 128 }]}><Input autoComplete="off" /></Form.Item>
      <KindFields kind={kind} kept={connection.secrets} />
      <Button type="primary" htmlType="submit" loading={change.isPending}>{t.common.save}</Button>
    </Form>
  );
}
