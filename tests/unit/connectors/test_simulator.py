"""The simulated machine passes the suite that every connector must pass."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest

from millwright.devices.connectors.conformance import check, check_close, check_kind, check_read
from millwright.devices.connectors.contract import Connector, Sample
from millwright.devices.connectors.simulator.connector import SimulatorConnector, SimulatorSession
from millwright.devices.connectors.simulator.machine import machine
from millwright.devices.connectors.simulator.settings import SimulatorSettings
from millwright.kernel import Denied, Invalid
from support.connectors import ScriptedConnector


async def test_conformance() -> None:
    async def kill() -> None:
        machine("conformance").switch_off(3600)

    await check(
        SimulatorConnector(),
        {"machine": "conformance", "tags": 3},
        addresses=["sine/1", "counter/2", "square/3", "state", "setpoint/1"],
        bad_address="sine/4",
        kill=kill,
    )


async def test_writing_methods_and_a_restart_with_another_program() -> None:
    connector = SimulatorConnector()
    session = await connector.open(SimulatorSettings(machine="written"))
    await session.write("setpoint/1", 71.5)
    assert (await session.read(["setpoint/1"]))[0].value == 71.5
    assert await session.call("reset", {"to": 5}) == {"count": 5}
    with pytest.raises(Denied):
        await session.write("sine/1", 1)
    with pytest.raises(Invalid):
        await session.write("setpoint/1", "hot")
    before = (await session.identify()).fingerprint
    await session.write("program", 2)
    again = await connector.open(SimulatorSettings(machine="written"))
    assert (await again.identify()).fingerprint != before


async def test_the_suite_finds_what_is_wrong() -> None:
    class Dumb(ScriptedConnector):
        kind = msgspec.structs.replace(ScriptedConnector.kind, does_not=msgspec.structs.replace(
            ScriptedConnector.kind.does_not, zh=""))  # fmt: skip

    with pytest.raises(AssertionError, match="Chinese"):
        check_kind(Dumb())

    class Unordered(SimulatorSession):
        async def read(self, addresses: Any) -> list[Sample]:
            return list(reversed(await super().read(addresses)))

    class Wrong(SimulatorConnector):
        settings: ClassVar[type[SimulatorSettings]] = SimulatorSettings

        async def open(self, settings: SimulatorSettings) -> SimulatorSession:
            return Unordered(settings, machine(settings.machine))

    wrong: Connector[Any] = Wrong()
    with pytest.raises(AssertionError, match="order"):
        await check_read(wrong, {"machine": "unordered"}, ["sine/1", "ramp/1"], None)
    await check_close(wrong, {"machine": "unordered"})
