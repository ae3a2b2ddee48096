"""What is heard without asking: switches by LLDP, and where the settings say so the protocols of passing frames."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Collection, Sequence
from typing import Final, Literal

from millwright.devices.network.linux.lldp import ETHERTYPE, GROUPS, read_lldp
from millwright.devices.network.linux.packets import HEAD_BYTES, Seen, only, open_packets, program, read_head
from millwright.devices.network.model import Interface, Spoken, SwitchPort
from millwright.devices.network.protocols import ETHERTYPES, TCP, UDP
from millwright.devices.network.settings import NetworkSettings
from millwright.kernel import Clock

logger = logging.getLogger(__name__)

_MOST_PEERS: Final = 500
_MOST_SWITCHES: Final = 64
_BATCH: Final = 256
_FRAME: Final = 2048
_OUTGOING: Final = 4


class Ear:
    """Listens at the interfaces that are there; :meth:`attend` each round. ``denied`` once the kernel says no."""

    def __init__(self, settings: NetworkSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._channels: dict[tuple[str, str], socket.socket] = {}
        self._switches: dict[tuple[str, str, str], tuple[SwitchPort, int]] = {}
        self._heard: dict[tuple[str, int, str, str, int, str], list[int]] = {}
        self._budget: dict[str, int] = {}
        self._own: Collection[str] = ()
        self._filled_s = 0.0
        self.denied = False
        self.passed_over = 0

    def attend(self, interfaces: Sequence[Interface]) -> None:
        """Listen where there is an Ethernet that is up, and nowhere else."""
        wanted = {each.name for each in interfaces if not each.loopback and each.up and each.mac}
        self._own = {one.address for each in interfaces for one in each.addresses}
        for key in [key for key in self._channels if key[0] not in wanted]:
            self._close(key)
        if self.denied:
            return
        for name in sorted(wanted)[:32]:
            if self._settings.lldp and (name, "lldp") not in self._channels:
                self._open(name, "lldp")
            if self._settings.wire and (name, "wire") not in self._channels:
                self._open(name, "wire")

    def close(self) -> None:
        """Listen no more."""
        for key in list(self._channels):
            self._close(key)

    def switches(self) -> list[SwitchPort]:
        """The switches whose word is still good."""
        now_ms = self._clock.now_ms()
        self._switches = {key: each for key, each in self._switches.items() if each[1] > now_ms}
        return [port for port, _ in self._switches.values()]

    def spoken(self) -> list[Spoken]:
        """What was heard on the wire since the start, the busiest first."""
        found = [
            Spoken(
                peer=peer,
                family=4 if family == 4 else 6 if family == 6 else 0,
                protocol=protocol,
                transport="tcp" if transport == "tcp" else "udp" if transport == "udp" else "ethernet",
                port=port,
                direction=_direction(direction),
                bytes_in=bytes_in,
                bytes_out=bytes_out,
                frames=frames,
                source="wire",
            )
            for (peer, family, protocol, transport, port, direction), (frames, bytes_in, bytes_out) in (
                self._heard.items()
            )
        ]
        return sorted(found, key=lambda each: -each.frames)

    # --- sockets -------------------------------------------------------------------------------------------------

    def _open(self, name: str, what: str) -> None:
        try:
            if what == "lldp":
                channel = open_packets(name, only(ETHERTYPE), groups=GROUPS)
            else:
                types = [each for each in ETHERTYPES if each != ETHERTYPE]
                rules = program(types, TCP, UDP)
                channel = open_packets(name, rules, promiscuous=self._settings.wire_promiscuous)
        except PermissionError:
            self.denied = True
            logger.info("frames are not listened to: this process has not the right CAP_NET_RAW")
            return
        except OSError as error:
            logger.debug("%s cannot be listened at: %s", name, error)
            return
        self._channels[name, what] = channel
        read: Callable[..., None] = self._hear_switch if what == "lldp" else self._hear_frames
        asyncio.get_running_loop().add_reader(channel.fileno(), read, name, channel)

    def _close(self, key: tuple[str, str]) -> None:
        channel = self._channels.pop(key)
        asyncio.get_running_loop().remove_reader(channel.fileno())
        channel.close()

    def _hear_switch(self, name: str, channel: socket.socket) -> None:
        for _ in range(8):
            try:
                frame, sender = channel.recvfrom(_FRAME)
            except BlockingIOError:
                return
            except OSError:
                self._close((name, "lldp"))
                return
            if sender[2] == _OUTGOING:
                continue
            self.take_lldp(frame, name)

    def take_lldp(self, frame: bytes, interface: str) -> None:
        """Take what a switch said at an interface; what cannot be read is passed over."""
        now_ms = self._clock.now_ms()
        read = read_lldp(frame, interface, now_ms)
        if read is None:
            return
        port, ttl_s = read
        key = interface, port.chassis, port.port
        if not ttl_s:
            self._switches.pop(key, None)
        elif key in self._switches or len(self._switches) < _MOST_SWITCHES:
            self._switches[key] = port, now_ms + ttl_s * 1000

    def _hear_frames(self, name: str, channel: socket.socket) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._filled_s >= 1.0:
            self._budget.clear()
            self._filled_s = now_s
        for _ in range(_BATCH):
            try:
                frame, sender = channel.recvfrom(HEAD_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._close((name, "wire"))
                return
            used = self._budget.get(name, 0)
            if used >= self._settings.wire_frames:
                self.passed_over += 1
                continue
            self._budget[name] = used + 1
            seen = read_head(frame)
            if seen is not None:
                self.take_frame(seen, outgoing=sender[2] == _OUTGOING)

    def take_frame(self, seen: Seen, *, outgoing: bool = False) -> None:
        """Count a frame for the one that serves the protocol: the peer is who is not here, of two others the server."""
        if seen.transport == "ethernet":
            protocol = ETHERTYPES.get(seen.ethertype)
            if protocol is None:
                return
            peer, direction, port = (seen.target, "out", 0) if outgoing else (seen.source, "in", 0)
            self._count((peer, 0, protocol, "ethernet", port, direction), seen.length, inward=not outgoing)
            return
        table = TCP if seen.transport == "tcp" else UDP
        to_server = seen.target_port in table
        if not to_server and seen.source_port not in table:
            return
        port = seen.target_port if to_server else seen.source_port
        server, client = (seen.target, seen.source) if to_server else (seen.source, seen.target)
        if server in self._own:
            peer, direction = client, "in"
        elif client in self._own:
            peer, direction = server, "out"
        else:
            peer, direction = server, "seen"
        inward = seen.source == peer
        self._count((peer, seen.family, table[port], seen.transport, port, direction), seen.length, inward=inward)

    def _count(self, key: tuple[str, int, str, str, int, str], length: int, *, inward: bool) -> None:
        counted = self._heard.get(key)
        if counted is None:
            if len(self._heard) >= _MOST_PEERS:
                self.passed_over += 1
                return
            counted = self._heard[key] = [0, 0, 0]
        counted[0] += 1
        counted[1 if inward else 2] += length


def _direction(text: str) -> Literal["out", "in", "seen"]:
    return "out" if text == "out" else "in" if text == "in" else "seen"
