"""Commands as writes and calls of a connector's points."""

from __future__ import annotations

from millwright.devices.commands.model import Outcome
from millwright.devices.commands.routes.contract import ConnectorRoute, Delivery, Reach
from millwright.devices.commands.store import Addressed
from millwright.devices.commands.values import is_asked
from millwright.kernel import MillwrightError, Unavailable


class ConnectorCommands:
    """A route over the points of connectors."""

    name = "connector"

    def __init__(self, points: ConnectorRoute) -> None:
        self._points = points

    async def find(self, each: Addressed) -> Reach | None:
        """The point of the command's property or service. Raises ``MillwrightError``."""
        point = await self._points.find(each.command.device_id, each.command.name)
        if point is None:
            return None
        token = {"connection_id": point.connection_id, "address": point.address, "writable": point.writable}
        return Reach(route="connector", token=token)

    def idempotent(self, each: Addressed) -> bool:
        """A write is, a call is not."""
        return each.command.kind == "write"

    async def deliver(self, each: Addressed, reach: Reach) -> Delivery:
        """Write or call; what the machine took and what was read back from it are different things."""
        command, token = each.command, reach.token
        if command.kind == "write" and not token["writable"]:
            text = f"The point {token['address']} of the connection cannot be written."
            return Delivery(status="failed", outcome=Outcome(code="commands.point_not_writable", text=text))
        try:
            if command.kind == "write":
                assert command.value is not None
                done = await self._points.write(
                    token["connection_id"], token["address"], command.value, command.timeout_s
                )
            else:
                done = await self._points.call(
                    token["connection_id"], token["address"], command.inputs, command.timeout_s
                )
        except Unavailable as error:
            return Delivery(status="unknown", outcome=_outcome(error))
        except MillwrightError as error:
            return Delivery(status="failed", outcome=_outcome(error))
        if not done.accepted:
            text = done.message or "The machine refused it."
            return Delivery(status="failed", outcome=Outcome(code="commands.device_refused", text=text))
        if command.kind == "call":
            return Delivery(status="confirmed", outputs=done.outputs)
        if is_asked(done.read_back, command.value, command.tolerance):
            return Delivery(status="confirmed", value=done.read_back)
        return Delivery(status="acknowledged", value=done.read_back)

    async def recall(self, each: Addressed, reach: Reach) -> Delivery:  # noqa: ARG002 - the port
        """A connector remembers nothing."""
        return Delivery(status="unknown")


def _outcome(error: MillwrightError) -> Outcome:
    return Outcome(code=error.code, text=error.message, hint=error.hint)
