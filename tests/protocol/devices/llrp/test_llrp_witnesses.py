"""Independent opinions: sllurp understands our reader of the tests, Wireshark understands what our client sends."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from millwright.devices.connectors.contract import Point, Sample
from millwright.devices.connectors.llrp.connector import LlrpConnector
from millwright.devices.connectors.llrp.settings import LlrpSettings
from support import llrp_witness
from support.llrp_reader import Seen, llrp_reader
from support.mqtt import until

EPC96 = "E28011700000020D1F2A3B4C"
LONG = "3500A1B2C3D4E5F60718293A4B5C6D7E"


async def test_sllurp_understands_the_reader_of_our_tests() -> None:
    async with llrp_reader(tags=[Seen(EPC96, 2, -61), Seen(LONG, 4, -40)]) as reader:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            llrp_witness.__file__,
            str(reader.port),
            "2",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, complaints = await asyncio.wait_for(process.communicate(), 60)
    found = [json.loads(line) for line in output.splitlines()]
    assert found, complaints.decode()
    seen = {}
    for tag in found:
        epc = tag.get("EPC-96") or tag.get("EPC") or tag.get("EPCData", {}).get("EPC")
        seen[str(epc).upper()] = tag
    assert seen.keys() == {EPC96, LONG}, found[:2]
    assert (seen[EPC96]["AntennaID"], seen[EPC96]["PeakRSSI"], seen[EPC96]["TagSeenCount"]) == (2, -61, 3)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed: apt-get install tshark")
@pytest.mark.parametrize("version", ["1.0.1", "1.1"])
async def test_wireshark_understands_what_we_send(tmp_path: Path, version: str) -> None:
    said: list[tuple[bool, bytes]] = []
    async with llrp_reader(
        tags=[Seen(EPC96, 2, -61), Seen(LONG, 4)], inputs={1: False}, outputs={1: False}, off={1}
    ) as reader:
        port = reader.port
        gate = await asyncio.start_server(lambda *ends: _between(*ends, port, said), "127.0.0.1", 0)
        async with gate:
            settings = LlrpSettings(
                host="127.0.0.1",
                port=gate.sockets[0].getsockname()[1],
                keepalive_s=0.2,
                report_ms=50,
                antennas=(1, 2),
                version=version,  # type: ignore[arg-type]  # a literal
            )
            session = await LlrpConnector().open(settings)
            delivered: list[Sample] = []

            async def deliver(samples: Sequence[Sample]) -> None:
                delivered.extend(samples)

            running = asyncio.create_task(
                session.run([Point(id="r", address="reads"), Point(id="i", address="gpi/1")], deliver)
            )
            await until(lambda: reader.acknowledged >= 1 and any(EPC96 in str(each.value) for each in delivered), 20)
            await session.write("gpo/1", value=True)
            reader.input(1, high=True)
            await until(lambda: any(each.point_id == "i" and each.value is True for each in delivered), 20)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await session.close()
    file = tmp_path / "llrp.pcap"
    llrp_witness.write_pcap(file, said)
    packets = await asyncio.to_thread(llrp_witness.dissect, file)
    bad = [packet["fields"] for packet in packets if packet["bad"] and not _excused(packet["fields"])]
    assert not bad, bad
    types = {field.split("Type: ")[1] for packet in packets for field in packet["fields"] if "Type: " in field}
    numbers = {int(each.rpartition("(")[2].rstrip(")")) for each in types if each.endswith(")")}
    messages = {1, 2, 3, 14, 20, 21, 22, 24, 61, 63, 72}
    parameters = {177, 178, 179, 182, 183, 184, 186, 219, 220, 225, 237, 238, 240, 241, 244, 245, 248}
    assert messages | parameters <= numbers, types
    assert not any("unknown" in each.lower() for each in types), types


def _excused(fields: list[str]) -> bool:
    """Wireshark 4.0 miscounts two things: the octet of SET_PROTOCOL_VERSION (LLRP 1.1, 17.1.3) and the two octets of
    the length before a reader's number (17.2.6.2)."""
    return any("(47)" in field or "(218)" in field for field in fields)


async def _between(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, said: list[tuple[bool, bytes]]
) -> None:
    """Hands on both ways, and keeps what was said."""
    to, fro = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, client: bool) -> None:
        try:
            while data := await source.read(65_536):
                said.append((client, data))
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    await asyncio.gather(pump(reader, fro, client=True), pump(to, writer, client=False))
