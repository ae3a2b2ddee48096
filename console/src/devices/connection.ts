/** Commands that send a first value, and where to send it. */
import type { Listener } from "../api/model";
import { useResource } from "../api/queries";

export const TOPIC = "millwright/v1/telemetry";

/** The file that the node's own root certificate is downloaded as. */
export const ROOT = "root.pem";

/** One way in: the port, whether it speaks TLS, and whether a device needs the node's own root certificate for it. */
export interface Way { port: number; tls: boolean; ownRoot: boolean }

/** Every way in that is open, plain before TLS: the first command to try needs no certificate. */
export const waysOf = (listener: Listener): Way[] => [
  ...(listener.mqtt_port === null ? [] : [{ port: listener.mqtt_port, tls: false, ownRoot: false }]),
  ...(listener.mqtt_tls_port === null ? [] : [{ port: listener.mqtt_tls_port, tls: true, ownRoot: listener.own_authority }]),
];

export const mosquitto = (host: string, { port, tls, ownRoot }: Way, token: string): string =>
  `mosquitto_pub -h ${host} -p ${port}${tls ? (ownRoot ? ` --cafile ${ROOT}` : " --tls-use-os-certs") : ""} -q 1 -u '${token}' -t ${TOPIC} -m '{"temperature": 21.5}'`;

export const paho = (host: string, { port, tls, ownRoot }: Way, token: string): string =>
  `import paho.mqtt.publish as publish\n\npublish.single(\n    "${TOPIC}", '{"temperature": 21.5}', qos=1,\n    hostname="${host}", port=${port}, auth={"username": "${token}"},${tls ? (ownRoot ? ` tls={"ca_certs": "${ROOT}"},` : " tls={},") : ""}\n)`;

/** Where the node listens for devices; everybody who is signed in may know. */
export const useListener = () => useResource<Listener>("/connection");
