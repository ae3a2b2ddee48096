"""What the host knows of an edge node between its birth and its death (Sparkplug 3.0, section 5)."""

from __future__ import annotations

import msgspec

RETRY_MS = 30_000
"""A rebirth that was asked for and did not come is asked for again after this long."""


MOST_DEVICES = 2_000
"""Devices below one edge node."""
MOST_METRICS = 200_000
"""Metrics that one edge node and its devices may have announced."""


class MetricSet(msgspec.Struct, array_like=True):
    """The metrics an edge node or a device announced, name → datatype; ``online`` between birth and death."""

    online: bool = False
    types: dict[str, int] = {}
    members: dict[str, int] = {}
    """Flat names of what is in its templates → datatype."""
    born_ms: int = 0
    """When its birth was received."""


class EdgeSession(msgspec.Struct, array_like=True):
    """One edge node: its own metrics, its devices' and the aliases, which are unique in the whole edge node.

    ``sequence`` is the intake frame of its last birth or death, ``next_seq`` the payload number expected (``None``:
    any, as after a restart), ``asked_ms`` when a rebirth was last asked for and has not come, ``announced`` how many
    metrics there are in all, ``awaited`` the payload numbers that were passed over and may still come.
    """

    node: MetricSet
    devices: dict[str, MetricSet]
    aliases: dict[int, tuple[str, str]]
    """Alias → device name (empty: the node itself) and metric name."""
    bd_seq: int | None = None
    sequence: int = 0
    next_seq: int | None = None
    asked_ms: int | None = None
    announced: int = 0
    awaited: set[int] = set()

    @classmethod
    def new(cls) -> EdgeSession:
        """An edge node never heard of."""
        return cls(MetricSet(), {}, {})

    def begin(self, bd_seq: int | None, seq: int | None, sequence: int, born_ms: int = 0) -> None:
        """The edge node is born: what was known before, also of its devices, no longer counts."""
        self.node, self.devices, self.aliases, self.announced = MetricSet(True, born_ms=born_ms), {}, {}, 0
        self.bd_seq, self.sequence, self.asked_ms, self.awaited = bd_seq, sequence, None, set()
        self.next_seq = None if seq is None else (seq + 1) % 256

    def begin_device(self, device: str, sequence: int, born_ms: int = 0) -> bool:
        """A device below it is born; ``False`` when there are too many already."""
        earlier = self.devices.get(device)
        if earlier is None and len(self.devices) >= MOST_DEVICES:
            return False
        self.announced -= len(earlier.types) + len(earlier.members) if earlier is not None else 0
        self.devices[device], self.sequence = MetricSet(True, born_ms=born_ms), sequence
        return True

    def announce(self, known: dict[str, int], name: str, datatype: int) -> bool:
        """A birth names a metric, or a member of one, to be ``known``; ``False`` when there are too many already."""
        if name not in known:
            if self.announced >= MOST_METRICS:
                return False
            self.announced += 1
        known[name] = datatype
        return True

    def end(self, sequence: int) -> None:
        """The edge node died, and with it its devices; their metrics stay known, to be marked."""
        self.node.online = False
        for device in self.devices.values():
            device.online = False
        self.sequence, self.awaited = sequence, set()

    def ends_with(self, bd_seq: int | None) -> bool:
        """Whether a death certificate ends this birth: an older connection's will must not, a newer one's does.

        Section 6.4.23 asks for equal numbers, 0 to 255 in a circle; a newer number means that a birth was missed, or a
        client that counts on before it says goodbye (as pysparkplug 0.6 does), and the edge node is gone either way.
        """
        return self.bd_seq is None or bd_seq is None or (bd_seq - self.bd_seq) % 256 < 128

    def follow(self, seq: int | None) -> bool:
        """Take the payload number ``seq``; ``False`` when payloads are missing before it, which are awaited then."""
        expected = self.next_seq
        if seq is not None and seq != expected and seq in self.awaited:
            self.awaited.discard(seq)  # others overtook it
            return True
        self.next_seq = None if seq is None else (seq + 1) % 256
        if seq is not None and expected in (None, seq):
            return True
        # After a number of the past, or none at all, there is nothing that could be waited for: it counts differently.
        missing = -1 if seq is None or expected is None else (seq - expected) % 256
        awaited = {(seq - n) % 256 for n in range(1, missing + 1)} if seq is not None and 0 < missing < 128 else {-1}
        self.awaited = self.awaited | awaited
        return False

    def set_of(self, device: str | None) -> MetricSet | None:
        """The metrics of ``device`` (``None``: the node itself), ``None`` before its birth."""
        return self.node if device is None else self.devices.get(device)

    def may_ask(self, now_ms: int) -> bool:
        """Whether a rebirth may be asked for now: once per gap, again only when it does not come."""
        if self.asked_ms is not None and 0 <= now_ms - self.asked_ms < RETRY_MS:
            return False
        self.asked_ms = now_ms
        return True
