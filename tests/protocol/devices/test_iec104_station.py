"""IEC 60870-5-104 against c104's server, an independent implementation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN, Point
from millwright.devices.connectors.iec104.connector import Iec104Connector
from millwright.devices.connectors.iec104.settings import Iec104Settings
from millwright.kernel import Denied, Invalid, Unavailable
from support.certificates import make_authority, openssl
from support.field_peer import Collected, Peer
from support.ports import free_port

VALUES = {
    1: True,
    2: 2,
    3: -5,
    4: 0xDEADBEEF,
    5: -0.5,
    6: -1234,
    7: 21.5,
    8: 123456,
    11: True,
    12: 1,
    13: 17,
    14: 0,  # c104 2.2 puts 0 on the wire, whatever the value of M_BO_TB_1
    15: 0.25,
    16: 77,
    17: -2.25,
    18: 99,
}


def settings(port: int, **more: object) -> Iec104Settings:
    return Iec104Settings(hosts=(f"127.0.0.1:{port}",), timeout_s=10, **more)


async def test_values_of_every_type_come_by_interrogation_and_by_themselves() -> None:
    port = free_port()
    async with Peer("iec104_station.py", port) as peer:
        session = await Iec104Connector().open(settings(port))
        taken = Collected()
        points = [Point(id=f"p{number}", address=f"7:{number}") for number in (*VALUES, 999)]
        running = asyncio.create_task(session.run(points, taken))
        try:
            for number, value in VALUES.items():
                found = await taken.until(lambda one, number=number: one.point_id == f"p{number}")
                assert (found.value, found.quality) == (value, GOOD)
            missing = await taken.until(lambda one: one.point_id == "p999")
            assert missing.quality == BAD
            assert missing.value is None
            await peer.tell("float 42.25")
            changed = await taken.until(lambda one: one.value == 42.25)
            assert changed.time_ms == int(datetime(2026, 3, 4, 5, 6, 7, 890_000, UTC).timestamp() * 1000)
            await peer.tell("single 0 Invalid")
            bad = await taken.until(lambda one: one.point_id == "p1" and one.quality == BAD)
            assert bad.note == "invalid (IV)"
            await peer.tell("single 0 Substituted")
            doubtful = await taken.until(lambda one: one.point_id == "p1" and one.quality == UNCERTAIN)
            assert doubtful.note == "substituted (SB)"
            await peer.kill()
            with pytest.raises(Unavailable):
                await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await session.close()


async def test_browse_read_and_identity() -> None:
    port = free_port()
    async with Peer("iec104_station.py", port):
        session = await Iec104Connector().open(settings(port))
        try:
            (station,) = (await session.browse()).items
            assert station.address == "7"
            page = await session.browse("7")
            variables = {node.address: node.value for node in page.items if node.kind == "variable"}
            assert variables["7:7:M_ME_NC_1"] == 21.5
            assert variables["7:11:M_SP_NA_1"] is True
            assert {node.address for node in page.items if node.kind == "method"} >= {"7:interrogate"}
            identity = await session.identify()
            assert len(identity.fingerprint) == 16
            samples = await session.read(["7:7", "7:8:M_IT_NA_1", "7:1:M_ME_NC_1", "7:998", "9:1"])
            assert [one.value for one in samples] == [21.5, 123456, None, None, None]
            assert [one.quality for one in samples] == [GOOD, GOOD, BAD, BAD, BAD]
            assert samples[2].note == "is of type M_SP_NA_1"
        finally:
            await session.close()


async def test_commands_are_carried_out_selected_and_refused() -> None:
    port = free_port()
    async with Peer("iec104_station.py", port) as peer:
        session = await Iec104Connector().open(settings(port, time_zone="UTC"))
        try:
            for address, value, heard in (
                ("7:101:C_SC_NA_1", True, "command 101 True"),
                ("7:102:C_DC_NA_1", "off", "command 102 Double.OFF"),
                ("7:103:C_RC_NA_1", "higher", "command 103 Step.HIGHER"),
                ("7:104:C_SE_NA_1", 0.5, "command 104 0.5"),
                ("7:105:C_SE_NB_1", -300, "command 105 -300"),
                ("7:106:C_SE_NC_1", 12.75, "command 106 12.75"),
                ("7:107:C_BO_NA_1", 0xF0F0, "command 107"),
                ("7:108:C_SC_TA_1", False, "command 108 False"),
                ("7:7>109:C_SE_TC_1", 3.5, "command 109 3.5"),
            ):
                await session.write(address, value)
                assert (await peer.heard("command")).startswith(heard)
            with pytest.raises(Denied) as unselected:
                await session.write("7:120:C_SC_NA_1:direct", True)
            assert unselected.value.code == "iec104.refused"
            await session.write("7:120:C_SC_NA_1:select", True)
            assert (await peer.heard("command 120 True")).endswith("execute")
            with pytest.raises(Denied):
                await session.write("7:121:C_SC_NA_1", True)
            with pytest.raises(Denied):
                await session.write("7:555:C_SC_NA_1", True)
            await session.call("7:set_clock", {})
            told = datetime.fromisoformat((await peer.heard("clock")).split()[1])
            assert abs((datetime.now(UTC) - told.replace(tzinfo=UTC)).total_seconds()) < 60
            await session.call("7:counters", {})
            await session.call("7:interrogate", {})
        finally:
            await session.close()


async def test_a_second_host_is_taken_when_the_first_is_away_and_again_after_a_restart() -> None:
    away, port = free_port(), free_port()
    both = Iec104Settings(hosts=(f"127.0.0.1:{away}", f"127.0.0.1:{port}"))
    async with Peer("iec104_station.py", port):
        session = await Iec104Connector().open(both)
        assert (await session.read(["7:7"]))[0].value == 21.5
        await session.close()
    with pytest.raises(Unavailable) as unreachable:
        await Iec104Connector().open(both)
    assert unreachable.value.code == "iec104.unreachable"
    async with Peer("iec104_station.py", away):
        session = await Iec104Connector().open(both)
        assert (await session.read(["7:7"]))[0].value == 21.5
        await session.close()


def signed(folder: Path, name: str, authority: str) -> None:
    """A key and a certificate for 127.0.0.1, signed by the authority of that name."""
    request = folder / f"{name}.csr"
    key = folder / f"{name}.key"
    openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}")
    )
    names = folder / f"{name}.names"
    names.write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(folder / f"{authority}.pem"), "-days", "2"),
        *("-CAkey", str(folder / f"{authority}.key"), "-CAcreateserial", "-extfile", str(names)),
        *("-out", str(folder / f"{name}.pem")),
    )


async def test_tls_with_certificates_of_both_sides(tmp_path: Path) -> None:
    authority, _ = make_authority(tmp_path, "ca")
    other, _ = make_authority(tmp_path, "other")
    signed(tmp_path, "server", "ca")
    signed(tmp_path, "client", "ca")
    ours = {
        "tls": True,
        "tls_certificate": (tmp_path / "client.pem").read_text(),
        "tls_key": (tmp_path / "client.key").read_text(),
    }
    port = free_port()
    async with Peer("iec104_station.py", port, tmp_path):
        session = await Iec104Connector().open(settings(port, tls_authorities=authority, **ours))
        assert (await session.read(["7:7"]))[0].value == 21.5
        await session.close()
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await Iec104Connector().open(settings(port, tls_authorities=other, **ours))
        with pytest.raises(Unavailable):
            await Iec104Connector().open(settings(port, t1_s=1))
    with pytest.raises(Invalid) as unusable:
        await Iec104Connector().open(settings(port, **(ours | {"tls_key": "nonsense"})))
    assert unusable.value.code == "iec104.certificate_unusable"
