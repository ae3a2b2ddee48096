"""The last retained message of each topic."""

from __future__ import annotations

from collections.abc import Iterator

from millwright.devices.mqtt.packets import RetainedMessage
from millwright.devices.mqtt.topics import matches


class Retained:
    """Retained messages by topic, at most ``limit`` topics and ``limit_bytes`` of payload."""

    def __init__(self, limit: int, limit_bytes: int = 256 * 1024 * 1024) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._messages: dict[str, RetainedMessage] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def set(self, message: RetainedMessage) -> bool:
        """Retain ``message`` in place of the topic's last one; an empty payload removes it (MQTT 3.1.1, 3.3.1.3).

        When there is no room for it the last one goes all the same: it is no longer the topic's last. Returns whether
        the store changed.
        """
        topic, last = message.topic, self._messages.get(message.topic)
        last_bytes = len(last.payload) if last else 0
        full = (last is None and len(self._messages) >= self._limit) or (
            self.bytes - last_bytes + len(message.payload) > self._limit_bytes
        )
        if not message.payload or full:
            self.bytes -= last_bytes
            return self._messages.pop(topic, None) is not None
        self.bytes += len(message.payload) - last_bytes
        self._messages[topic] = message
        return True

    def expire(self, now_ms: int) -> list[str]:
        """Remove what has expired; returns its topics."""
        gone = [topic for topic, message in self._messages.items() if 0 < message.expires_ms <= now_ms]
        for topic in gone:
            self.bytes -= len(self._messages.pop(topic).payload)
        return gone

    def find(self, topic: str) -> RetainedMessage | None:
        """What is retained on ``topic``."""
        return self._messages.get(topic)

    def iter_topics(self) -> Iterator[str]:
        """Where something is retained, as it is now."""
        return iter(list(self._messages))

    def iter_matching(self, topic_filter: str) -> Iterator[RetainedMessage]:
        """Messages that a new subscription to ``topic_filter`` (in internal form) receives."""
        if "+" not in topic_filter and "#" not in topic_filter:
            found = self._messages.get(topic_filter)
            if found is not None:
                yield found
            return
        yield from [message for topic, message in self._messages.items() if matches(topic_filter, topic)]
