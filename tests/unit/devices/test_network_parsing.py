"""What others send is read without harm: LLDP, heads of frames, ARP, SNTP, reports of edges."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.network.linux import netlink
from millwright.devices.network.linux.arp import read_claim
from millwright.devices.network.linux.echo import checksum
from millwright.devices.network.linux.lldp import read_lldp
from millwright.devices.network.linux.packets import program, read_head
from millwright.devices.network.linux.tables import scope_of
from millwright.devices.network.model import Interface, NetworkReport, SiteLink
from millwright.devices.network.protocols import ETHERTYPES, TCP, UDP
from millwright.devices.network.sntp import ClockUnknown, offset_of
from millwright.devices.network.wire import pack, unpack
from millwright.kernel import Invalid
from support.lldp import announcement


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_passed_over(data: bytes) -> None:
    read_head(data)
    read_lldp(data, "eth0", 0)
    read_lldp(bytes(12) + b"\x88\xcc" + data, "eth0", 0)
    read_claim(data, bytes(6), bytes(4))
    netlink.attributes(data, 0)
    for kind in (b"\x08\x00", b"\x86\xdd", b"\x81\x00"):
        read_head(bytes(12) + kind + data)


@given(st.integers(0, 80))
def test_an_announcement_that_is_cut_off_says_nothing_wrong(cut: int) -> None:
    whole = announcement("sw-hall-3", "Gi1/0/7", port_text="Press line", vlan=30, max_frame=1518)
    read = read_lldp(whole[:cut], "eth0", 0)
    if read is not None:
        assert read[0].port == "Gi1/0/7"
        assert read[0].name in ("", "sw-hall-3")


def test_heads_of_frames_say_who_speaks_what() -> None:
    ethernet = bytes.fromhex("020000000002020000000001")
    tcp = struct.pack("!HH", 40000, 502) + bytes(16)
    v4 = struct.pack("!BBHHHBBH4s4s", 0x46, 0, 1044, 0, 0, 64, 6, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    seen = read_head(ethernet + b"\x08\x00" + v4 + bytes(4) + tcp)
    assert seen is not None
    assert (seen.source, seen.target, seen.transport, seen.target_port, seen.length) == (
        "10.0.0.1", "10.0.0.2", "tcp", 502, 1044,
    )  # fmt: skip
    v6 = struct.pack("!IHBB", 6 << 28, 20, 17, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
    tagged = read_head(ethernet + b"\x81\x00\x00\x1e\x86\xdd" + v6 + struct.pack("!HH", 47808, 5000))
    assert tagged is not None
    assert (tagged.family, tagged.source, tagged.source_port, tagged.length) == (6, "::1", 47808, 60)
    goose = read_head(ethernet + b"\x88\xb8" + bytes(50))
    assert goose is not None
    assert (goose.transport, goose.source, goose.ethertype) == ("ethernet", "02:00:00:00:00:01", 0x88B8)


def test_the_filter_fits_the_kernel() -> None:
    made = program(ETHERTYPES, TCP, UDP)
    assert len(made) < 4096
    for at, (code, yes, no, _) in enumerate(made):
        if code & 0x07 == 0x05:
            assert at + 1 + max(yes, no) < len(made)
    assert made[-1][0] == 0x06


def test_checksums_and_scopes() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D  # the example of RFC 1071, section 3
    assert checksum(b"\x01") == 0xFEFF
    said = {
        "127.0.0.1": "host", "10.1.2.3": "private", "169.254.3.4": "link", "8.8.8.8": "global",
        "fd00::1": "ula", "fe80::1": "link", "2606:4700::1": "global", "::1": "host",
    }  # fmt: skip
    assert {each: scope_of(each) for each in said} == said


def answer(nonce: bytes, *, flags: int = 0b00_100_100, stratum: int = 2, time_s: float = 1_000.0) -> bytes:
    stamp = struct.pack("!II", int(time_s) + 2_208_988_800 & 0xFFFFFFFF, 0)
    return bytes([flags, stratum]) + bytes(22) + nonce + stamp + stamp


def test_a_time_server_is_believed_only_when_it_answers_us() -> None:
    nonce = b"12345678"
    # We sent at 1002 and heard at 1004 by our clock; the server was at 1000: ours is 3 s ahead.
    assert offset_of(answer(nonce), nonce, 1_002.0, 1_004.0) == pytest.approx(3_000)
    # In the era after 2036.
    assert offset_of(answer(nonce, time_s=2_085_978_500), nonce, 2_085_978_500, 2_085_978_500) == pytest.approx(0)
    for bad in (
        answer(b"87654321"), answer(nonce)[:40], b"", answer(nonce, stratum=0), answer(nonce, stratum=16),
        answer(nonce, flags=0b11_100_100), answer(nonce, flags=0b00_100_011),
    ):  # fmt: skip
        with pytest.raises(ClockUnknown):
            offset_of(bad, nonce, 0, 0)


def test_reports_pass_the_link_and_bombs_do_not() -> None:
    links = [SiteLink(peer=f"10.0.0.{n}", family=4, role="peer", state="ok", method="icmp") for n in range(100)]
    report = NetworkReport(at_ms=1, interfaces=[Interface(name="eth0", index=2)], links=links)
    packed = pack(report)
    assert len(packed) < 2_000
    assert unpack(packed) == report
    for bad in (
        b"", b"x", packed[:-3], zlib.compress(b"\xc1"), zlib.compress(bytes(20_000_000)), bytes(600_000),
        zlib.compress(b"\x81\xa5at_ms\xa1x"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as raised:
            unpack(bad)
        assert raised.value.code == "devices.edge_message_invalid"
