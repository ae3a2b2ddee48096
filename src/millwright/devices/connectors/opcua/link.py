"""A link: secure channel, session, and what keeps them alive. Nothing here tries twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from asyncua import Client, ua
from asyncua.client.ua_client import UASocketState
from asyncua.common.utils import Buffer

from millwright.devices.connectors.opcua import refusals, wire
from millwright.devices.connectors.opcua.settings import OpcUaSettings
from millwright.kernel import MillwrightError

T = TypeVar("T")

_RENEW_AT: Final = 0.75
"""The part of a channel's life after which its keys are renewed (IEC 62541-4, 5.5.2)."""

_CLOSE_S: Final = 1.0
_AT_ONCE: Final = 1000
"""Operations in one request where the server names no limit."""

_LIMITS: Final = {
    "read": ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
    "browse": ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
    "items": ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
}

# The library reports each error of a peer with a traceback of its own; here they become errors of the connection.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)


class Link:
    """An open session. Made by :func:`.opening.open_link`."""

    def __init__(self, settings: OpcUaSettings, client: Client, who: str) -> None:
        self.settings = settings
        self.client = client
        self.url = settings.endpoint()
        self.who = who
        self.namespaces: list[str] = []
        self.limits: dict[str, int] = dict.fromkeys(_LIMITS, _AT_ONCE)
        self.lost: asyncio.Future[MillwrightError] = asyncio.get_running_loop().create_future()
        self.swallowing = 0
        """Publish requests that were cancelled here and wait at the server, which may answer them with a message."""

        self._keepers: list[asyncio.Task[None]] = []

    # --- requests ----------------------------------------------------------------------------------------------------

    async def ask(self, request: Any, timeout_s: float | None = None) -> Buffer:
        """Send a request and return the answer's bytes. Raises what the library raises."""
        protocol = self.client.uaclient.protocol
        if protocol is None or protocol.state is not UASocketState.OPEN:
            raise ConnectionError("the connection is closed")
        answer: Buffer = await protocol.send_request(
            request, self.settings.timeout_s if timeout_s is None else timeout_s
        )
        return answer

    async def read(self, wanted: Sequence[ua.ReadValueId], read: Callable[[Buffer, int, int], list[T]]) -> list[T]:
        """Read attributes in as many requests as the server's limit needs.

        ``read`` gets each answer with the places in ``wanted`` that it answers.
        """
        found: list[T] = []
        while len(found) < len(wanted):
            begin, size = len(found), self.limits["read"]
            request = ua.ReadRequest()
            request.Parameters.NodesToRead = list(wanted[begin : begin + size])
            request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
            try:
                answer = await self.ask(request)
            except ua.UaStatusCodeError as error:
                self.shrink("read", size, error)
                continue
            end = min(begin + size, len(wanted))
            found += read(answer, begin, end)
            if len(found) < end:
                raise wire.guard(self.url, ValueError("fewer results than questions"))
        return found

    async def variants(self, wanted: Sequence[ua.ReadValueId]) -> list[tuple[ua.Variant | None, int]]:
        """Read attributes; variant and status of each."""
        return await self.read(wanted, lambda answer, _begin, _end: wire.variants_of_read(answer))

    async def attribute(self, node: ua.NodeId, attribute: ua.AttributeIds) -> tuple[Any, int]:
        """One attribute's value and status."""
        ((variant, status),) = await self.variants([value_id(node, attribute)])
        return (variant.Value if variant is not None else None), status

    def shrink(self, limit: str, used: int, error: ua.UaStatusCodeError) -> None:
        """Ask for half as much from now on, if that was what the server minded; else raises ``error``."""
        if refusals.name_of(error) not in refusals.TOO_MANY or used <= 1:
            raise error
        self.limits[limit] = used // 2

    # --- life --------------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Learn what everything else needs to know, and keep the link alive from now on."""
        wanted = [value_id(ua.NodeId(ua.ObjectIds.Server_NamespaceArray))]
        wanted += [value_id(ua.NodeId(number)) for number in _LIMITS.values()]
        (array, status), *limits = await self.variants(wanted)
        if array is None or not isinstance(array.Value, list):
            raise refusals.of_operation("The namespaces of the server", status)
        self.namespaces = [str(uri or "") for uri in array.Value]
        for name, (limit, _) in zip(_LIMITS, limits, strict=True):
            if limit is not None and isinstance(limit.Value, int) and limit.Value > 0:
                self.limits[name] = min(_AT_ONCE, limit.Value)
        self._keepers = [asyncio.create_task(self._watch()), asyncio.create_task(self._keep_renewing())]

    async def _watch(self) -> None:
        """Ask for the server's state all the time; the first question without an answer ends the link."""
        while True:
            await asyncio.sleep(self.settings.timeout_s)
            try:
                async with asyncio.timeout(self.settings.timeout_s):
                    await self.attribute(ua.NodeId(ua.ObjectIds.Server_ServerStatus_State), ua.AttributeIds.Value)
            except Exception as error:
                self.give_up(error)
                return

    async def _keep_renewing(self) -> None:
        """Renew the keys of the channel in time."""
        while True:
            await asyncio.sleep(self.client.secure_channel_timeout * _RENEW_AT / 1000)
            try:
                await self.renew()
            except Exception as error:
                self.give_up(error)
                return

    async def renew(self) -> None:
        """Agree on new keys with the server, and use them from now on."""
        async with asyncio.timeout(self.settings.timeout_s):
            await self.client.open_secure_channel(renew=True)
        self.client.uaclient.revolve_security_token()

    def give_up(self, error: BaseException) -> None:
        """Mark the link as lost."""
        if not self.lost.done():
            self.lost.set_result(refusals.of_session(self.url, error, self.settings.timeout_s))

    async def let_go(self) -> None:
        """End what runs and drop the socket; the session stays at the server."""
        for task in self._keepers:
            task.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers = []
        with suppress(Exception):
            self.client.disconnect_socket()

    async def close(self) -> None:
        """End the session and what it has at the server; never raises."""
        with suppress(Exception):
            async with asyncio.timeout(min(_CLOSE_S, self.settings.timeout_s)):
                request = ua.CloseSessionRequest()
                request.DeleteSubscriptions = True
                await self.ask(request)
                await self.client.close_secure_channel()
        await self.let_go()


def value_id(node: ua.NodeId, attribute: ua.AttributeIds = ua.AttributeIds.Value, index: str = "") -> ua.ReadValueId:
    """What to read of a node."""
    wanted = ua.ReadValueId()
    wanted.NodeId = node
    wanted.AttributeId = attribute
    if index:
        wanted.IndexRange = index
    return wanted
