"""Runs of vehicles' messages become telemetry, presence and arrivals, in the historian role."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import orjson

from millwright.devices.dialects.children import Children
from millwright.devices.dialects.model import Address
from millwright.devices.intake import FLAG_REPLAYED, Run
from millwright.devices.telemetry import (
    ChildHeard,
    Collector,
    JsonDecoder,
    KnownDevice,
    PresenceChange,
    Unreadable,
)
from millwright.devices.vehicles.topics import ANSWER, MODEL_NAME
from millwright.kernel import MillwrightError

if TYPE_CHECKING:
    from millwright.devices.commands.wire import Answer
    from millwright.devices.vehicles.frames import Message
    from millwright.devices.vehicles.reading import Reading

logger = logging.getLogger(__name__)

TELEMETRY: Final = "millwright/v1/telemetry"
_NO_TIME_MS: Final = 0
"""Not plausible: the reader of JSON takes the time of reception in its place, and calls the values uncertain."""
_SAY_AGAIN_MS: Final = 10_000
_MOST_SAID: Final = 200_000
_LOGOUT: Final = 0x04


class VehicleRuns:
    """Decodes runs of terminals and platforms into a :class:`Collector`; implements the decoder's ``RunDecoder``."""

    def __init__(self, children: Children, collector: Collector, json: JsonDecoder) -> None:
        self._children, self._collector, self._json = children, collector, json
        self._said: dict[str, int] = {}
        self._abnormal: dict[str, str] = {}

    def prepare(self, run: Run, device: KnownDevice) -> None:
        """Look up, or register, the vehicles that a platform speaks for. Raises ``Unavailable``."""
        if device.kind != "gateway":
            return
        for payload in run.payloads:
            try:
                vin = _message(payload).vin
            except Unreadable:
                continue
            try:
                self._children.meet(device, _address(vin), MODEL_NAME)
            except MillwrightError:
                raise
            except Exception:  # decoding meets it again, and makes a dead letter of this message alone
                logger.exception("looking up the vehicle %s failed", vin)

    def decode(self, run: Run, device: KnownDevice, _sequence: int) -> None:
        """Decode a run; raises nothing."""
        if run.topic.startswith(ANSWER):
            self._decode_answers(run, device)
            return
        told: dict[str, list[bytes]] = {}
        targets: dict[str, KnownDevice] = {}
        for payload in run.payloads:
            try:
                message = _message(payload)
                target = self._target(run, device, message)
                targets[target.device_id] = target
                self._take(run, target, message, payload, told.setdefault(target.device_id, []))
            except Unreadable as why:
                self._collector.reject(run, payload, why)
            except Exception as error:  # one message must never stop the intake of all
                logger.exception("decoding a message of %s failed", run.device_id)
                self._collector.reject(run, payload, Unreadable("telemetry.failed", repr(error)[:200]))
        for device_id, payloads in told.items():
            if payloads:
                whole = Run(device_id, TELEMETRY, run.received_ms, run.flags & FLAG_REPLAYED, payloads)
                self._json.decode(whole, self._collector.properties_of(targets[device_id]))

    def _decode_answers(self, run: Run, device: KnownDevice) -> None:
        """What the terminal said to a command; the parameters it told are readings as well."""
        if run.flags & FLAG_REPLAYED:
            return  # an old answer is none
        number = run.topic.removeprefix(ANSWER)
        for payload in run.payloads:
            try:
                message = _message(payload)
                if not number.isdecimal():
                    raise Unreadable("vehicle.message", "It is an answer to no command.")
                answer, values = _answer(run, int(number), message)
            except Unreadable as why:
                self._collector.reject(run, payload, why)
                continue
            self._collector.answers.append(answer)
            if values:
                told = [orjson.dumps({"ts": run.received_ms, "values": values})]
                whole = Run(run.device_id, TELEMETRY, run.received_ms, 0, told)
                self._json.decode(whole, self._collector.properties_of(device))

    def _take(self, run: Run, target: KnownDevice, message: Message, payload: bytes, told: list[bytes]) -> None:
        from millwright.devices.vehicles.reading import read

        reading = read(message)
        told += self._documents(target.device_id, message, reading)
        if target.device_id != run.device_id:
            seen = self._collector.last_seen
            seen[target.device_id] = max(seen.get(target.device_id, 0), run.received_ms)
            if not run.flags & FLAG_REPLAYED:
                self._tell(target.device_id, message.command != _LOGOUT, run.received_ms)
        if reading.fault:
            text = f"Not all of the message can be read: {reading.fault}. What came before that is kept."
            self._collector.reject(run, payload, Unreadable("vehicle.item", text))

    def _documents(self, device_id: str, message: Message, reading: Reading) -> list[bytes]:
        """The readings as JSON telemetry: numbers apart from the rest, for those are read the quick way."""
        plain: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name, value in reading.values.items():
            (others if value is None or value.__class__ is str else plain)[name] = value
        abnormal = ",".join(reading.abnormal)[:4000]
        if abnormal != self._abnormal.get(device_id, ""):
            others["abnormal"] = abnormal
            if len(self._abnormal) >= _MOST_SAID:
                self._abnormal.clear()
            self._abnormal[device_id] = abnormal
        if message.command == 0x01:
            from millwright.devices.vehicles.vin import find_fault

            others["vin_fault"] = find_fault(message.vin) or ""
        time_ms = _NO_TIME_MS if reading.time_ms is None else reading.time_ms
        out = [orjson.dumps({"ts": time_ms, "values": values}) for values in (plain, others) if values]
        if reading.uncertain:
            out.append(orjson.dumps({"time": time_ms, "values": reading.uncertain, "quality": "uncertain"}))
        return out

    def _target(self, run: Run, device: KnownDevice, message: Message) -> KnownDevice:
        if device.kind != "gateway":
            return device
        found = self._children.find(device, _address(message.vin))
        if found is None:
            heard = ChildHeard(device.device_id, "gbt32960", "", message.vin, MODEL_NAME, run.received_ms)
            self._collector.arrivals.append(heard)
            raise Unreadable("dialect.device_unknown", f"No vehicle {message.vin!r} is registered below the platform.")
        return found

    def _tell(self, device_id: str, online: bool, at_ms: int) -> None:
        """A vehicle that its platform has reports of is there; told again now and then, until it logged out."""
        if not online:
            self._said.pop(device_id, None)
            self._collector.presence.append(PresenceChange(device_id, False, at_ms, "gateway_said_gone"))
            return
        if at_ms - self._said.get(device_id, 0) < _SAY_AGAIN_MS:
            return
        if len(self._said) >= _MOST_SAID:
            self._said.clear()
        self._said[device_id] = at_ms
        self._collector.presence.append(PresenceChange(device_id, True, at_ms, "gateway_said_there"))


def _answer(run: Run, number: int, message: Message) -> tuple[Answer, dict[str, Any]]:
    """The answer as commands know it, and the parameters in it."""
    from millwright.devices.commands.wire import answer_of
    from millwright.devices.vehicles import downward
    from millwright.devices.vehicles.frames import PLAIN, Command

    values: dict[str, Any] = {}
    ok, text = True, downward.refusal_of(message)
    if text:
        ok = False
    elif message.command == Command.QUERY:
        try:
            if message.encryption != PLAIN:
                raise downward.Unreadable("it is encrypted")
            values = downward.values_of(message)
        except downward.Unreadable as error:
            ok, text = False, f"The terminal's parameters cannot be read: {error}."
    outputs = (
        {name: value for name, value in values.items() if value is not None}
        if message.command == Command.QUERY
        else None
    )
    return answer_of(run.device_id, number, run.received_ms, ok=ok, outputs=outputs if ok else None, text=text), values


def _message(payload: bytes) -> Message:
    from millwright.devices.vehicles.frames import decode

    try:
        return decode(payload)
    except ValueError:
        raise Unreadable("vehicle.message", "It is no message of GB/T 32960, or its check byte is wrong.") from None


def _address(vin: str) -> Address:
    return Address("gbt32960", "", vin)
