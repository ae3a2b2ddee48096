"""Which sessions want a topic: a trie of topic filters, and a cache of what it answered."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

_CACHE_LIMIT = 100_000
_CACHED_LENGTH = 512


class _Node(Generic[T]):
    __slots__ = ("children", "subscribers")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.subscribers: dict[T, int] = {}


class Subscriptions(Generic[T]):
    """Filters → subscribers with their QoS.

    A subscriber whose filters overlap gets a message once, with the highest QoS (MQTT 3.1.1, 3.3.5).
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._cache: dict[str, tuple[tuple[T, int], ...]] = {}
        self.count = 0

    def add(self, topic_filter: str, subscriber: T, qos: int) -> None:
        """Subscribe, or change the QoS of a subscription that exists."""
        node = self._root
        for level in topic_filter.split("/"):
            node = node.children.setdefault(level, _Node())
        if subscriber not in node.subscribers:
            self.count += 1
        node.subscribers[subscriber] = qos
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

    def match(self, topic: str) -> tuple[tuple[T, int], ...]:
        """Subscribers of ``topic`` with the QoS granted. One dictionary look-up when asked before."""
        found = self._cache.get(topic)
        if found is None:
            found = self._find(topic)
            if len(topic) <= _CACHED_LENGTH:
                if len(self._cache) >= _CACHE_LIMIT:
                    self._cache.clear()
                self._cache[topic] = found
        return found

    def _find(self, topic: str) -> tuple[tuple[T, int], ...]:
        if not self.count:
            return ()
        best: dict[T, int] = {}
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
                    _collect(node.children.get("#"), best)
            nodes, wildcards = following, True
            if not nodes:
                break
        for node in nodes:
            _collect(node, best)
            _collect(node.children.get("#"), best)  # "a/#" takes in "a" (4.7.1.2)
        return tuple(best.items())


def _collect(node: _Node[T] | None, best: dict[T, int]) -> None:
    if node is not None:
        for subscriber, qos in node.subscribers.items():
            if qos >= best.get(subscriber, 0):
                best[subscriber] = qos
