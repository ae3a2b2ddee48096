"""Retained messages in every process alike: the journal's sequence says which of two is the later one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import xxhash

from millwright.devices.mqtt.packets import RetainedMessage
from millwright.devices.mqtt.retained import Retained


def name_of(topic: str) -> str:
    """The journal's name of a topic: the last part of the subject that holds what is retained there."""
    return xxhash.xxh3_128_hexdigest(topic.encode())


class Replica:
    """Takes in what other processes retain.

    What is set here counts at once and gets its sequence when it is written; what comes meanwhile from elsewhere waits
    for that, and replaces it when it is later.
    """

    def __init__(self, retained: Retained, is_pending: Callable[[str], bool]) -> None:
        self._retained, self._is_pending = retained, is_pending
        self._at: dict[str, int] = {}
        self._later: dict[str, tuple[int, RetainedMessage | None]] = {}

    def restore(self, at: Mapping[str, int]) -> None:
        """Begin with the journal: where each topic's last entry stands, by :func:`name_of`."""
        for name, sequence in at.items():
            self._at[name] = max(self._at.get(name, 0), sequence)

    def is_known(self, name: str, sequence: int) -> bool:
        """Whether something as late, or later, was taken in already."""
        return self._at.get(name, 0) >= sequence

    def written(self, topic: str, sequence: int) -> None:
        """What was set here stands at ``sequence``."""
        name = name_of(topic)
        self._at[name] = max(self._at.get(name, 0), sequence)
        later = self._later.get(topic)
        if later is None or self._is_pending(topic):
            return
        del self._later[topic]
        if later[0] > sequence:
            self._apply(topic, later[1])

    def take(self, topic: str, message: RetainedMessage | None, sequence: int) -> None:
        """Another process retained ``message`` (``None``: nothing)."""
        name = name_of(topic)
        if self.is_known(name, sequence):
            return
        self._at[name] = sequence
        if self._is_pending(topic):
            self._later[topic] = sequence, message
        else:
            self._apply(topic, message)

    def _apply(self, topic: str, message: RetainedMessage | None) -> None:
        self._retained.set(message or RetainedMessage(topic, b"", 0))
