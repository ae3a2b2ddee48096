import { App, Button, Modal, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";

import { post, remove } from "../../api/client";
import type { Credential, Device, IssuedCredential, PresenceEvent } from "../../api/model";
import { useChange, useList, useMay } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { useNodeWords } from "../../i18n/node";
import { Listing } from "../../parts/Listing";
import { PresenceMark } from "../../parts/Marks";
import { Empty, Loaded, Panel } from "../../parts/Page";
import { ConnectGuide } from "../ConnectGuide";
import { Certificates } from "./Certificates";

/** Whether it is connected, and with which credentials it may. */
export function Connection({ device }: { device: Device }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const { modal } = App.useApp();
  const engineer = useMay("devices:credential");
  const [issued, setIssued] = useState<IssuedCredential | null>(null);
  const credentials = useList<Credential>(`/devices/${device.id}/credentials`, {}, { enabled: engineer });
  const comings = useList<PresenceEvent>(`/devices/${device.id}/presence`, {}, { everyMs: 15_000 });
  const issue = useChange(() => post<IssuedCredential>(`/devices/${device.id}/credentials`, {}), ["devices"], setIssued);
  const revoke = useChange((id: string) => remove(`/devices/${device.id}/credentials/${id}`), ["devices"]);
  const ask = (c: Credential): void => { void modal.confirm({ title: t.device.revokeConfirm, content: t.device.revokeText, okText: t.device.revoke, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => revoke.mutateAsync(c.id).catch(() => undefined) }); };
  const button = (c: Credential): JSX.Element => <Button size="small" danger onClick={() => { ask(c); }}>{t.device.revoke}</Button>;
  const used = (c: Credential): string => (c.last_used_ms === null ? t.common.never : f.time(c.last_used_ms));
  const columns: TableColumnsType<Credential> = [
    { key: "hint", title: t.wizard.token, render: (_, c) => <><span className="mono">{c.hint}</span>{c.label && <Tag style={{ marginInlineStart: 8 }}>{c.label}</Tag>}</> },
    { key: "created", title: t.common.created, render: (_, c) => <span className="num quiet">{f.time(c.created_ms)}</span> },
    { key: "used", title: t.device.lastUsed, render: (_, c) => <span className="num quiet">{used(c)}</span> },
    { key: "act", width: 100, render: (_, c) => button(c) },
  ];
  const { presence } = device;
  return (
    <div className="stack">
      <Panel title={t.device.presence}>
        <dl className="facts">
          <dt>{t.common.status}</dt><dd><PresenceMark presence={presence} disabled={device.disabled} /></dd>
          <dt>{t.device.since}</dt><dd className="num">{presence.since_ms === null ? "–" : f.time(presence.since_ms)}</dd>
          <dt>{t.devices.lastSeen}</dt><dd className="num">{presence.last_seen_ms === null ? t.common.never : f.time(presence.last_seen_ms)}</dd>
          {presence.reason && <><dt>{t.device.reason}</dt><dd>{words.presence(presence.reason)}</dd></>}
        </dl>
      </Panel>
      {comings.data && comings.data.length > 0 && (
        <Panel title={t.device.presenceHistory}>
          <div className="stack tight">
            {comings.data.slice(0, 20).map((e) => <div key={`${e.at_ms}${String(e.online)}`} className="row wrap"><span className="num quiet">{f.time(e.at_ms)}</span><span className="mark"><i className={`dot ${e.online ? "on" : "off"}`} />{e.online ? t.devices.online : t.devices.offline}</span>{e.reason && <span className="quiet">{words.presence(e.reason)}</span>}</div>)}
          </div>
        </Panel>
      )}
      {engineer && (
        <Panel title={t.device.credentials} flush extra={<Button size="small" loading={issue.isPending} onClick={() => { issue.mutate(undefined); }}>{t.device.newCredential}</Button>}>
          <Loaded query={credentials}>{(list) => list.length ? <Listing items={list} columns={columns} rowKey={(c) => c.id} inside card={(c) => <div className="inset row spread"><span><span className="mono">{c.hint}</span><div className="small quiet num">{used(c)}</div></span>{button(c)}</div>} /> : <Empty title={t.device.credentialEmpty}><Button type="primary" onClick={() => { issue.mutate(undefined); }}>{t.device.newCredential}</Button></Empty>}</Loaded>
        </Panel>
      )}
      {engineer && <Certificates device={device} />}
      {issued && (
        <Modal open onCancel={() => { setIssued(null); }} title={t.device.newCredential} width={640} footer={<Button type="primary" onClick={() => { setIssued(null); }}>{t.common.done}</Button>} mask={{ closable: false }}>
          <div className="stack"><p className="quiet">{t.wizard.tokenOnce}</p><ConnectGuide token={issued.token} edgeId={device.edge_id} /></div>
        </Modal>
      )}
    </div>
  );
}
