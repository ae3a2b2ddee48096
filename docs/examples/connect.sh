# A device, its token, and its first readings by mosquitto_pub (Debian: apt install mosquitto-clients).
millwright devices add boiler-1 --title "Boiler 1" --json > boiler-1.json
TOKEN=$(python3 -c 'import json; print(json.load(open("boiler-1.json"))["credential"]["token"])')
to_node() { mosquitto_pub -h "${MQTT_HOST:-127.0.0.1}" -p "${MQTT_PORT:-1883}" -q 1 "$@"; }

# The node's own topic; the token is the user name.
to_node -u "$TOKEN" -t millwright/v1/telemetry -m '{"temperature": 61.5, "running": true}'
# ThingsBoard's topic; the device's name is the user name and the token the password.
to_node -u boiler-1 -P "$TOKEN" -t v1/devices/me/telemetry -m '{"motor": {"speed": 1480}, "phase": [1.1, 1.2, 1.3]}'
# With the time of the measurement and its quality.
to_node -u "$TOKEN" -t millwright/v1/telemetry \
  -m '{"time": "2026-03-01T06:30:00Z", "values": {"level": 2.4}, "quality": {"level": "uncertain"}}'

sleep 1
millwright devices show boiler-1
millwright readings latest boiler-1
