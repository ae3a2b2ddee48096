"""What a device may publish and subscribe to: its own space, as a Sparkplug edge node its own group and node, and with
an address of another platform the topics that carry it.

Everything is compared with literal topics of the device itself; a wildcard is accepted only below a prefix that is
its own already. So ``$SYS``, ``$share/…`` and any filter that reaches beyond are refused by not being named.
"""

from __future__ import annotations

from typing import Final

from millwright.devices.dialects.topics import ATTRIBUTES_REQUEST, GATEWAY_TOPICS, own_roots, version_topic
from millwright.devices.mqtt.topics import CERTIFICATES, PRIVATE_PREFIXES
from millwright.kernel import ROOT

TELEMETRY: Final = frozenset(
    f"{root}/{leaf}" for root in ("millwright/v1", "v1/devices/me") for leaf in ("telemetry", "attributes")
)
"""Where any device sends values: our own topics and those of ThingsBoard's device API."""

ANSWERS: Final = frozenset({"millwright/v1/commands/response"})
"""Where any device answers commands."""
SIGHTINGS: Final = frozenset({"millwright/v1/sightings"})
"""Where a reader says which tags it sees."""
_RPC: Final = ("v1/devices/me/rpc/response/", "v1/devices/me/rpc/request/")
"""Below these a number follows: ThingsBoard's answers, and requests of the device's own."""

_NODE: Final = ("NBIRTH", "NDEATH", "NDATA")
_DEVICE: Final = ("DBIRTH", "DDEATH", "DDATA")


class Principal:
    """A device that was let in; implements the listener's port of the same name."""

    __slots__ = (
        "_exact_filters",
        "_filter_prefix",
        "_publish",
        "_publish_prefixes",
        "_roots",
        "_speaks_for",
        "device_id",
        "expires_ms",
        "name",
        "organisation_id",
        "revision",
    )

    def __init__(
        self,
        device_id: str,
        name: str,
        revision: int,
        *,
        group_id: str | None = None,
        edge_node_id: str | None = None,
        expires_ms: int | None = None,
        organisation_id: str = ROOT,
        gateway: bool = False,
        address: tuple[str, str, str] | None = None,
    ) -> None:
        self.device_id = device_id
        self.name = name
        self.revision = revision
        self.expires_ms = expires_ms
        self.organisation_id = organisation_id
        self._publish = TELEMETRY | ANSWERS | SIGHTINGS
        self._publish_prefixes: tuple[str, ...] = (*_RPC, ATTRIBUTES_REQUEST)
        self._roots = own_roots(*address) if address is not None else ()
        self._speaks_for = gateway and address is not None and address[0] == "alibaba"
        self._exact_filters: frozenset[str] = frozenset()
        self._filter_prefix: str | None = None
        if group_id is not None and edge_node_id is not None:
            root = f"spBv1.0/{group_id}"
            self._publish |= {f"{root}/{kind}/{edge_node_id}" for kind in _NODE}
            self._publish_prefixes += tuple(f"{root}/{kind}/{edge_node_id}/" for kind in _DEVICE)
            node, device = f"{root}/NCMD/{edge_node_id}", f"{root}/DCMD/{edge_node_id}"
            kept = f"{CERTIFICATES}{root}"
            self._exact_filters = frozenset(
                {node, f"{node}/#", f"{device}/#", f"{device}/+"}
                | {
                    f"{kept}/NBIRTH/{edge_node_id}",
                    f"{kept}/DBIRTH/{edge_node_id}/#",
                    f"{kept}/DBIRTH/{edge_node_id}/+",
                }
            )
            self._filter_prefix = f"{device}/"
        if gateway:
            self._publish |= GATEWAY_TOPICS
        if address is not None and address[0] == "alibaba":
            self._publish |= {version_topic(*address[1:])}

    def may_publish(self, topic: str) -> bool:
        """Whether the device may publish to ``topic`` (a topic with wildcards never)."""
        if topic in self._publish:
            return True
        for prefix in self._publish_prefixes:
            if topic.startswith(prefix):
                return _is_level(topic[len(prefix) :])
        if topic.startswith(self._roots):
            return True
        return self._speaks_for and topic.startswith(_FOR_OTHERS)

    def may_subscribe(self, topic_filter: str) -> bool:
        """Whether the device may subscribe to ``topic_filter``."""
        if topic_filter.startswith("/"):
            return topic_filter.startswith(self._roots) or (self._speaks_for and topic_filter.startswith(_FOR_OTHERS))
        if topic_filter.startswith(PRIVATE_PREFIXES):
            return True  # the listener gives these topics a root of the device's own
        if self._filter_prefix is None:
            return False
        if topic_filter in self._exact_filters or topic_filter in _STATE_ALL:
            return True
        for prefix in (self._filter_prefix, _STATE):
            if topic_filter.startswith(prefix):
                return _is_level(topic_filter[len(prefix) :])
        return False


_FOR_OTHERS: Final = ("/sys/", "/ota/device/inform/")
"""Where a gateway of Alibaba publishes for the devices below it; whose they are is told when they are read."""
_STATE: Final = "spBv1.0/STATE/"
_STATE_ALL: Final = frozenset({f"{_STATE}#", f"{_STATE}+"})


_MOST_LEVEL: Final = 256


def _is_level(text: str) -> bool:
    return 0 < len(text) <= _MOST_LEVEL and not any(char in "/+#" for char in text)
