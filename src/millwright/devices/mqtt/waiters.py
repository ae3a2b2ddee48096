"""Who waits for a frame, where it is not a client of MQTT."""

from __future__ import annotations

import asyncio
from typing import Final

from millwright.devices.mqtt.committer import Acknowledgements


class Waiter:
    """Somebody who asked, and is answered when it is durable: ``done`` is set then. Hashed by identity."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def acknowledge(self, _acknowledgements: Acknowledgements) -> None:
        """It is durable."""
        if not self.done.done():
            self.done.set_result(None)


class Nobody:
    """Nobody waits: who sent it cannot be told."""

    def acknowledge(self, _acknowledgements: Acknowledgements) -> None:
        """It is durable."""


NOBODY: Final = Nobody()
