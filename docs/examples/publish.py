"""Send JSON messages as a device and wait until each is kept.

DEVICE_TOKEN=mwd_… python publish.py '{"temperature": 61.5}' …
"""

import os
import sys

import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="example")
client.username_pw_set(os.environ["DEVICE_TOKEN"])
client.connect(os.environ.get("MQTT_HOST", "127.0.0.1"), int(os.environ.get("MQTT_PORT", "1883")))
client.loop_start()
for payload in sys.argv[1:]:
    message = client.publish("millwright/v1/telemetry", payload, qos=1)
    message.wait_for_publish(timeout=10)  # returns at the PUBACK: the message is on the node's disk
    if not message.is_published():
        sys.exit("The node did not answer.")
    print("kept", payload)
client.disconnect()
client.loop_stop()
