/** Commands that send a first value, and where to send it. */
import type { SystemState } from "../api/model";
import { useResource } from "../api/queries";

export const MQTT_PORT = 1883;
export const TOPIC = "millwright/v1/telemetry";

export const mosquitto = (host: string, port: number, token: string): string =>
  `mosquitto_pub -h ${host} -p ${port} -q 1 -u '${token}' -t ${TOPIC} -m '{"temperature": 21.5}'`;

export const paho = (host: string, port: number, token: string): string =>
  `import paho.mqtt.publish as publish\n\npublish.single(\n    "${TOPIC}", '{"temperature": 21.5}', qos=1,\n    hostname="${host}", port=${port}, auth={"username": "${token}"},\n)`;

/** The listener's port as far as this person may know it, else the usual one. */
export function useMqttPort(): number {
  const system = useResource<SystemState>("/system");
  const setting = system.data?.settings.find((s) => /^(?:devices\.)?(?:mqtt|listener)\.port$/.test(s.name));
  return typeof setting?.value === "number" ? setting.value : MQTT_PORT;
}
