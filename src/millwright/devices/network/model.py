"""The network of a site, as a node or an edge sees it and as the API shows it. Times are UTC ms."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

Family = Literal[4, 6]
Scope = Literal["global", "private", "ula", "link", "host"]
LinkState = Literal["ok", "slow", "lossy", "down", "unknown"]
Role = Literal["gateway", "dns", "parent", "device", "peer", "target"]
Method = Literal["icmp", "tcp", "socket", "neighbour", "none"]
Severity = Literal["info", "warning", "error"]

TAG: Final = "site-network"
"""Carried by the devices whose readings are the figures of a site's network."""


class Address(Struct, frozen=True, kw_only=True):
    """An address of an interface. ``state``: the kernel's duplicate address detection (RFC 4862, IPv6 only)."""

    address: str
    prefix: int
    family: Family
    scope: Scope
    state: Literal["ok", "tentative", "duplicate", "deprecated"] = "ok"


class Interface(Struct, frozen=True, kw_only=True):
    """An interface. ``speed_mbps`` and ``duplex`` where the driver tells; rates over the last round.

    ``flaps``: how often the carrier came or went in the last ten minutes.
    """

    name: str
    index: int
    mac: str = ""
    loopback: bool = False
    virtual: bool = False
    up: bool = False
    carrier: bool = False
    mtu: int = 0
    speed_mbps: int | None = None
    duplex: Literal["full", "half"] | None = None
    addresses: list[Address] = []
    rx_bytes: int = 0
    tx_bytes: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0
    carrier_changes: int = 0
    rx_bps: float | None = None
    tx_bps: float | None = None
    flaps: int = 0


class Route(Struct, frozen=True, kw_only=True):
    """A route of the main table; ``prefix`` 0 is a default route."""

    family: Family
    destination: str
    prefix: int
    gateway: str
    interface: str
    metric: int = 0


class Neighbour(Struct, frozen=True, kw_only=True):
    """An entry of the kernel's neighbour tables, ARP (RFC 826) and NDP (RFC 4861).

    ``first_ms`` and ``known`` are the parent's knowledge: since when it is seen, and whether somebody said it belongs.
    """

    address: str
    family: Family
    mac: str
    interface: str
    state: Literal["reachable", "stale", "failed", "permanent"]
    router: bool = False
    first_ms: int | None = None
    known: bool | None = None


class Listening(Struct, frozen=True, kw_only=True):
    """A port that this node or edge itself serves."""

    address: str
    family: Family
    port: int
    transport: Literal["tcp", "udp"]
    protocol: str


class Spoken(Struct, frozen=True, kw_only=True):
    """A protocol spoken with a peer. ``source``: the node's own sockets, or frames seen on the wire.

    ``direction``: who opened it, as seen from here; on the wire it is ``seen`` for what passes between others.
    """

    peer: str
    family: Literal[0, 4, 6]
    protocol: str
    transport: Literal["tcp", "udp", "ethernet"]
    port: int
    direction: Literal["out", "in", "seen"]
    connections: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    frames: int = 0
    source: Literal["socket", "wire"] = "socket"


class SiteLink(Struct, frozen=True, kw_only=True):
    """Somebody this node talks to. Latency and jitter (RFC 3550) in ms, loss in percent of the last samples.

    ``names`` are those of connections and devices behind the address. ``recent`` are latencies, oldest first, ``null``
    for one that did not come. ``path_mtu`` is what the kernel found for the open connection.
    """

    peer: str
    family: Family
    role: Role
    state: LinkState
    method: Method
    interface: str = ""
    mac: str = ""
    names: list[str] = []
    latency_ms: float | None = None
    jitter_ms: float | None = None
    loss_pct: float | None = None
    recent: list[float | None] = []
    path_mtu: int | None = None
    protocols: list[str] = []
    connections: int = 0
    since_ms: int = 0
    other_family: str | None = None


class SwitchPort(Struct, frozen=True, kw_only=True):
    """What a switch says of itself by LLDP (IEEE 802.1AB) to the interface it is cabled to."""

    interface: str
    chassis: str
    port: str
    name: str = ""
    port_text: str = ""
    text: str = ""
    management: str = ""
    vlan: int | None = None
    max_frame: int | None = None
    heard_ms: int = 0


class NetworkFinding(Struct, frozen=True, kw_only=True):
    """What is not as it should be: ``kind`` is a stable word the console explains, ``about`` what it is about."""

    kind: str
    severity: Severity
    about: str
    detail: dict[str, Any] = {}
    since_ms: int = 0


class ScanOrder(Struct, frozen=True, kw_only=True):
    """A scan somebody asked for."""

    id: str
    subnet: str
    per_s: int
    asked_ms: int
    by: str = ""


class ScannedHost(Struct, frozen=True, kw_only=True):
    """A host that answered a scan."""

    address: str
    latency_ms: float | None = None
    mac: str = ""


class ScanResult(Struct, frozen=True, kw_only=True):
    """How far a scan is."""

    id: str
    subnet: str
    state: Literal["waiting", "running", "done", "failed"]
    asked: int = 0
    of: int = 0
    found: list[ScannedHost] = []
    error: str = ""


class Readiness(Struct, frozen=True, kw_only=True):
    """How far the site is with IPv6: of the peers it talks to (links), and of the hosts in its neighbour tables."""

    interfaces: int = 0
    interfaces_v6: int = 0
    links: int = 0
    links_v6: int = 0
    hosts: int = 0
    hosts_v6: int = 0
    default_v4: bool = False
    default_v6: bool = False
    share_pct: float = 0.0


class NetworkReport(Struct, frozen=True, kw_only=True):
    """All that one node or edge sees of its network. ``limits`` are words for what it may not do there."""

    at_ms: int
    host: str = ""
    interfaces: list[Interface] = []
    routes: list[Route] = []
    dns: list[str] = []
    neighbours: list[Neighbour] = []
    listening: list[Listening] = []
    links: list[SiteLink] = []
    protocols: list[Spoken] = []
    switches: list[SwitchPort] = []
    findings: list[NetworkFinding] = []
    readiness: Readiness = field(default_factory=Readiness)
    limits: list[str] = []
    clock_offset_ms: float | None = None
    scan: ScanResult | None = None


class SiteNetwork(Struct, frozen=True, kw_only=True):
    """A site in the list. ``watched``: its figures go into the history of ``device_id``."""

    id: str
    name: str
    kind: Literal["node", "edge"]
    watched: bool
    device_id: str | None
    seen_ms: int | None
    fresh: bool
    state: LinkState
    links: int
    links_down: int
    findings: int
    unknown_neighbours: int
    share_pct: float | None
    organisation_id: str


class SiteDetail(Struct, frozen=True, kw_only=True):
    """A site with what it reported last."""

    site: SiteNetwork
    report: NetworkReport | None


class Watching(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a site's network is watched and its figures kept."""

    watched: bool


class KnownNeighbours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Neighbours that belong here, by MAC address; ``all`` of them that are there now."""

    macs: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=5_000)] = []
    all: bool = False


class NewScan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subnet to be asked, address by address."""

    subnet: Annotated[str, Meta(description="A private network.", max_length=64, examples=["192.168.10.0/24"])]
    per_s: Annotated[int, Meta(description="Most questions a second.", ge=1, le=100)] = 20
