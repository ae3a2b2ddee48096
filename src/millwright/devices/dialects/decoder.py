"""Runs of other platforms' topics become telemetry of their devices, presence, arrivals and answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

from millwright.devices.commands.wire import answer_of, read_tb
from millwright.devices.dialects import alink, jetlinks, thingsboard
from millwright.devices.dialects.model import Address, CommandAnswer, Part, Said
from millwright.devices.dialects.topics import Route, find_route
from millwright.devices.intake import FLAG_REPLAYED, FLAG_WILL, Run
from millwright.devices.telemetry import (
    ChildHeard,
    Collector,
    JsonDecoder,
    KnownDevice,
    Outgoing,
    PresenceChange,
    Question,
    Unreadable,
)
from millwright.kernel import MillwrightError

logger = logging.getLogger(__name__)

TELEMETRY: Final = "millwright/v1/telemetry"
"""The topic that telemetry from a dialect is read, and kept as a dead letter, under."""
_SAY_AGAIN_MS: Final = 10_000
_MOST_SAID: Final = 200_000
_MOST_PARTS: Final = 5_000
"""Devices that one message speaks of."""


class Below(Protocol):
    """Knows the devices below a gateway."""

    def find(self, gateway: KnownDevice, address: Address) -> KnownDevice | None:
        """The device, if it is registered; answers from memory after :meth:`meet_all`."""
        ...

    def meet_all(self, gateway: KnownDevice, spoken_of: Sequence[tuple[Address, str]]) -> None:
        """Look devices up, each with its type, and register them where the gateway may. Raises ``Unavailable``."""
        ...


class DialectDecoder:
    """Decodes runs in a dialect into a :class:`Collector`."""

    def __init__(self, children: Below, collector: Collector, json: JsonDecoder) -> None:
        self._children, self._collector, self._json = children, collector, json
        self._said: dict[str, int] = {}

    def prepare(self, run: Run, device: KnownDevice) -> None:
        """Look up, or register, the devices that the run speaks of. Raises ``Unavailable``."""
        route = find_route(run.topic)
        if route is None or device.kind != "gateway":
            return
        for payload in run.payloads:
            try:
                self._meet(_read(route, payload, run), device)
            except Unreadable:
                continue
            except MillwrightError:
                raise
            except Exception:  # decoding meets it again, and makes a dead letter of this message alone
                logger.exception("looking up whom a message of %s speaks of failed", run.device_id)

    def _meet(self, said: Said, device: KnownDevice) -> None:
        spoken_of = [
            (part.address, part.type)
            for part in said.parts
            if part.address is not None and not _is_own(part.address, device)
        ]
        if said.answer is not None and not _is_own(said.answer.address, device):
            spoken_of.append((said.answer.address, ""))
        if spoken_of:
            self._children.meet_all(device, spoken_of)

    def decode(self, run: Run, device: KnownDevice, _sequence: int) -> None:
        """Decode a run of ``device``; raises nothing."""
        route = find_route(run.topic)
        for at, payload in enumerate(run.payloads):
            packet_ids = run.packet_ids[at : at + 1]
            try:
                if route is None:
                    raise Unreadable("telemetry.topic_unknown", f"Nothing here reads the topic {run.topic[:200]!r}.")
                self._take(run, device, route, payload, packet_ids)
            except Unreadable as why:
                self._collector.reject(run, payload, why)
                self._refuse(run, device, route, payload, why)
            except Exception as error:  # one message must never stop the intake of all
                logger.exception("decoding a message of %s failed", run.device_id)
                self._collector.reject(run, payload, Unreadable("telemetry.failed", repr(error)[:200]))

    def _take(self, run: Run, device: KnownDevice, route: Route, payload: bytes, packet_ids: list[int]) -> None:
        said = _read(route, payload, run)
        if route.product and device.kind != "gateway" and (route.product, route.name) != _own(device):
            raise Unreadable(
                "dialect.foreign_device",
                f"The device is not {route.product[:80]!r}/{route.name[:80]!r}: bind it to that address.",
            )
        letters = len(self._collector.dead_letters)
        unknown: Unreadable | None = None
        for part in said.parts:
            try:
                self._take_part(run, device, part, packet_ids)
            except Unreadable as why:
                unknown = why
                self._collector.reject(run, payload if part.letter is None else part.letter, why)
        if said.question is not None:
            self._ask(device, said)
        if said.answer is not None and not run.flags & (FLAG_REPLAYED | FLAG_WILL):
            self._answer(run, device, said.answer)
        if unknown is None and len(self._collector.dead_letters) > letters:
            unknown = Unreadable("dialect.message", self._collector.dead_letters[-1].text)
        if unknown is not None:
            self._refuse(run, device, route, payload, unknown)
        elif said.reply_topic and not run.flags & FLAG_REPLAYED:
            self._send(device, said.reply_topic, said.reply)

    def _take_part(self, run: Run, device: KnownDevice, part: Part, packet_ids: list[int]) -> None:
        target = self._target(run, device, part)
        if target is not device:
            seen = self._collector.last_seen
            seen[target.device_id] = max(seen.get(target.device_id, 0), run.received_ms)
            if not run.flags & FLAG_REPLAYED:
                self._tell(target.device_id, part.online, run.received_ms)
        if part.payloads:
            ids = packet_ids * len(part.payloads)
            told = Run(target.device_id, TELEMETRY, run.received_ms, run.flags, part.payloads, ids)
            self._json.decode(told, self._collector.properties_of(target))

    def _target(self, run: Run, device: KnownDevice, part: Part) -> KnownDevice:
        address = part.address
        if address is None or _is_own(address, device):
            return device
        if device.kind != "gateway":
            raise Unreadable("dialect.no_gateway", "The device speaks for others, and is not registered as a gateway.")
        found = self._children.find(device, address)
        if found is None:
            self._collector.arrivals.append(
                ChildHeard(device.device_id, address.dialect, address.product, address.name, part.type, run.received_ms)
            )
            raise Unreadable("dialect.device_unknown", f"No device {address.name[:80]!r} is registered below it.")
        if found.disabled:
            raise Unreadable("dialect.device_disabled", f"The device {address.name[:80]!r} below it is disabled.")
        return found

    def _answer(self, run: Run, device: KnownDevice, answer: CommandAnswer) -> None:
        about = self._target(run, device, Part(answer.address))
        if answer.raw is not None:
            found = read_tb(about.device_id, answer.number, answer.raw, run.received_ms)
        else:
            found = answer_of(
                about.device_id, answer.number, run.received_ms,
                ok=answer.ok, value=answer.value, outputs=answer.outputs, text=answer.text,
            )  # fmt: skip
        self._collector.answers.append(found)

    def _tell(self, device_id: str, online: bool | None, at_ms: int) -> None:
        """A device that its gateway has data of is there; told again now and then, for the gateway comes and goes."""
        if online is False:
            self._said.pop(device_id, None)
            self._collector.presence.append(PresenceChange(device_id, False, at_ms, "gateway_said_gone"))
            return
        if online is None and at_ms - self._said.get(device_id, 0) < _SAY_AGAIN_MS:
            return
        if len(self._said) >= _MOST_SAID:
            self._said.clear()
        self._said[device_id] = at_ms
        self._collector.presence.append(PresenceChange(device_id, True, at_ms, "gateway_said_there"))

    def _ask(self, device: KnownDevice, said: Said) -> None:
        question = said.question
        assert question is not None
        about = device if question.address is None else self._children.find(device, question.address)
        if about is None or (question.address is not None and device.kind != "gateway"):
            raise Unreadable("dialect.device_unknown", "The device asked about is not registered below it.")
        name = "" if question.address is None else question.address.name
        topic = f"$device/{device.device_id}/{question.topic}"
        self._collector.questions.append(Question(about.device_id, topic, partial(thingsboard.answer, question, name)))

    def _refuse(self, run: Run, device: KnownDevice, route: Route | None, payload: bytes, why: Unreadable) -> None:
        if route is None or route.dialect != "alibaba" or run.flags & FLAG_REPLAYED:
            return
        answer = alink.refusal(route, payload, why)
        if answer is not None and answer[0]:
            self._send(device, *answer)

    def _send(self, device: KnownDevice, topic: str, payload: bytes) -> None:
        self._collector.outgoing.append(Outgoing(f"$device/{device.device_id}/{topic}", payload, qos=1))


def _read(route: Route, payload: bytes, run: Run) -> Said:
    try:
        if route.dialect == "thingsboard":
            said = thingsboard.read(route, payload)
        elif route.dialect == "alibaba":
            said = alink.read(route, payload, now_ms=run.received_ms)
        else:
            said = jetlinks.read(route, payload)
    except RecursionError:
        raise Unreadable("dialect.message", "The message is nested too deeply.") from None
    if len(said.parts) > _MOST_PARTS:
        raise Unreadable(
            "dialect.message", f"The message speaks of {len(said.parts)} devices; send at most {_MOST_PARTS} in one."
        )
    asked = said.question.address if said.question is not None else None
    answered = said.answer.address if said.answer is not None else None
    addresses = [asked, answered, *(part.address for part in said.parts)]
    if any("\0" in each.name or "\0" in each.product for each in addresses if each is not None) or any(
        "\0" in part.type for part in said.parts
    ):
        raise Unreadable("dialect.message", "A name in the message holds U+0000.")  # which no database keeps
    return said


def _own(device: KnownDevice) -> tuple[str | None, str | None]:
    return device.realm, device.foreign_name


def _is_own(address: Address, device: KnownDevice) -> bool:
    return (address.product, address.name) == _own(device) and address.dialect == device.dialect
