import { CheckCircleFilled, LoadingOutlined } from "@ant-design/icons";
import { Alert, Segmented, Tabs } from "antd";
import { type JSX, useEffect, useState } from "react";

import { API } from "../api/client";
import { useLive, useWatch } from "../api/live";
import type { DeviceProperty, Edge, Value } from "../api/model";
import { useList, useMay, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Snippet } from "../parts/Copy";
import { Loaded } from "../parts/Page";
import { mosquitto, paho, ROOT, TOPIC, useListener, type Way, waysOf } from "./connection";

/** How a device sends its first value: to this node, or to the edge that it connects at. */
export function ConnectGuide({ token, edgeId }: { token: string; edgeId?: string | null }): JSX.Element {
  const listener = useListener();
  if (edgeId) return <AtEdge edgeId={edgeId} token={token} />;
  return <Loaded query={listener} rows={3}>{(found) => <Ways ways={waysOf(found)} token={token} host={location.hostname || "localhost"} />}</Loaded>;
}

/** An edge tells its addresses, not its ports: the usual one is shown, and that it is an assumption. */
function AtEdge({ edgeId, token }: { edgeId: string; token: string }): JSX.Element {
  const t = useText();
  const edge = useResource<Edge>(`/edges/${edgeId}`, {}, { enabled: useMay("edges:read") });
  const host = edge.data?.status?.addresses[0]?.split(" ")[0] ?? "EDGE";
  return (
    <div className="stack">
      <Alert type="info" showIcon title={t.edges.connectThere(edge.data?.name ?? "")} description={t.edges.connectThereHint} />
      <Ways ways={[{ port: 1883, tls: false, ownRoot: false }]} token={token} host={host} />
    </div>
  );
}

function Ways({ ways, token, host }: { ways: readonly Way[]; token: string; host: string }): JSX.Element {
  const t = useText();
  const [secure, setSecure] = useState(false);
  const way = ways.find(({ tls }) => tls === secure) ?? ways[0];
  if (!way) return <div className="stack"><Alert type="warning" showIcon title={t.wizard.noWay} description={t.wizard.noWayHint} /><Snippet text={token} /></div>;
  return (
    <div className="stack">
      {ways.length > 1 && <div><Segmented size="small" value={way.tls} onChange={setSecure} options={ways.map(({ tls, port }) => ({ value: tls, label: `${tls ? "TLS" : t.wizard.plain} · ${port}` }))} /></div>}
      <Tabs size="small" items={[
        { key: "mosquitto", label: "mosquitto_pub", children: <Snippet text={mosquitto(host, way, token)} /> },
        { key: "paho", label: "Python · paho-mqtt", children: <Snippet text={paho(host, way, token)} /> },
      ]} />
      {way.tls && <p className="small quiet">{way.ownRoot ? t.wizard.ownRootHint : t.wizard.tlsHint}</p>}
      <dl className="facts">
        <dt>{t.wizard.host}</dt><dd><span className="mono">{host}:{way.port}{way.tls && " · TLS"}</span>{way.ownRoot && <> · <a href={`${API}/certificates/root`} download={ROOT}>{ROOT}</a></>}</dd>
        <dt>{t.wizard.user}</dt><dd><span className="mono">{token}</span> <span className="quiet">({t.wizard.emptyPassword})</span></dd>
        <dt>{t.wizard.topic}</dt><dd className="mono">{TOPIC}</dd>
      </dl>
    </div>
  );
}

/** Waits for the first value of a device; turns green when it is there. */
export function FirstMessage({ deviceId, arrived }: { deviceId: string; arrived?: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const [first, setFirst] = useState<{ property: string; value: Value } | null>(null);
  useWatch([deviceId]);
  useLive("readings", (event) => {
    const reading = event.device_id === deviceId ? event.readings[0] : undefined;
    if (reading) setFirst((before) => before ?? { property: reading[0], value: reading[2] });
  });
  // Asked for as well: a message may come before the live feed watches this device.
  const properties = useList<DeviceProperty>(`/devices/${deviceId}/properties`, {}, { enabled: first === null, everyMs: 2000 });
  const kept = properties.data?.find((p) => p.latest);
  const shown = first ?? (kept?.latest ? { property: kept.name, value: kept.latest.value } : null);
  const there = shown !== null;
  useEffect(() => { if (there) arrived?.(); }, [there, arrived]);
  return (
    <div className={`waiting ${shown ? "arrived" : ""}`} role="status" data-testid="first-message">
      {shown ? <CheckCircleFilled style={{ fontSize: 24, color: "var(--ok)" }} /> : <LoadingOutlined style={{ fontSize: 24, color: "var(--quiet)" }} />}
      <div><b>{shown ? t.wizard.arrived : t.wizard.waiting}</b><div className="quiet small">{shown ? <span className="mono">{t.wizard.arrivedText(shown.property, f.value(shown.value))}</span> : t.wizard.waitingHint}</div></div>
    </div>
  );
}
