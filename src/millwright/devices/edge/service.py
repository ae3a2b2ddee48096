"""Use cases of edges at the parent: enrolling, joining, revoking."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from millwright.devices.changes import EVERY, Changes
from millwright.devices.credentials.model import digest_of_code
from millwright.devices.edge.model import (
    Edge,
    EdgeChange,
    EdgeEnrolled,
    EdgeEnrolment,
    Joined,
    JoinRequest,
    NewEdge,
    code_of,
)
from millwright.devices.edge.sealing import is_seal_key
from millwright.devices.edge.store import EdgeStore
from millwright.devices.errors import code_wrong, edges_closed, invalid
from millwright.devices.names import clean_name
from millwright.engines.nats import is_user_key
from millwright.kernel import Clock, new_id, new_secret
from millwright.ledger import Actor, acted_by, note

_NOT_THE_EDGE: Final = ("id", "state", "seen_ms", "connected_ms", "devices", "status", "lacks", "place_path")


@dataclass(frozen=True, slots=True)
class EdgeDoor:
    """Where edges come in, from the settings. ``port`` 0: nowhere. ``address``: the parent's own, for the command.

    ``host`` may be empty: then it is the one that the parent is reached at when the edge joins.
    """

    port: int
    host: str
    address: str
    tls: bool
    code_ms: int
    authorities: Callable[[], str]
    signers: Callable[[], builtins.list[str]] = builtins.list


class Edges:
    """Enrols, lists, changes and revokes edges. ``everybody``: the store that sees every organisation's."""

    def __init__(self, store: EdgeStore, everybody: EdgeStore, changes: Changes, clock: Clock, door: EdgeDoor) -> None:
        self._store, self._everybody, self._changes, self._clock = store, everybody, changes, clock
        self._door = door

    async def list(self) -> builtins.list[Edge]:
        """Every edge, by name."""
        return await asyncio.to_thread(self._store.list, self._clock.now_ms())

    async def get(self, edge_id: str) -> Edge:
        """One edge. Raises ``NotFound`` (``devices.edge_unknown``)."""
        return await asyncio.to_thread(self._store.get, edge_id, self._clock.now_ms())

    async def create(self, new: NewEdge, reached_at: str) -> EdgeEnrolled:
        """Enrol an edge; ``reached_at`` is the address of this node as the person asking wrote it.

        Raises ``Unsupported`` (``devices.edges_closed``), ``Invalid``, ``NotFound`` (place), ``Conflict`` (name).
        """
        if not self._door.port:
            raise edges_closed()
        code, enrolment = self._code(reached_at)
        edge = await asyncio.to_thread(
            self._store.insert,
            new_id("edge"),
            clean_name(new.name),
            new.place_id,
            digest_of_code(code),
            enrolment.expires_ms,
            self._clock.now_ms(),
        )
        note("edge", edge.id, edge.name, after=edge, ignore=_NOT_THE_EDGE, organisation=edge.organisation_id)
        return EdgeEnrolled(edge=edge, enrolment=enrolment)

    async def change(self, edge_id: str, change: EdgeChange) -> Edge:
        """Rename an edge or say where it stands. Raises ``NotFound``, ``Invalid``, ``Conflict`` (name)."""
        values: dict[str, Any] = {
            key: value for key in EdgeChange.__struct_fields__ if (value := getattr(change, key)) is not UNSET
        }
        if "name" in values:
            values["name"] = clean_name(values["name"])
        before = await self.get(edge_id)
        edge = await asyncio.to_thread(self._store.update, edge_id, values, self._clock.now_ms())
        note("edge", edge_id, edge.name, before=before, after=edge, ignore=_NOT_THE_EDGE)
        return edge

    async def renew(self, edge_id: str, reached_at: str) -> EdgeEnrolment:
        """A new code, for a code that was lost or a machine that is replaced: whoever uses it takes the edge over.

        Raises ``NotFound``, ``Conflict`` (``devices.edge_revoked``), ``Unsupported`` (``devices.edges_closed``).
        """
        if not self._door.port:
            raise edges_closed()
        code, enrolment = self._code(reached_at)
        before = await self.get(edge_id)
        edge = await asyncio.to_thread(
            self._store.renew, edge_id, digest_of_code(code), enrolment.expires_ms, self._clock.now_ms()
        )
        note("edge", edge_id, edge.name, before=before, after=edge, ignore=_NOT_THE_EDGE)
        return enrolment

    async def revoke(self, edge_id: str) -> Edge:
        """End its link within seconds, for good; what it forwarded stays. Raises ``NotFound``."""
        before = await self.get(edge_id)
        edge = await asyncio.to_thread(self._store.revoke, edge_id, self._clock.now_ms())
        note("edge", edge_id, edge.name, before=before, after=edge, ignore=_NOT_THE_EDGE)
        await self._changes.announce(EVERY)
        return edge

    async def delete(self, edge_id: str) -> None:
        """Remove an edge without devices. Raises ``NotFound``, ``Conflict`` (``devices.edge_in_use``)."""
        before = await self.get(edge_id)
        await asyncio.to_thread(self._store.delete, edge_id)
        note("edge", edge_id, before.name, before=before, ignore=_NOT_THE_EDGE)
        await self._changes.announce(EVERY)

    async def join(self, request: JoinRequest, reached_at: str) -> Joined:
        """Let the machine in that has a code. ``reached_at``: the host that it reached this node at.

        Raises ``Denied`` (``devices.edge_code_wrong``), ``Invalid`` for what is no public key,
        ``Unsupported`` (``devices.edges_closed``).
        """
        if not self._door.port:
            raise edges_closed()
        if not is_user_key(request.public_key):
            raise invalid("This is no public key of a user (NKEY).", "/public_key", code="devices.edge_key_invalid")
        if request.seal_key and not is_seal_key(request.seal_key):
            raise invalid("This is no public key (X25519, base64).", "/seal_key", code="devices.edge_key_invalid")
        digest = digest_of_code(code_of(request.code))
        seal_key = request.seal_key or None
        edge = await asyncio.to_thread(
            self._everybody.use_code, digest, request.public_key, self._clock.now_ms(), seal_key
        )
        if edge is None:
            raise code_wrong()
        acted_by(Actor("device", edge.id, edge.name), edge.organisation_id)
        joined = {"joined_ms": edge.joined_ms, "public_key": request.public_key}
        note("edge", edge.id, edge.name, after=joined, organisation=edge.organisation_id)
        await self._changes.announce(EVERY)
        scheme = "tls" if self._door.tls else "nats-leaf"
        host = self._door.host or reached_at
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        authorities = await asyncio.to_thread(self._door.authorities) if self._door.tls else ""
        return Joined(
            edge_id=edge.id,
            name=edge.name,
            organisation=edge.organisation_id,
            urls=[f"{scheme}://{host}:{self._door.port}"],
            ca=authorities,
            signers=await asyncio.to_thread(self._door.signers),
        )

    def _code(self, reached_at: str) -> tuple[str, EdgeEnrolment]:
        code = new_secret("mwe")
        address = self._door.address or reached_at
        expires_ms = self._clock.now_ms() + self._door.code_ms
        return code, EdgeEnrolment(code=code, command=f"millwright edge join {address} {code}", expires_ms=expires_ms)
