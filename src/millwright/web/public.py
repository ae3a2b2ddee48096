"""What is answered to everybody beside the node's own API: another ASGI application, by its own addresses."""

from __future__ import annotations

from typing import Any, Protocol


class PublicApplication(Protocol):
    """An ASGI application of plain reads for everybody, which looks at no cookie and at no token of this node."""

    def takes(self, path: str) -> bool:
        """Whether an address is its own. Is asked for every request, so it is cheap."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""


class DeviceApplication(PublicApplication, Protocol):
    """An ASGI application for those who send with a secret of their own."""

    @property
    def answers_devices(self) -> bool:
        """Whether the routes of devices are among its addresses."""
        ...
