"""Whatever a device answers is judged or passed over, on SQLite and PostgreSQL: no answer stops the intake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from millwright import certificates, devices, parties
from millwright.devices import DevicesService, ModelDocument, NewDevice, PropertySpec
from millwright.devices.commands.answers import AnswerDecoder
from millwright.devices.commands.hearing import Hearing
from millwright.devices.commands.model import WAITING, Command
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.wire import OWN_RESPONSE, TB_RESPONSE, Answer
from millwright.devices.intake import Run
from millwright.devices.models import Parameter, ServiceSpec
from millwright.devices.models.store import ModelStore
from millwright.devices.telemetry import Collector, Decoded, KnownDevice, TelemetrySettings
from millwright.engines.sql import Records
from millwright.kernel import ManualClock, Unavailable, new_id
from support.bus import LocalBus

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
HUGE = "1" * 400


class Room:
    """One device, and what hears it."""

    def __init__(self, records: Records) -> None:
        self.records, self.store = records, CommandStore(records)
        self.hearing = Hearing(self.store, ModelStore(records), LocalBus(), ManualClock())
        self.device_id = ""

    async def open(self) -> Room:
        document = ModelDocument(
            name="m",
            properties=(PropertySpec(name="setpoint", writable=True),),
            services=(ServiceSpec(name="go", outputs=(Parameter(name="speed"),)),),
        )
        service = DevicesService(self.records, LocalBus(), ManualClock())
        model = await service.models.create(document)
        self.device_id = (await service.registry.create(NewDevice(name="pump", model_id=model.id))).id
        return self

    def send(self, **more: Any) -> Command:
        """A command that is on its way."""
        row = {
            "id": new_id("cmd"), "device_id": self.device_id, "kind": "write", "name": "setpoint", "value": 5.5,
            "inputs": {}, "unit": None, "tolerance": None, "confirm": "any", "reason": "r", "by_id": "per_1",
            "by_name": "ada", "asked_ms": 1, "expires_ms": 9, "timeout_s": 5.0, "batch_id": None,
        }  # fmt: skip
        command, _ = self.store.insert(row | more, key=None, most=9, supersede=True)
        moved = self.store.move(command.id, WAITING, "sent", 2, attempts=1, sent_ms=2)
        assert moved is not None
        return moved

    async def hear(self, topic: str, *payloads: bytes) -> tuple[list[Command], Decoded]:
        """The device says that."""
        collector = Collector(TelemetrySettings())
        run = Run(self.device_id, topic, 3, 0, list(payloads))
        AnswerDecoder(collector).decode(run, KnownDevice(device_id=self.device_id, properties={}), 1)
        decoded = collector.take()
        self.hearing.offer(decoded)
        return await self.hearing.take({}), decoded


@pytest.fixture
async def room(records: Records) -> Room:
    return await Room(records).open()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (f'"status": "ok", "value": {HUGE}', "commands.other_value"),
        (f'"status": "ok", "value": {"1" * 5000}', "commands.answer_unreadable"),
        ('"status": "error", "message": "no\\u0000oil"', "commands.device_refused"),
        ('"status": "ok", "value": "a\\u0000b"', "commands.other_value"),
        ('"status": "ok", "outputs": {"a": ' + "[" * 300 + "]" * 300 + "}", "commands.answer_unreadable"),
    ],
)
async def test_what_a_device_answers_to_a_write_ends_it(room: Room, said: str, code: str) -> None:
    command = room.send()
    [ended], decoded = await room.hear(OWN_RESPONSE, f'{{"id": "{command.id}", {said}}}'.encode())
    assert (ended.id, ended.state, ended.outcome.code if ended.outcome else "") == (command.id, "failed", code)
    assert not decoded.dead_letters


@pytest.mark.parametrize("speed", [HUGE, "1e999", '"\\u0000"', "123456789012345678901234567890"])
async def test_what_a_call_gives_back_is_kept_as_far_as_it_can_be(room: Room, speed: str) -> None:
    command = room.send(kind="call", name="go", value=None)
    other = json.dumps({"note\0": "a\0b"})[1:-1]
    [ended], _ = await room.hear(f"{TB_RESPONSE}{command.number}", f'{{"speed": {speed}, {other}}}'.encode())
    fine = speed.startswith("123")
    assert ended.state == ("confirmed" if fine else "failed")
    if fine:
        assert ended.outputs == {"speed": 123456789012345678901234567890.0, "note": "ab"}


async def test_an_id_that_no_database_looks_up_is_a_dead_letter_and_what_follows_is_heard(room: Room) -> None:
    command = room.send()
    moved, decoded = await room.hear(
        OWN_RESPONSE,
        b'{"id": "cmd_\\u0000", "status": "ok"}',
        b'{"id": "cmd_\\u0000", "status": 7}',
        b'{"id": "cmd_1", "value": ' + b"[" * 2000 + b"]" * 2000 + b"}",
        f'{{"id": "{command.id}", "status": "ok"}}'.encode(),
    )
    assert [each.state for each in moved] == ["confirmed"]
    assert [each.reason for each in decoded.dead_letters] == ["commands.unreadable"] * 3
    _, decoded = await room.hear(TB_RESPONSE + "9" * 5000, b"{}")
    assert [each.reason for each in decoded.dead_letters] == ["commands.topic"]


async def test_an_answer_that_cannot_be_judged_is_passed_over_but_none_is_lost_to_a_database_that_is_away(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good, find = room.send(), room.send(kind="call", name="go", value=None), room.hearing._find
    away = True

    def found(answer: Answer) -> Command | None:
        if answer.command_id == bad.id:
            raise OverflowError("nobody thought of it")
        if away:
            raise Unavailable("away", code="engines.sql_unavailable")
        return find(answer)

    monkeypatch.setattr(room.hearing, "_find", found)
    payloads = [f'{{"id": "{each.id}", "status": "ok"}}'.encode() for each in (bad, good)]
    with pytest.raises(Unavailable):
        await room.hear(OWN_RESPONSE, *payloads)
    away = False
    assert [each.id for each in await room.hearing.take({})] == [good.id]
    assert room.hearing.counts["answers_unknown"] == 1
