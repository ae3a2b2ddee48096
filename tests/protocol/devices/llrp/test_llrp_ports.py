"""Inputs and outputs of a reader, and TLS between it and us."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, Point, Sample
from millwright.devices.connectors.llrp.connector import LlrpConnector
from millwright.devices.connectors.llrp.session import LlrpSession
from millwright.devices.connectors.llrp.settings import LlrpSettings
from millwright.kernel import Denied, Invalid, Unavailable
from support.llrp_reader import LlrpReader, Seen, llrp_reader
from support.mqtt import until
from support.tls import certificate, needs_openssl

EPC = "E28011700000020D1F2A3B4C"


async def open_(reader: LlrpReader, **more: Any) -> LlrpSession:
    return await LlrpConnector().open(
        LlrpSettings(host="127.0.0.1", port=reader.port, **{"keepalive_s": 0.3, "report_ms": 50} | more)
    )


class Followed:
    def __init__(self, session: LlrpSession, *addresses: str) -> None:
        self.samples: list[Sample] = []
        self._session = session
        points = [Point(id=each, address=each) for each in addresses]
        self._task = asyncio.create_task(session.run(points, self._take))

    async def _take(self, samples: Sequence[Sample]) -> None:
        self.samples.extend(samples)

    def of(self, address: str) -> list[Any]:
        return [each.value for each in self.samples if each.point_id == address]

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._session.close()


async def test_each_change_of_an_input_is_a_reading_with_the_readers_time() -> None:
    async with llrp_reader(inputs={1: False, 2: True}, off={2}, clock_s=-3600) as reader:
        session = await open_(reader)
        assert session.ports.off == {2}
        followed = Followed(session, "gpi/1", "gpi/2", "gpi/7")
        await until(lambda: len({each.point_id for each in followed.samples}) == 3, 20)
        assert (followed.of("gpi/1"), followed.of("gpi/2")) == ([False], [True]), "input 2 was switched on to be heard"
        (absent,) = [each for each in followed.samples if each.point_id == "gpi/7"]
        assert (absent.quality, absent.note) == (BAD, "no input 7")
        # Shorter than any polling would see: nothing of it is lost.
        for high in (True, False, True, False):
            reader.input(1, high)
        await until(lambda: len(followed.of("gpi/1")) == 5, 20)
        assert followed.of("gpi/1") == [False, True, False, True, False]
        last = [each for each in followed.samples if each.point_id == "gpi/1"][-1]
        assert last.time_ms is not None
        assert abs(last.time_ms - (time.time() - 3600) * 1000) < 60_000
        assert followed.of("gpi/2") == [True]
        await followed.end()


async def test_an_output_is_written_confirmed_and_followed() -> None:
    async with llrp_reader(outputs={1: False, 2: False}, stuck={2}, tags=[Seen(EPC)]) as reader:
        session = await open_(reader)
        followed = Followed(session, "gpo/1", "reads")
        await until(lambda: followed.of("gpo/1") == [False], 20)
        await session.write("gpo/1", value=True)
        assert reader.outputs[1] is True
        (read,) = await session.read(["gpo/1"])
        assert (read.value, read.quality) == (True, GOOD)
        await until(lambda: followed.of("gpo/1") == [False, True], 20)
        await session.write("gpo/1", 0)
        await until(lambda: followed.of("gpo/1") == [False, True, False], 20)
        with pytest.raises(Denied, match="holds the other state"):
            await session.write("gpo/2", value=True)
        with pytest.raises(Denied, match="no port 9"):
            await session.write("gpo/9", value=True)
        for address, value in (("gpi/1", True), ("reads", "x"), ("gpo/1", "on"), ("gpo/1", 2)):
            with pytest.raises(Invalid):
                await session.write(address, value)
        nodes = {node.address: node for node in (await session.browse()).items}
        assert nodes["gpo/1"].writable
        assert nodes["gpo/1"].value is False
        await followed.end()


async def test_a_reader_that_does_not_tell_its_outputs_is_believed() -> None:
    async with llrp_reader(outputs={1: False}, refuse={2: (402, "unsupported")}) as reader:
        session = await open_(reader)
        (before,) = await session.read(["gpo/1"])
        assert (before.quality, before.value) == (BAD, None)
        await session.write("gpo/1", value=True)
        (after,) = await session.read(["gpo/1"])
        assert after.value is True
        await session.close()


@needs_openssl
async def test_a_reader_is_spoken_to_by_tls_and_must_prove_who_it_is(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path / "reader", "DNS:reader.plant,IP:127.0.0.1")
    own, own_key = certificate(tmp_path / "own", "DNS:node")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.load_verify_locations(own)
    context.verify_mode = ssl.CERT_REQUIRED
    authority, ours = chain.read_text(), {"tls_certificate": own.read_text(), "tls_key": own_key.read_text()}
    async with llrp_reader(tls=context, tags=[Seen(EPC)], outputs={1: False}) as reader:
        session = await open_(reader, tls=True, tls_authorities=authority, **ours)
        followed = Followed(session, "reads")
        await until(lambda: any(EPC in str(value) for value in followed.of("reads")), 20)
        await session.write("gpo/1", value=True)
        assert reader.outputs[1] is True
        await followed.end()

        for settings, kind, code in (
            ({"tls": True, **ours}, Denied, "llrp.certificate_refused"),
            ({"tls": True, "tls_authorities": authority, "tls_server_name": "other", **ours}, Denied, None),
            ({"tls": True, "tls_authorities": authority}, Unavailable, None),
            ({"tls": True, "tls_authorities": "no certificate"}, Invalid, "llrp.certificate_unusable"),
            ({}, Unavailable, None),
        ):
            with pytest.raises(kind) as refused:
                await open_(reader, timeout_s=2.0, **settings)
            assert code in (None, refused.value.code)
            assert refused.value.hint
        session = await open_(reader, tls=True, tls_authorities=authority, tls_server_name="reader.plant", **ours)
        await session.close()
    async with llrp_reader() as plain:
        with pytest.raises(Unavailable):
            await open_(plain, tls=True, tls_authorities=authority, timeout_s=2.0)
