"""What an edge node needs of Sparkplug B 3.0: payloads, topics, birth, death, sequence, rebirth, store and forward.

Payload fields are those of the specification's section 6.4. QoS is 0 for births and data, 1 for the will, as section 6
demands; what is measured while the connection is away is kept and sent as historical after the next birth.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from millwright.plant.connection import Address, Connection

logger = logging.getLogger(__name__)

INT64, DOUBLE, BOOLEAN, STRING = 4, 10, 11, 12
"""Data types of section 6.4.16 that this edge node uses."""

REBIRTH = "Node Control/Rebirth"
Value = float | int | bool | str

_FIELD = descriptor_pb2.FieldDescriptorProto
_PAYLOAD = (
    ("timestamp", 1, _FIELD.TYPE_UINT64, False),
    ("metrics", 2, _FIELD.TYPE_MESSAGE, True),
    ("seq", 3, _FIELD.TYPE_UINT64, False),
)
_METRIC = (
    ("name", 1, _FIELD.TYPE_STRING, False),
    ("alias", 2, _FIELD.TYPE_UINT64, False),
    ("timestamp", 3, _FIELD.TYPE_UINT64, False),
    ("datatype", 4, _FIELD.TYPE_UINT32, False),
    ("is_historical", 5, _FIELD.TYPE_BOOL, False),
    ("is_null", 7, _FIELD.TYPE_BOOL, False),
    ("long_value", 11, _FIELD.TYPE_UINT64, False),
    ("double_value", 13, _FIELD.TYPE_DOUBLE, False),
    ("boolean_value", 14, _FIELD.TYPE_BOOL, False),
    ("string_value", 15, _FIELD.TYPE_STRING, False),
)
_VALUE_FIELD = {INT64: "long_value", DOUBLE: "double_value", BOOLEAN: "boolean_value", STRING: "string_value"}


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="plant.proto", package="plant", syntax="proto2")
    for title, fields in (("Payload", _PAYLOAD), ("Metric", _METRIC)):
        message = file.message_type.add(name=title)
        for name, number, kind, repeated in fields:
            field = message.field.add(name=name, number=number, type=kind)
            field.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            if kind == _FIELD.TYPE_MESSAGE:
                field.type_name = ".plant.Metric"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("plant.Payload"))


Payload = _payload_class()


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of one device's metrics at one time."""

    at_ms: int
    values: Mapping[str, Value]


class EdgeNode:
    """An edge node ``group``/``name`` with its devices: device → metric → data type.

    With a ``primary`` host application it is born when that one says that it is online, and keeps what is reported
    before; when that one goes, it ends its session and begins another.
    """

    def __init__(
        self,
        address: Address,
        token: str,
        group: str,
        name: str,
        devices: Mapping[str, Mapping[str, int]],
        *,
        primary: str = "",
    ) -> None:
        self._group, self._name, self._devices = group, name, devices
        self._state_topic = f"spBv1.0/STATE/{primary}" if primary else ""
        self._host_ms = 0
        self._born = self._ending = False
        names = [f"{device}/{metric}" for device, metrics in devices.items() for metric in metrics]
        self._alias = {metric: number for number, metric in enumerate(names)}
        self._latest: dict[str, Sample] = {}
        self._kept: deque[tuple[str, Sample]] = deque(maxlen=100_000)
        self._lock = threading.RLock()
        self._seq = self._session_number = 0
        self._birth_number = int(time.time())
        self._connection = Connection(
            address, f"{group}-{name}", token, on_connect=self._on_connect, on_message=self._on_message, clean=True
        )
        self._set_will()

    def start(self) -> None:
        """Connect; the birth follows."""
        self._connection.start()

    def stop(self) -> None:
        """Send NDEATH, as a host expects from an orderly end, and disconnect."""
        with self._lock:
            if self._connection.connected.is_set() and self._born:
                self._connection.publish(self._topic("NDEATH"), self._death(self._session_number), qos=1)
        self._connection.stop()

    def wait_connected(self, stop: threading.Event) -> bool:
        """Wait for the first connection; returns ``False`` when ``stop`` comes first."""
        while not stop.is_set():
            if self._connection.connected.wait(0.1):
                return True
        return False

    def report(self, device: str, sample: Sample) -> None:
        """Send a sample now, or keep it for later while the connection is away."""
        with self._lock:
            self._latest[device] = sample
            if self._connection.connected.is_set() and self._born:
                self._send_data(device, [sample], historical=False)
            else:
                self._kept.append((device, sample))

    def report_past(self, device: str, samples: Sequence[Sample]) -> None:
        """Send samples of the past, marked historical."""
        with self._lock:
            self._send_data(device, samples, historical=True)

    # --- messages ------------------------------------------------------------------------------------------------

    def _on_connect(self) -> None:
        with self._lock:
            self._born = self._ending = False
            self._session_number = self._will_number  # the broker holds the will that names this session
            self._birth_number += 1
            self._set_will()
            wanted = [(self._topic("NCMD"), 1), (self._topic("DCMD", "+"), 1)]
            if self._state_topic:
                wanted.append((self._state_topic, 1))
            self._connection.client.subscribe(wanted)
            if not self._state_topic:
                self._begin()

    def _begin(self) -> None:
        """Be born, and send what was kept since the last session."""
        self._birth()
        self._born = True
        kept, self._kept = self._kept, deque(maxlen=self._kept.maxlen)
        for device, sample in kept:
            self._send_data(device, [sample], historical=True)

    def _on_message(self, topic: str, payload: bytes) -> None:
        if topic == self._state_topic:
            with self._lock:
                self._on_state(payload)
            return
        command = Payload.FromString(payload)
        if (
            topic == self._topic("NCMD")
            and self._born
            and any(metric.name == REBIRTH and metric.boolean_value for metric in command.metrics)
        ):
            logger.info("%s is asked for a rebirth", self._name)
            with self._lock:
                self._birth()

    def _on_state(self, payload: bytes) -> None:
        """The primary host application says whether it is there (section 5.4); older words than known ones are void."""
        try:
            told = json.loads(payload)
            online, at_ms = bool(told["online"]), int(told["timestamp"])
        except (ValueError, TypeError, KeyError):
            logger.warning("a state of the host application is not understood: %r", payload[:200])
            return
        if at_ms < self._host_ms:
            return
        self._host_ms = at_ms
        if online and not (self._born or self._ending):  # one that ends hears it again in the next session
            self._begin()
        elif not online and self._born:
            logger.info("%s waits: its host application is away", self._name)
            self._connection.publish(self._topic("NDEATH"), self._death(self._session_number), qos=1)
            self._born, self._ending = False, True
            self._connection.renew()

    def _birth(self) -> None:
        self._seq = 0
        now_ms = _now_ms()
        birth = self._payload(now_ms)
        # The will that the broker holds names this birth (section 6.4.19).
        _add(birth, now_ms, "bdSeq", INT64, self._session_number)
        # No alias: a host may ask for a rebirth just because it does not know any (section 6.4.21).
        _add(birth, now_ms, REBIRTH, BOOLEAN, False)
        self._send("NBIRTH", birth)
        for device, metrics in self._devices.items():
            payload = self._payload(now_ms)
            latest = self._latest.get(device)
            for metric, kind in metrics.items():
                value = latest.values.get(metric) if latest else None
                at_ms = latest.at_ms if latest else now_ms
                _add(payload, at_ms, metric, kind, value, alias=self._alias[f"{device}/{metric}"])
            self._send("DBIRTH", payload, device)

    def _send_data(self, device: str, samples: Sequence[Sample], *, historical: bool) -> None:
        payload = self._payload(_now_ms())
        for sample in samples:
            for metric, value in sample.values.items():
                kind = self._devices[device][metric]
                alias = self._alias[f"{device}/{metric}"]
                _add(payload, sample.at_ms, None, kind, value, alias=alias, historical=historical)
        self._send("DDATA", payload, device)

    def _payload(self, now_ms: int) -> Any:
        payload = Payload(timestamp=now_ms, seq=self._seq)
        self._seq = (self._seq + 1) % 256
        return payload

    def _send(self, kind: str, payload: Any, device: str | None = None) -> None:
        self._connection.publish(self._topic(kind, device), payload.SerializeToString(), qos=0)

    def _set_will(self) -> None:
        self._will_number = self._birth_number % 256
        self._connection.set_will(self._topic("NDEATH"), self._death(self._will_number))

    def _death(self, number: int) -> bytes:
        death = Payload(timestamp=_now_ms())
        _add(death, death.timestamp, "bdSeq", INT64, number)
        return bytes(death.SerializeToString())

    def _topic(self, kind: str, device: str | None = None) -> str:
        return f"spBv1.0/{self._group}/{kind}/{self._name}" + (f"/{device}" if device else "")


def _add(
    payload: Any,
    at_ms: int,
    name: str | None,
    kind: int,
    value: Value | None,
    *,
    alias: int | None = None,
    historical: bool = False,
) -> None:
    metric = payload.metrics.add(timestamp=at_ms, datatype=kind)
    if name is not None:
        metric.name = name
    if alias is not None:
        metric.alias = alias
    if historical:
        metric.is_historical = True
    if value is None:
        metric.is_null = True
    else:
        setattr(metric, _VALUE_FIELD[kind], value)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
