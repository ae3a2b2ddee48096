"""The life of a connection."""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where in its life a connection is."""

    NEW = 0
    AUTHENTICATING = 1
    CONNECTED = 2
    CLOSED = 3
    CHALLENGED = 4
