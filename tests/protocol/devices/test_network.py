"""The watch in real network namespaces: two sides, a line between them, and what goes wrong on it."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from millwright.devices.network.linux.lldp import read_lldp
from millwright.devices.network.model import NetworkReport, SiteLink
from support.lldp import announcement
from support.netns import Lab, need_namespaces

ECHO_SERVER = """
import selectors, socket, sys
chosen = selectors.DefaultSelector()
for host, port in (("10.77.0.2", 502), ("fd77::2", 4840)):
    server = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    chosen.register(server, selectors.EVENT_READ, "server")
print("ready", flush=True)
while True:
    for key, _ in chosen.select():
        if key.data == "server":
            chosen.register(key.fileobj.accept()[0], selectors.EVENT_READ, "peer")
        elif data := key.fileobj.recv(65536):
            key.fileobj.sendall(data)
        else:
            chosen.unregister(key.fileobj)
            key.fileobj.close()
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    need_namespaces()
    with Lab() as made:
        yield made


def link_of(report: NetworkReport, peer: str) -> SiteLink | None:
    return next((each for each in report.links if each.peer == peer), None)


def state_of(report: NetworkReport, peer: str) -> str:
    found = link_of(report, peer)
    return found.state if found else "none"


def kinds(report: NetworkReport) -> set[tuple[str, str]]:
    return {(each.kind, each.about) for each in report.findings}


def test_the_inventory_is_what_iproute2_says(lab: Lab) -> None:
    with lab.watched() as watched:
        report = watched.wait("both gateways answer", lambda r: all(each.state == "ok" for each in r.links))
    own = {each.name: each for each in report.interfaces}
    said = {each["ifname"]: each for each in lab.ip_json(lab.site, "-s", "addr")}
    assert own.keys() == said.keys()
    for name, each in said.items():
        assert own[name].mtu == each["mtu"]
        assert own[name].mac in (each.get("address", ""), "")
        assert {(one.address, one.prefix) for one in own[name].addresses} == {
            (one["local"], one["prefixlen"]) for one in each["addr_info"]
        }
    assert {one.scope for one in own["site0"].addresses} == {"private", "ula", "link"}
    routes = {(each.destination, each.prefix, each.gateway) for each in report.routes}
    assert {("0.0.0.0", 0, "10.77.0.2"), ("::", 0, "fd77::2"), ("10.77.0.0", 24, "")} <= routes
    macs = {each["dst"]: each["lladdr"] for each in lab.ip_json(lab.site, "neigh") if "lladdr" in each}
    own_macs = {each.address: each.mac for each in report.neighbours}
    for gateway in ("10.77.0.2", "fd77::2"):
        assert own_macs[gateway] == macs[gateway]
    assert (report.readiness.hosts, report.readiness.hosts_v6, report.readiness.share_pct) == (1, 1, 100.0)
    assert report.limits == []


def test_both_families_are_asked_and_a_cut_line_is_told(lab: Lab) -> None:
    with lab.watched() as watched:
        report = watched.wait(
            "latency, jitter and loss of both", lambda r: sum(each.jitter_ms is not None for each in r.links) == 2
        )
        for peer, family in (("10.77.0.2", 4), ("fd77::2", 6)):
            found = link_of(report, peer)
            assert found is not None
            assert (found.role, found.family, found.method, found.loss_pct) == ("gateway", family, "icmp", 0.0)
            assert 0 < (found.latency_ms or 0) < 500
        assert kinds(report) == set()
        # The far end goes: the line has no carrier, nobody answers.
        lab.ip("-n", lab.far, "link", "set", "far0", "down")
        cut = watched.wait("both are down", lambda r: {each.state for each in r.links} == {"down"})
        assert {("gateway_unreachable", "10.77.0.2"), ("interface_down", "site0")} <= kinds(cut)
        assert (link_of(cut, "10.77.0.2") or report.links[0]).recent[-1] is None
        lab.ip("-n", lab.far, "link", "set", "far0", "up")
        lab.ip("-n", lab.far, "addr", "replace", "fd77::2/64", "dev", "far0", "nodad")
        back = watched.wait("it is up again", lambda r: state_of(r, "10.77.0.2") != "down")
        assert ("interface_down", "site0") not in kinds(back)
        for _ in range(2):
            lab.ip("-n", lab.far, "link", "set", "far0", "down")
            time.sleep(0.2)  # the kernel tells a change of the carrier a moment later
            lab.ip("-n", lab.far, "link", "set", "far0", "up")
            time.sleep(0.2)
        watched.wait("flaps are told", lambda r: ("link_flaps", "site0") in kinds(r))


def test_a_smaller_mtu_at_the_other_end_is_found(lab: Lab) -> None:
    lab.ip("-n", lab.far, "link", "set", "far0", "mtu", "1400")
    lost = {("mtu_mismatch", "10.77.0.2"), ("mtu_mismatch", "fd77::2")}
    with lab.watched() as watched:
        report = watched.wait("whole packets get lost", lambda r: lost <= kinds(r))
        assert state_of(report, "10.77.0.2") == "ok"


def test_another_machine_with_our_address_is_found(lab: Lab) -> None:
    lab.ip("-n", lab.far, "addr", "add", "10.77.0.1/32", "dev", "far0")
    with lab.watched() as watched:
        report = watched.wait("somebody claims it", lambda r: ("duplicate_address", "10.77.0.1") in kinds(r))
    finding = next(each for each in report.findings if each.kind == "duplicate_address")
    assert finding.detail["mac"] == lab.ip_json(lab.far, "link", "show", "far0")[0]["address"]


def test_protocols_of_own_connections_and_on_the_wire(lab: Lab) -> None:
    with lab.running(lab.far, sys.executable, "-c", ECHO_SERVER, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        with lab.watched({"wire": True}) as silent:
            silent.wait("it listens", lambda r: r.interfaces)
            # Started after the ear: its frames are heard.
            with lab.watched({"wire": False}, connect=[["10.77.0.2", 502], ["fd77::2", 4840]]) as watched:
                report = watched.wait(
                    "both peers are measured", lambda r: {"10.77.0.2", "fd77::2"} <= {each.peer for each in r.links}
                )
                spoken = {(each.peer, each.family, each.protocol, each.direction): each for each in report.protocols}
                modbus = spoken["10.77.0.2", 4, "Modbus TCP", "out"]
                assert (modbus.connections, modbus.source) == (1, "socket")
                assert modbus.bytes_out in (3000, 3001)  # the kernel counts the opening as one
                assert ("fd77::2", 6, "OPC UA", "out") in spoken
                link = link_of(report, "10.77.0.2")
                assert link is not None
                assert link.protocols == ["Modbus TCP"]
                heard = silent.wait("frames are heard", lambda r: len(r.protocols) >= 2)
    wire = {(each.peer, each.family, each.protocol, each.direction): each for each in heard.protocols}
    assert wire.keys() == {("10.77.0.2", 4, "Modbus TCP", "out"), ("fd77::2", 6, "OPC UA", "out")}
    seen = wire["10.77.0.2", 4, "Modbus TCP", "out"]
    assert seen.source == "wire"
    assert seen.frames >= 4
    assert seen.bytes_out > 3000
    assert seen.bytes_in > 0


def test_without_rights_the_open_connections_still_tell(lab: Lab) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    with lab.running(lab.far, sys.executable, "-c", ECHO_SERVER, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        dropped = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"]
        with lab.watched({}, *dropped, connect=[["10.77.0.2", 502]]) as watched:
            report = watched.wait("TCP tells", lambda r: (link_of(r, "10.77.0.2") or r.links[0]).method == "socket")
    found = link_of(report, "10.77.0.2")
    assert found is not None
    assert found.state == "ok"
    assert 0 < (found.latency_ms or 0) < 1000
    assert set(report.limits) == {"icmp", "packets"}


def test_a_scan_finds_who_is_there_and_keeps_its_pace(lab: Lab) -> None:
    with lab.watched({"lldp": False}) as watched:
        watched.wait("it looks", lambda r: r.routes)
        began = time.monotonic()
        watched.say({"id": "scan_1", "subnet": "10.77.0.0/26", "per_s": 50, "asked_ms": 0})
        report = watched.wait("it is done", lambda r: r.scan is not None and r.scan.state == "done")
        took_s = time.monotonic() - began
        assert report.scan is not None
        assert (report.scan.asked, report.scan.of) == (62, 62)
        assert {each.address for each in report.scan.found} == {"10.77.0.1", "10.77.0.2"}
        assert took_s > 62 / 50
        # What comes over a wire is judged here again.
        watched.say({"id": "scan_2", "subnet": "203.0.113.0/28", "per_s": 50, "asked_ms": 0})
        refused = watched.wait("it is refused", lambda r: r.scan is not None and r.scan.state == "failed")
        assert refused.scan is not None
        assert "not a private network" in refused.scan.error


SEND = """
import socket, sys
channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
channel.bind(("far0", 0))
for frame in sys.argv[1:]:
    channel.send(bytes.fromhex(frame))
"""


def test_a_switch_is_heard_and_leaves(lab: Lab) -> None:
    frame = announcement("sw-hall-3", "Gi1/0/7", port_text="Press line", vlan=30, max_frame=1400)
    with lab.watched() as watched:
        watched.wait("it listens", lambda r: r.interfaces)
        broken = [frame[:20], frame[:14], bytes.fromhex("0180c200000e020000000001") + b"\x88\xcc" + b"\xff" * 40]
        lab.inside(lab.far, sys.executable, "-c", SEND, *(each.hex() for each in [*broken, frame]))
        report = watched.wait("the switch is heard", lambda r: r.switches)
        assert [(each.interface, each.name, each.port, each.vlan) for each in report.switches] == [
            ("site0", "sw-hall-3", "Gi1/0/7", 30)
        ]
        # A switch that takes no frame as large as the interface sends them.
        assert ("mtu_mismatch", "site0") in kinds(report)
        leaving = announcement("sw-hall-3", "Gi1/0/7", ttl_s=0)
        lab.inside(lab.far, sys.executable, "-c", SEND, leaving.hex())
        watched.wait("it has left", lambda r: not r.switches)


def test_tshark_reads_the_same_of_an_announcement(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    frame = announcement("sw-hall-3", "Gi1/0/7", port_text="Press line", vlan=30, max_frame=1518)
    file = tmp_path / "lldp.pcap"
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    file.write_bytes(head + struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    fields = [
        "lldp.tlv.system.name",
        "lldp.port.id",
        "lldp.port.desc",
        "lldp.time_to_live",
        "lldp.ieee.802_1.port_vlan.id",
    ]
    fields += ["lldp.chassis.id.mac", "lldp.ieee.802_3.max_frame_size"]
    wanted = [argument for field in fields for argument in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-r", str(file), "-T", "fields", *wanted], capture_output=True, text=True, check=True
    )
    read = read_lldp(frame, "site0", 0)
    assert read is not None
    port, ttl_s = read
    own = [port.name, port.port, port.port_text, str(ttl_s), str(port.vlan), port.chassis, str(port.max_frame)]
    assert done.stdout.rstrip("\n").split("\t") == own
