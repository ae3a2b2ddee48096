"""Topic names and topic filters (MQTT 3.1.1 and 5.0, 4.7), shared ones (5.0, 4.8.2), and topics of one device alone."""

from __future__ import annotations

from millwright.devices.mqtt.errors import ProtocolError

MAX_LEVELS = 64
"""Deepest topic or filter; deeper ones would make matching a burden."""

OWN_PREFIX = "millwright/v1/"
"""Below this are the topics of our own dialect."""
PRIVATE_PREFIXES = ("v1/devices/me/", OWN_PREFIX, "v1/gateway/", "/")
"""Topics below these mean *this device*: what a device publishes there reaches no other, and a message for it is
sent to ``$device/<device id>/`` + the topic."""

CERTIFICATES = "$sparkplug/certificates/"
"""Below this a server that is aware of Sparkplug repeats births, retained."""

_DEVICE_ROOT = "$device/"
_SHARE = "$share/"


def decode_utf8(raw: bytes) -> str:
    """A UTF-8 string as MQTT defines it: well formed, no surrogates, no U+0000 (1.5.3)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("invalid_utf8", "A string is not UTF-8.") from error
    if "\0" in text:
        raise ProtocolError("invalid_utf8", "A string contains U+0000.")
    return text


def check_topic(topic: str) -> str:
    """``topic`` when it may be published to: not empty, no wildcards, not too deep."""
    if not topic or "+" in topic or "#" in topic:
        raise ProtocolError("invalid_topic", "A message was published to an empty topic or one with wildcards.")
    if topic.count("/") >= MAX_LEVELS:
        raise ProtocolError("invalid_topic", f"A topic has more than {MAX_LEVELS} levels.")
    return topic


def check_filter(topic_filter: str) -> str:
    """``topic_filter`` when its wildcards stand alone in their level and ``#`` is last (4.7.1)."""
    if topic_filter.startswith(_SHARE):
        group, shared = split_share(topic_filter)
        if not group or not shared or "+" in group or "#" in group:
            raise ProtocolError("invalid_filter", "A shared subscription is not of the form $share/GROUP/FILTER.")
    levels = topic_filter.split("/")
    if not topic_filter or len(levels) > MAX_LEVELS:
        raise ProtocolError("invalid_filter", "A topic filter is empty or too deep.")
    for position, level in enumerate(levels):
        if ("#" in level and (level != "#" or position != len(levels) - 1)) or ("+" in level and level != "+"):
            raise ProtocolError("invalid_filter", "A topic filter uses a wildcard wrongly.")
    return topic_filter


def split_share(topic_filter: str) -> tuple[str, str]:
    """The group and the filter of a shared subscription (``$share/GROUP/FILTER``); an empty group for any other."""
    if not topic_filter.startswith(_SHARE):
        return "", topic_filter
    group, _, shared = topic_filter[len(_SHARE) :].partition("/")
    return group, shared


def matches(topic_filter: str, topic: str) -> bool:
    """Whether ``topic_filter`` takes in ``topic``; a leading wildcard never takes in a ``$`` topic (4.7.2)."""
    filters, levels = topic_filter.split("/"), topic.split("/")
    if levels[0].startswith("$") and filters[0] in ("+", "#"):
        return False
    for position, part in enumerate(filters):
        if part == "#":
            return True
        if position >= len(levels) or part not in ("+", levels[position]):
            return False
    return len(filters) == len(levels)


def device_of(internal: str) -> str:
    """Whose alone a topic in internal form is; empty when others may hear it."""
    return internal.split("/", 2)[1] if internal.startswith(_DEVICE_ROOT) else ""


def is_private(topic: str) -> bool:
    """Whether ``topic`` (or filter) is one of those that mean the device itself."""
    return topic.startswith(PRIVATE_PREFIXES)


def to_internal(device_id: str, topic_filter: str) -> str:
    """The listener's name of a filter that ``device_id`` uses: private ones get the device's own root."""
    return f"{_DEVICE_ROOT}{device_id}/{topic_filter}" if is_private(topic_filter) else topic_filter


def to_external(topic: str) -> str:
    """The client's name of an internal topic: what :func:`to_internal` put in front is taken off."""
    if not topic.startswith(_DEVICE_ROOT):
        return topic
    return topic.split("/", 2)[-1]


def is_reserved(topic: str) -> bool:
    """Whether no client may publish here: other devices' private topics and the server's own."""
    return topic.startswith((_DEVICE_ROOT, "$SYS/", CERTIFICATES))


def find_certificate(topic: str) -> str | None:
    """Where a server that is aware of Sparkplug keeps what is published on ``topic``: a birth (3.0, section 10)."""
    if not topic.startswith("spBv1.0/"):
        return None
    levels = topic.split("/")
    births = {4: "NBIRTH", 5: "DBIRTH"}
    return f"{CERTIFICATES}{topic}" if levels[2:3] == [births.get(len(levels), "")] and all(levels) else None


def is_death_of_edge_node(topic: str) -> bool:
    """Whether ``topic`` is that of an edge node's NDEATH."""
    levels = topic.split("/")
    return len(levels) == 4 and levels[0] == "spBv1.0" and levels[2] == "NDEATH"
