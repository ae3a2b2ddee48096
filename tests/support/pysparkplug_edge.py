"""An edge node by pysparkplug, a library that was not written here; run by its own interpreter (it needs paho 1.x).

    python pysparkplug_edge.py PORT TOKEN

Connects as plant/edge1 with a device ``mixer``. Obeys lines on standard input and answers with JSON lines: ``update``,
``device``, ``gap`` (leaves a payload number out), ``deregister``, ``disconnect``, ``crash``. Prints every command and
every STATE message it receives.
"""

import datetime
import json
import os
import sys
import time

import pysparkplug as sp

PORT, TOKEN = int(sys.argv[1]), sys.argv[2]


def say(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def now():
    return sp.get_current_timestamp()


def metric(name, datatype, value, **more):
    return sp.Metric(timestamp=now(), name=name, datatype=datatype, value=value, **more)


WHEN = datetime.datetime(2025, 6, 15, 12, tzinfo=datetime.UTC)
NODE = [
    metric("i8", sp.DataType.INT8, -8),
    metric("i16", sp.DataType.INT16, -16_000),
    metric("i32", sp.DataType.INT32, -32_000_000),
    metric("i64", sp.DataType.INT64, -64_000_000_000),
    metric("u8", sp.DataType.UINT8, 200),
    metric("u16", sp.DataType.UINT16, 60_000),
    metric("u32", sp.DataType.UINT32, 4_000_000_000),
    metric("u64", sp.DataType.UINT64, 9_000_000_000_000_000),
    metric("float", sp.DataType.FLOAT, 1.5),
    metric("double", sp.DataType.DOUBLE, 2.25),
    metric("bool", sp.DataType.BOOLEAN, True),
    metric("string", sp.DataType.STRING, "läuft"),
    metric("text", sp.DataType.TEXT, "a text"),
    metric("uuid", sp.DataType.UUID, "c0ffee00-0000-4000-8000-000000000000"),
    metric("when", sp.DataType.DATETIME, WHEN),
    metric("bytes", sp.DataType.BYTES, b"\x00\x01"),
    metric("nothing", sp.DataType.DOUBLE, None, is_null=True),
    metric("i8s", sp.DataType.INT8_ARRAY, (-1, 2)),
    metric("i64s", sp.DataType.INT64_ARRAY, (-1, 2)),
    metric("u16s", sp.DataType.UINT16_ARRAY, (1, 65_535)),
    metric("doubles", sp.DataType.DOUBLE_ARRAY, (0.5, 1.5)),
    metric("bools", sp.DataType.BOOLEAN_ARRAY, (True, False, True, True, False, False, False, False, True)),
    metric("strings", sp.DataType.STRING_ARRAY, ("a", "bc")),
    metric("whens", sp.DataType.DATETIME_ARRAY, (WHEN,)),
]


def on_command(_node, message):
    say(command=[[m.name, m.value] for m in message.payload.metrics])


def on_state(_node, message):
    say(state=message.payload.online)


edge = sp.EdgeNode("plant", "edge1", NODE, client=sp.Client(username=TOKEN), cmd_callback=on_command)
edge.subscribe(
    sp.Topic(message_type=sp.MessageType.STATE, sparkplug_host_id="millwright"), sp.QoS.AT_LEAST_ONCE, on_state
)
edge.register(sp.Device("mixer", [metric("rpm", sp.DataType.INT32, 7)]))
edge.connect("127.0.0.1", port=PORT)
say(connected=True)
for line in sys.stdin:
    word = line.strip()
    if word == "update":
        edge.update([metric("double", sp.DataType.DOUBLE, 3.5)])
    elif word == "device":
        edge.update_device("mixer", [metric("rpm", sp.DataType.INT32, -9)])
    elif word == "gap":
        _ = edge._seq
        edge.update([metric("double", sp.DataType.DOUBLE, 4.5)])
    elif word == "deregister":
        edge.deregister("mixer")
    elif word == "disconnect":
        edge.disconnect()
    elif word == "crash":
        time.sleep(0.2)
        os._exit(9)
    say(done=word)
