"""Which sessions want a topic: a trie of topic filters, and a cache of what it answered."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

from millwright.devices.mqtt.packets import IDENTIFIER_SHIFT, NO_LOCAL, QOS, RETAIN_AS_PUBLISHED

T = TypeVar("T")

Found: TypeAlias = tuple[tuple[T, int, tuple[int, ...]], ...]
"""Subscribers with QoS and options (bits as in a subscription) and identifiers."""

_CACHE_LIMIT = 100_000
_CACHED_LENGTH = 512


class _Node(Generic[T]):
    __slots__ = ("children", "subscribers")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.subscribers: dict[T, int] = {}


class Subscriptions(Generic[T]):
    """Filters → subscribers with what they were granted: one number, see :mod:`.packets`.

    A subscriber whose filters overlap gets a message once, with the highest QoS and the identifiers of all of them
    (MQTT 3.1.1, 3.3.5; 5.0, 3.3.4).
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._cache: dict[str, Found[T]] = {}
        self.count = 0

    def add(self, topic_filter: str, subscriber: T, grant: int) -> None:
        """Subscribe, or change what a subscription that exists was granted."""
        node = self._root
        for level in topic_filter.split("/"):
            node = node.children.setdefault(level, _Node())
        if subscriber not in node.subscribers:
            self.count += 1
        node.subscribers[subscriber] = grant
        self._cache.clear()

    def remove(self, topic_filter: str, subscriber: T) -> bool:
        """End a subscription; returns whether there was one. Empty branches go with it."""
        path: list[tuple[_Node[T], str]] = []
        node = self._root
        for level in topic_filter.split("/"):
            child = node.children.get(level)
            if child is None:
                return False
            path.append((node, level))
            node = child
        if node.subscribers.pop(subscriber, None) is None:
            return False
        self.count -= 1
        self._cache.clear()
        while path and not node.subscribers and not node.children:
            node, level = path.pop()
            del node.children[level]
        return True

    def match(self, topic: str) -> Found[T]:
        """Subscribers of ``topic`` with QoS and options granted, and their identifiers of the subscriptions.

        One dictionary look-up when asked before.
        """
        found = self._cache.get(topic)
        if found is None:
            found = self._find(topic)
            if len(topic) <= _CACHED_LENGTH:
                if len(self._cache) >= _CACHE_LIMIT:
                    self._cache.clear()
                self._cache[topic] = found
        return found

    def _find(self, topic: str) -> Found[T]:
        if not self.count:
            return ()
        granted: dict[T, list[int]] = {}
        levels = topic.split("/")
        nodes = [self._root]
        # A filter that starts with a wildcard does not take in topics that start with $ (4.7.2).
        wildcards = not topic.startswith("$")
        for level in levels:
            following: list[_Node[T]] = []
            for node in nodes:
                child = node.children.get(level)
                if child is not None:
                    following.append(child)
                if wildcards:
                    child = node.children.get("+")
                    if child is not None:
                        following.append(child)
                    _collect(node.children.get("#"), granted)
            nodes, wildcards = following, True
            if not nodes:
                break
        for node in nodes:
            _collect(node, granted)
            _collect(node.children.get("#"), granted)  # "a/#" takes in "a" (4.7.1.2)
        return tuple((subscriber, *_joined(grants)) for subscriber, grants in granted.items())


def _collect(node: _Node[T] | None, granted: dict[T, list[int]]) -> None:
    if node is not None:
        for subscriber, grant in node.subscribers.items():
            granted.setdefault(subscriber, []).append(grant)


def _joined(grants: list[int]) -> tuple[int, tuple[int, ...]]:
    """Overlapping subscriptions as one: no local only when all are, retain as published when one is."""
    if len(grants) == 1 and grants[0] < 1 << IDENTIFIER_SHIFT:
        return grants[0] & (QOS | NO_LOCAL | RETAIN_AS_PUBLISHED), ()
    options, local = 0, NO_LOCAL
    for grant in grants:
        options = max(options & QOS, grant & QOS) | (options | grant) & RETAIN_AS_PUBLISHED
        local &= grant
    identifiers = sorted({grant >> IDENTIFIER_SHIFT for grant in grants} - {0})
    return options | local, tuple(identifiers)
