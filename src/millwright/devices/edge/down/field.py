"""At the edge: the parent's questions about this machine's field network, and how the parent's connections do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from millwright.devices.connectors.errors import not_running
from millwright.devices.connectors.model import ConnectionHealth, FieldConnection, Trouble
from millwright.devices.connectors.rpc import Ask, HostClient
from millwright.devices.connectors.store import ConnectionStore
from millwright.devices.edge.down.connections import ConnectionApplier
from millwright.devices.edge.down.policy import EdgePolicy
from millwright.devices.edge.down.wire import CONNECTIONS, FIELD, ConnectionsReport, FieldQuestion
from millwright.devices.edge.wire import encode
from millwright.devices.errors import not_found
from millwright.engines.nats import NatsConnection
from millwright.kernel import Clock, Denied, Invalid, NotFound, Repeat, Unsubscribe

logger = logging.getLogger(__name__)

_EVERY_S: Final = 2.0
_TELL_S: Final = 4.0
_AT_ONCE: Final = 200
_SILENT: Final = 3


class FieldDesk:
    """Answers on ``down.field``, within what :class:`EdgePolicy` lets the parent reach. A :class:`Part`.

    ``catch_up`` takes the desired state now: the parent may ask about a connection that was made a moment ago.
    """

    def __init__(
        self,
        nats: NatsConnection,
        host: HostClient,
        store: ConnectionStore,
        policy: EdgePolicy,
        edge_id: str,
        secret: str,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._nats, self._host, self._store, self._policy = nats, host, store, policy
        self._edge_id, self._secret, self._catch_up = edge_id, secret, catch_up
        self._question = msgspec.msgpack.Decoder(FieldQuestion)
        self._served: Unsubscribe | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._served = await self._nats.serve(f"down.{FIELD}", self._answer)

    async def stop(self) -> None:
        """Answer no more."""
        if self._served is not None:
            await self._served()
            self._served = None

    async def _answer(self, payload: bytes) -> bytes:
        try:
            question = self._question.decode(payload)
        except msgspec.MsgspecError as error:
            raise Invalid(
                f"The question cannot be read: {error}",
                code="connectors.question_invalid",
                hint="Let the edge run the same version as its parent.",
            ) from error
        asked = question.asked
        await self._judge(asked, question.organisation_id)
        return msgspec.msgpack.encode(await self._find_answer(asked))

    async def _judge(self, asked: Ask, organisation_id: str) -> None:
        kind, settings = asked.kind, {**(asked.settings or {})}
        if asked.sealed:
            settings |= opened(self._secret, self._edge_id, asked.connection_id, asked.sealed)
        if asked.connection_id is not None:
            # One that is here was judged for its organisation when it came down; other settings are judged now.
            found = await self._find(asked.connection_id)
            kind = asked.kind = found.kind
            if asked.settings is None:
                await asyncio.to_thread(self._policy.judge_again, found.kind, found.settings)
                return
        if asked.settings is not None:
            asked.settings, asked.sealed = settings, {}
        await asyncio.to_thread(self._policy.judge, kind or "", settings, organisation_id)

    async def _find(self, connection_id: str) -> FieldConnection:
        """A connection of the parent's. The edge's own are not its parent's business. Raises ``NotFound``."""
        try:
            return await asyncio.to_thread(self._get, connection_id)
        except NotFound:
            await self._catch_up()
            return await asyncio.to_thread(self._get, connection_id)

    def _get(self, connection_id: str) -> FieldConnection:
        found = self._store.get(connection_id)
        if found.edge_id != self._edge_id:
            raise not_found("connection", connection_id)
        return found

    async def _find_answer(self, asked: Ask) -> Any:
        if asked.op == "test":
            return await self._host.test(asked)
        if asked.op == "browse":
            return await self._host.browse(asked)
        if asked.op == "read":
            return await self._host.read(asked)
        if asked.op == "discover":
            return await self._host.discover(asked.kind or "", asked.timeout_s, asked.address)
        if asked.op == "live":
            return await self._host.live(asked.connection_id or "")
        raise Denied(
            f"An edge does not {asked.op} for its parent this way.",
            code="connectors.edge_policy",
            hint="Send a command to the device instead.",
        )


def opened(secret: str, edge_id: str, connection_id: str | None, boxes: Mapping[str, str]) -> dict[str, Any]:
    """Secret settings that were sealed for this edge. Raises ``Corrupt`` (``devices.edge_seal``)."""
    from millwright.devices.edge.sealing import purpose_at, unseal  # only an edge with secrets pays for cryptography

    return {
        name: msgspec.json.decode(unseal(secret, box, purpose_at(edge_id, connection_id, name)))
        for name, box in boxes.items()
    }


class ConnectionsTeller(Repeat):
    """Tells the parent how its connections here do. A :class:`Part`."""

    def __init__(
        self, nats: NatsConnection, host: HostClient, store: ConnectionStore, applier: ConnectionApplier, clock: Clock
    ) -> None:
        super().__init__(
            self.tell,
            _EVERY_S,
            name="edge connections",
            lost="the parent is not told how its connections here do",
            back="the parent is told again how its connections here do",
            log=logger,
        )
        self._nats, self._host, self._store, self._applier, self._clock = nats, host, store, applier, clock
        self._silent = 0

    async def tell(self) -> None:
        """Tell it once."""
        mine = [each for each in await asyncio.to_thread(self._store.list) if each.edge_id == self._store.here]
        refused = self._applier.refused
        if not mine and not refused:
            return
        found = {each.connection_id: each for each in await self._host.health([each.id for each in mine])}
        # The host takes some seconds to start; after that its silence is worth telling.
        self._silent = 0 if found or not any(each.enabled for each in mine) else self._silent + 1
        health = [
            found.get(each.id) or self._without_host(each.id, enabled=each.enabled)
            for each in mine
            if each.id not in refused
        ]
        health += [
            ConnectionHealth(
                connection_id=each.id,
                state="refused",
                error=Trouble(code=each.code, message=each.message, hint=each.hint, at_ms=self._clock.now_ms()),
            )
            for each in refused.values()
        ]
        for start in range(0, len(health), _AT_ONCE):
            report = ConnectionsReport(health[start : start + _AT_ONCE])
            await self._nats.request(f"up.{CONNECTIONS}", encode(report), timeout_s=_TELL_S)

    def _without_host(self, connection_id: str, *, enabled: bool) -> ConnectionHealth:
        if not enabled:
            return ConnectionHealth(connection_id=connection_id, state="stopped")
        if self._silent <= _SILENT:
            return ConnectionHealth(connection_id=connection_id, state="connecting")
        away = not_running()
        trouble = Trouble(code=away.code, message=away.message, hint=away.hint, at_ms=self._clock.now_ms())
        return ConnectionHealth(connection_id=connection_id, state="lost", error=trouble)
