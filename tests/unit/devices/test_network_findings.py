"""What is made of what was seen: states of links, findings, readings, and which networks may be scanned."""

from __future__ import annotations

import asyncio
import csv
import io

import pytest

from millwright.devices.network.findings import Findings
from millwright.devices.network.hearing import Ear
from millwright.devices.network.inventory import Snapshot, listening_of, readiness_of, spoken_of
from millwright.devices.network.links import LinkBook, Track
from millwright.devices.network.linux.echo import Answer
from millwright.devices.network.linux.packets import Seen
from millwright.devices.network.linux.sockets import Socket
from millwright.devices.network.model import (
    Address,
    Interface,
    Neighbour,
    NetworkFinding,
    NetworkReport,
    Route,
    SiteLink,
)
from millwright.devices.network.scanning import addresses_of
from millwright.devices.network.series import values_of
from millwright.devices.network.service import hosts_of, write_csv
from millwright.devices.network.settings import NetworkSettings
from millwright.kernel import MillwrightError, SystemClock

PLC = "10.0.0.9"
V6 = "fd00::9"


def interface(**more: object) -> Interface:
    known = {
        "name": "eth0", "index": 2, "mac": "02:00:00:00:00:01", "up": True, "carrier": True, "mtu": 1500,
        "addresses": [
            Address(address="10.0.0.1", prefix=24, family=4, scope="private"),
            Address(address="fd00::1", prefix=64, family=6, scope="ula"),
        ],
    }  # fmt: skip
    return Interface(**{**known, **more})  # type: ignore[arg-type]


def neighbour(address: str, mac: str, state: str = "reachable") -> Neighbour:
    family = 6 if ":" in address else 4
    return Neighbour(address=address, family=family, mac=mac, interface="eth0", state=state)  # type: ignore[arg-type]


def snapshot(*neighbours: Neighbour, **more: object) -> Snapshot:
    routes = [
        Route(family=4, destination="10.0.0.0", prefix=24, gateway="", interface="eth0"),
        Route(family=6, destination="fd00::", prefix=64, gateway="", interface="eth0"),
    ]
    return Snapshot([interface(**more)], routes, list(neighbours))


def connection(peer: str, port: int, **more: object) -> Socket:
    known = {"rtt_ms": 4.0, "segments_out": 100, "bytes_in": 10, "bytes_out": 20}
    local = "fd00::1" if ":" in peer else "10.0.0.1"
    return Socket("tcp", 6 if ":" in peer else 4, local, 40_000, peer, port, False, 1, **{**known, **more})  # type: ignore[arg-type]


def one_round(book: LinkBook, seen: Snapshot, sockets: list[Socket], answer: Answer) -> SiteLink:
    async def ask(_track: Track, _interface: str) -> Answer:
        return answer

    spoken = spoken_of(sockets, seen.own(), {})
    book.follow(seen, spoken, {}, 1_000)
    book.hear(sockets)
    asyncio.run(book.ask(seen, ask, lambda: 1_000, sockets))
    return book.links(seen, spoken)[0]


def test_a_peer_that_answers_and_stops_is_down_after_three() -> None:
    book, seen, sockets = LinkBook(NetworkSettings()), snapshot(), [connection(PLC, 502)]
    for latency in (10.0, 14.0, 10.0):
        found = one_round(book, seen, sockets, latency)
    assert (found.role, found.state, found.method, found.protocols) == ("device", "ok", "icmp", ["Modbus TCP"])
    # RFC 3550: the first difference, then a sixteenth of what it moves.
    assert found.jitter_ms == pytest.approx(4.0)
    states = [one_round(book, seen, sockets, "silent").state for _ in range(3)]
    assert states == ["ok", "ok", "down"]
    assert one_round(book, seen, [], 12.0).state in ("ok", "lossy")


def test_loss_is_told_when_there_are_enough_samples() -> None:
    book, seen, sockets = LinkBook(NetworkSettings()), snapshot(), [connection(PLC, 502)]
    answers: list[Answer] = [1.0, 1.0, "silent", 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    states = [one_round(book, seen, sockets, each).state for each in answers]
    assert set(states) == {"ok"}
    found = one_round(book, seen, sockets, 1.0)
    assert (found.state, found.loss_pct) == ("lossy", 10.0)


def test_who_ignores_echoes_is_judged_by_the_open_connection() -> None:
    book, seen = LinkBook(NetworkSettings()), snapshot()
    found = one_round(book, seen, [connection(PLC, 502)], "silent")
    assert (found.method, found.state, found.latency_ms) == ("socket", "ok", 4.0)
    again = connection(PLC, 502, segments_out=200, retransmitted=20, rtt_ms=5.0)
    found = one_round(book, seen, [again], "silent")
    assert (found.state, found.loss_pct) == ("lossy", 20.0)
    # The connection is gone and so is the machine, as ARP tells.
    gone = snapshot(neighbour(PLC, "", "failed"))
    assert one_round(book, gone, [], "silent").state == "down"


def test_peers_are_bounded_and_the_important_stay() -> None:
    book = LinkBook(NetworkSettings(peers=3))
    sockets = [connection(f"10.0.1.{n}", 9_000) for n in range(50)] + [connection(PLC, 502)]
    one_round(book, snapshot(), sockets, 1.0)
    assert len(book.tracks) == 3
    assert PLC in book.tracks


def test_findings_of_interfaces_come_and_go() -> None:
    findings = Findings(1_000)

    def kinds(now_ms: int, **more: object) -> dict[str, NetworkFinding]:
        seen = snapshot(**more)
        return {each.kind: each for each in findings.judge(seen, [], {}, now_ms=now_ms)}

    assert kinds(0, rx_errors=5) == {}
    assert kinds(10, rx_errors=14) == {}
    assert kinds(20, rx_errors=15)["errors_rising"].detail == {"errors": 10}
    assert kinds(20, rx_errors=15)["errors_rising"].since_ms == 20
    assert kinds(700_000, rx_errors=15) == {}
    assert set(kinds(700_001, duplex="half", flaps=3)) == {"half_duplex", "link_flaps"}
    assert kinds(700_002, carrier=False)["interface_down"].severity == "error"
    twice = [Address(address="fd00::1", prefix=64, family=6, scope="ula", state="duplicate")]
    assert kinds(700_003, addresses=twice)["duplicate_address"].about == "fd00::1"


def test_an_address_that_moves_between_machines_is_told() -> None:
    findings, told = Findings(1_000), []
    for number in range(4):
        seen = snapshot(neighbour(PLC, f"02:00:00:00:00:0{2 + number % 2}"))
        told.append([each.kind for each in findings.judge(seen, [], {}, now_ms=number)])
    assert told == [[], [], ["address_moves"], ["address_moves"]]


def test_a_device_with_ipv6_that_is_reached_by_ipv4_is_told() -> None:
    seen = snapshot(neighbour(PLC, "02:00:00:00:00:09"), neighbour(V6, "02:00:00:00:00:09"))
    book = LinkBook(NetworkSettings())
    found = one_round(book, seen, [connection(PLC, 502, path_mtu=1400)], 1.0)
    assert found.other_family == V6
    told = {each.kind: each.detail for each in Findings(1_000).judge(seen, [found], book.tracks, now_ms=1)}
    assert told == {"ipv4_only": {"ipv6": V6}, "path_mtu_small": {"path_mtu": 1400, "mtu": 1500}}
    ready = readiness_of(seen, [found])
    assert (ready.hosts, ready.hosts_v6, ready.links_v6, ready.share_pct) == (1, 1, 1, 100.0)


def test_clocks_and_claims_are_told() -> None:
    findings = Findings(1_000)
    told = findings.judge(
        snapshot(), [], {}, now_ms=1, claimed={"10.0.0.1": "02:00:00:00:00:77"}, clock_offset_ms=-1_500.0
    )
    assert [(each.kind, each.about) for each in told] == [("duplicate_address", "10.0.0.1"), ("clock_off", "clock")]
    told = findings.judge(snapshot(), [], {}, now_ms=1, clock_offset_ms=900.0, clock_error="ntp.example: it is silent")
    assert [each.kind for each in told] == ["clock_unknown"]


def test_sockets_say_what_is_served_and_spoken() -> None:
    served = Socket("tcp", 4, "0.0.0.0", 1883, "0.0.0.0", 0, True, 1)
    client = Socket("udp", 4, "0.0.0.0", 45_000, "0.0.0.0", 0, True, 2)
    device = Socket("tcp", 4, "10.0.0.1", 1883, "10.0.0.30", 51_000, False, 3, bytes_in=7)
    local = Socket("tcp", 4, "127.0.0.1", 40_000, "127.0.0.1", 4222, False, 4)
    sockets = [served, client, device, local, connection(V6, 4840)]
    assert [each.protocol for each in listening_of(sockets, {1883: "MQTT"})] == ["MQTT"]
    spoken = [
        (each.peer, each.protocol, each.direction, each.bytes_in) for each in spoken_of(sockets, {"10.0.0.1"}, {})
    ]
    assert spoken == [("10.0.0.30", "MQTT", "in", 7), (V6, "OPC UA", "out", 10)]


def test_frames_are_counted_for_the_one_that_serves() -> None:
    ear = Ear(NetworkSettings(), SystemClock())
    ear._own = {"10.0.0.1"}
    ear.take_frame(Seen(4, "10.0.0.1", PLC, "tcp", 40_000, 502, 0x0800, 60))
    ear.take_frame(Seen(4, PLC, "10.0.0.1", "tcp", 502, 40_000, 0x0800, 90))
    ear.take_frame(Seen(4, "10.0.0.5", "10.0.0.6", "udp", 5_000, 47_808, 0x0800, 70))
    ear.take_frame(Seen(0, "02:00:00:00:00:05", "01:0e:cf:00:00:00", "ethernet", 0, 0, 0x8892, 64))
    ear.take_frame(Seen(4, "10.0.0.5", "10.0.0.6", "udp", 5_000, 6_000, 0x0800, 70))
    found = {
        (each.peer, each.protocol, each.direction): (each.frames, each.bytes_in, each.bytes_out)
        for each in ear.spoken()
    }
    assert found == {
        (PLC, "Modbus TCP", "out"): (2, 90, 60),
        ("10.0.0.6", "BACnet/IP", "seen"): (1, 0, 70),
        ("02:00:00:00:00:05", "PROFINET RT", "in"): (1, 64, 0),
    }
    for number in range(600):  # somebody who makes addresses up fills no memory
        ear.take_frame(Seen(4, f"10.1.{number // 250}.{number % 250}", "10.0.0.1", "tcp", 502, 40_000, 0x0800, 60))
    assert len(ear.spoken()) == 500
    assert ear.passed_over == 103


@pytest.mark.parametrize(
    ("subnet", "code"),
    [
        ("8.8.8.0/28", "devices.network_scan_public"),
        ("0.0.0.0/0", "devices.network_scan_public"),
        ("2606:4700::/124", "devices.network_scan_public"),
        ("192.0.2.0/28", "devices.network_scan_public"),
        ("10.0.0.0/8", "devices.network_scan_large"),
        ("fd00::/64", "devices.network_scan_large"),
        ("hall 3", "devices.network_scan_subnet"),
        ("", "devices.network_scan_subnet"),
    ],
)
def test_only_small_private_networks_are_scanned(subnet: str, code: str) -> None:
    with pytest.raises(MillwrightError) as raised:
        addresses_of(subnet, 1024)
    assert raised.value.code == code


def test_addresses_of_a_subnet() -> None:
    assert addresses_of("192.168.7.9/30", 1024) == ["192.168.7.9", "192.168.7.10"]
    assert len(addresses_of("10.0.0.0/22", 1024)) == 1022
    assert len(addresses_of("fd00::/120", 1024)) == 255
    with pytest.raises(MillwrightError) as raised:
        addresses_of("10.0.0.0/30", 0)
    assert raised.value.code == "devices.network_scan_off"


def test_readings_tell_both_families_apart() -> None:
    links = [
        SiteLink(peer="10.0.0.254", family=4, role="gateway", state="ok", method="icmp", latency_ms=2.0, loss_pct=0.0),
        SiteLink(peer=PLC, family=4, role="device", state="slow", method="icmp", latency_ms=300.0, loss_pct=10.0),
        SiteLink(peer="fe80::1", family=6, role="gateway", state="down", method="icmp"),
    ]
    values = values_of(NetworkReport(at_ms=1, interfaces=[interface(rx_bps=8_000.4, tx_bps=1.0)], links=links))
    assert values["links_down"] == 1
    assert (values["ipv4.latency_ms"], values["ipv4.loss_pct"], values["ipv4.gateway_up"]) == (151.0, 5.0, True)
    assert values["ipv6.gateway_up"] is False
    assert "ipv6.latency_ms" not in values
    assert values["interface.eth0.rx_bps"] == 8_000
    assert values[f"link.{PLC}.latency_ms"] == 300.0
    assert values["link.fe80::1.up"] is False


def test_exports_are_no_formulas_and_connections_name_their_hosts() -> None:
    finding = NetworkFinding(kind="peer_down", severity="warning", about="=cmd()", detail={}, since_ms=1)
    rows = list(csv.reader(io.StringIO(write_csv(NetworkReport(at_ms=1, findings=[finding])).removeprefix("\ufeff"))))
    assert rows[1][:2] == ["finding", "'=cmd()"]
    assert hosts_of({"endpoint": "opc.tcp://[fd00::9]:4840/x", "host": PLC, "port": 502, "url": ""}) == {V6, PLC}
