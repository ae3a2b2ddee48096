/** Commands that send a first value, and where to send it. */
import type { SystemState } from "../api/model";
import { useResource } from "../api/queries";

export const MQTT_PORT = 1883;
export const TOPIC = "millwright/v1/telemetry";

/** Where devices connect: the port, and whether it speaks TLS (the node's root is then in `root.pem`). */
export interface MqttAddress { port: number; tls: boolean }

export const mosquitto = (host: string, { port, tls }: MqttAddress, token: string): string =>
  `mosquitto_pub -h ${host} -p ${port}${tls ? " --cafile root.pem" : ""} -q 1 -u '${token}' -t ${TOPIC} -m '{"temperature": 21.5}'`;

export const paho = (host: string, { port, tls }: MqttAddress, token: string): string =>
  `import paho.mqtt.publish as publish\n\npublish.single(\n    "${TOPIC}", '{"temperature": 21.5}', qos=1,\n    hostname="${host}", port=${port}, auth={"username": "${token}"},${tls ? '\n    tls={"ca_certs": "root.pem"},' : ""}\n)`;

/** The listener's address as far as this person may know it, else the usual one. */
export function useMqttAddress(): MqttAddress {
  const system = useResource<SystemState>("/system");
  const value = (name: string): unknown => system.data?.settings.find((s) => s.name === name)?.value;
  const number = (name: string, usual: number): number => { const found = value(name); return typeof found === "number" && found > 0 ? found : usual; };
  const secured = value("tls.mode") !== undefined && value("tls.mode") !== "off" && value("tls.plain_mqtt") !== true;
  return secured || value("mqtt.port") === 0 ? { port: number("mqtt.tls_port", 8883), tls: true } : { port: number("mqtt.port", MQTT_PORT), tls: false };
}
