"""Commands in the records. A state changes only from the states it may change from: whoever is second changes
nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.devices.commands.course import add_event
from millwright.devices.commands.errors import key_used, queue_full
from millwright.devices.commands.model import (
    OPEN,
    UNDER_WAY,
    WAITING,
    Command,
    CommandEvent,
    CommandPage,
    Outcome,
    State,
    Withdrawal,
)
from millwright.devices.commands.tables import command_events, commands, devices
from millwright.devices.commands.wishes import select_at_edge, wish_all
from millwright.engines.sql import Records
from millwright.kernel import new_id

_HIDDEN = frozenset({"attempt", "idempotency_key", "untold", "asked_above", "told_above"})
_columns = [column for column in commands.c if column.name not in _HIDDEN]
_select = sa.select(*_columns, devices.c.name.label("device_name"), devices.c.organisation_id).join_from(
    commands, devices, devices.c.id == commands.c.device_id
)
_CHUNK = 500


class Addressed(msgspec.Struct, frozen=True, kw_only=True):
    """A command that is not over, with what its route must know of the device."""

    command: Command
    device_kind: str
    model_id: str | None
    model_version: int | None
    parent_id: str | None
    group_id: str | None
    edge_node_id: str | None
    sparkplug_device: str | None
    disabled: bool
    dialect: str | None = None
    realm: str | None = None
    foreign_name: str | None = None
    gateway: tuple[str, str, str] | None = None
    """The address (dialect, realm, name) of what it is below."""
    attempt: dict[str, Any] | None = None
    edge_id: str | None = None


_parents = devices.alias("parents")
_above = devices.alias("above")
_addressed = _select.join(_parents, _parents.c.id == devices.c.parent_id, isouter=True).add_columns(
    devices.c.kind.label("device_kind"),
    devices.c.model_id,
    devices.c.model_version,
    devices.c.parent_id,
    devices.c.sparkplug_group.label("group_id"),
    devices.c.sparkplug_edge.label("edge_node_id"),
    devices.c.sparkplug_device,
    devices.c.disabled,
    devices.c.foreign_dialect,
    devices.c.foreign_realm,
    devices.c.foreign_name,
    _parents.c.foreign_dialect.label("gateway_dialect"),
    _parents.c.foreign_realm.label("gateway_realm"),
    _parents.c.foreign_name.label("gateway_name"),
    commands.c.attempt,
    sa.func.coalesce(
        devices.c.edge_id, sa.select(_above.c.edge_id).where(_above.c.id == devices.c.parent_id).scalar_subquery()
    ).label("edge_id"),
)


class CommandStore:
    """Reads and writes commands; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- asking --------------------------------------------------------------------------------------------------

    def insert(
        self, values: dict[str, Any], *, key: str | None, most: int, supersede: bool
    ) -> tuple[Command, list[Command]]:
        """Keep a command that waits; returns it, and those that waited and that it takes the place of.

        The same ``key`` of the same person for the same device gives the first command again. Raises
        ``LimitExceeded`` (``commands.queue_full``), ``Conflict`` (``commands.key_used``).
        """
        with suppress(IntegrityError):
            return self._insert(values, key, most, supersede)
        return self._insert(values, key, most, supersede)  # the same key came twice at once: now it is there

    def _insert(
        self, values: dict[str, Any], key: str | None, most: int, supersede: bool
    ) -> tuple[Command, list[Command]]:
        device_id, now_ms = values["device_id"], values["asked_ms"]
        with self._records.begin() as connection:
            if key is not None:
                mine = _select.where(
                    commands.c.by_id == values["by_id"],
                    commands.c.device_id == device_id,
                    commands.c.idempotency_key == key,
                )
                row = connection.execute(mine).one_or_none()
                if row is not None:
                    known = _command(row)
                    if (known.kind, known.name, known.value, known.inputs) != (
                        values["kind"],
                        values["name"],
                        values["value"],
                        values["inputs"],
                    ):
                        raise key_used()
                    return known, []
            older: list[Command] = []
            at_edge: list[str] = []
            if supersede:
                same = sa.and_(
                    commands.c.device_id == device_id,
                    commands.c.kind == "write",
                    commands.c.name == values["name"],
                    commands.c.state.in_(WAITING),
                )
                older = [_command(row) for row in connection.execute(_select.where(same))]
                at_edge = select_at_edge(connection, device_id, values["name"])
            waiting = sa.select(sa.func.count()).where(commands.c.device_id == device_id, commands.c.state.in_(WAITING))
            if int(connection.scalar(waiting) or 0) - len(older) >= most:
                raise queue_full(most)
            connection.execute(sa.insert(commands).values(**values, idempotency_key=key, state="queued", attempts=0))
            add_event(connection, device_id, values["id"], now_ms, "queued", values["reason"])
            ended = [
                found
                for each in older
                if (
                    found := _move(
                        connection,
                        each.id,
                        WAITING,
                        "superseded",
                        now_ms,
                        Outcome(
                            code="commands.superseded",
                            text=f"{values['by_name']} asked for another value before this one was sent.",
                        ),
                        superseded_by=values["id"],
                    )
                )
            ]
            if at_edge:
                by_id, by_name = values["by_id"], values["by_name"]
                wish_all(
                    connection,
                    at_edge,
                    Withdrawal(by_id=by_id, by_name=by_name, asked_ms=now_ms, superseded_by=values["id"]),
                )
            made = connection.execute(_select.where(commands.c.id == values["id"])).one()
            return _command(made), ended

    def insert_ended(self, values: dict[str, Any], state: State, now_ms: int, outcome: Outcome) -> Command:
        """Keep a command that never waits: it has ended. Raises ``IntegrityError`` when it is there already."""
        with self._records.begin() as connection:
            connection.execute(sa.insert(commands).values(**values, state="queued", attempts=0))
            ended = _move(connection, values["id"], WAITING, state, now_ms, outcome)
            assert ended is not None
            return ended

    # --- moving --------------------------------------------------------------------------------------------------

    def move(
        self,
        command_id: str,
        allowed: Collection[str],
        state: State,
        now_ms: int,
        outcome: Outcome | None = None,
        *,
        text: str = "",
        code: str = "",
        **changes: Any,
    ) -> Command | None:
        """Change the state when it is one of ``allowed`` now; the command then, or ``None``.

        Also ``None`` for a second attempt while one for the same property is under way.
        """
        try:
            with self._records.begin() as connection:
                return _move(connection, command_id, allowed, state, now_ms, outcome, text=text, code=code, **changes)
        except IntegrityError:
            return None

    def note(self, command: Command, now_ms: int, text: str, detail: dict[str, Any] | None = None) -> None:
        """Add a line to the history that changes no state."""
        with self._records.begin() as connection:
            add_event(connection, command.device_id, command.id, now_ms, "note", text, detail)

    def told(self, ledger_ids: Iterable[str]) -> None:
        """These ends are in the ledger."""
        wanted = list(ledger_ids)
        with self._records.begin() as connection:
            for start in range(0, len(wanted), _CHUNK):
                connection.execute(
                    sa.update(commands).where(commands.c.untold.in_(wanted[start : start + _CHUNK])).values(untold=None)
                )

    def trim(self, device_ids: Iterable[str], most: int) -> None:
        """Remove the oldest ended commands of these devices beyond ``most``."""
        with self._records.begin() as connection:
            for device_id in device_ids:
                over = commands.c.state.not_in(OPEN)
                oldest = connection.scalar(
                    sa.select(commands.c.number)
                    .where(commands.c.device_id == device_id, over, commands.c.untold.is_(None))
                    .order_by(commands.c.number.desc())
                    .offset(most)
                    .limit(1)
                )
                if oldest is None:
                    continue
                gone = sa.and_(commands.c.device_id == device_id, over, commands.c.number <= oldest)
                ids = sa.select(commands.c.id).where(gone)
                connection.execute(sa.delete(command_events).where(command_events.c.command_id.in_(ids)))
                connection.execute(sa.delete(commands).where(gone))

    # --- looking -------------------------------------------------------------------------------------------------

    def find(self, command_id: str) -> Command | None:
        """A command, or ``None``."""
        with self._records.read() as connection:
            row = connection.execute(_select.where(commands.c.id == command_id)).one_or_none()
        return _command(row) if row else None

    def find_number(self, number: int) -> Command | None:
        """The command of this number, or ``None``."""
        with self._records.read() as connection:
            row = connection.execute(_select.where(commands.c.number == number)).one_or_none()
        return _command(row) if row else None

    def model_of(self, device_id: str) -> tuple[str, int] | None:
        """The model of a device and its version, ``None`` without one."""
        query = sa.select(devices.c.model_id, devices.c.model_version).where(devices.c.id == device_id)
        with self._records.read() as connection:
            row = connection.execute(query).one_or_none()
        return (row.model_id, row.model_version) if row and row.model_id and row.model_version else None

    def history(self, command_id: str) -> list[CommandEvent]:
        """What happened to a command, oldest first."""
        query = (
            sa.select(command_events)
            .where(command_events.c.command_id == command_id)
            .order_by(command_events.c.sequence)
            .limit(1000)
        )
        with self._records.read() as connection:
            return [
                CommandEvent(at_ms=row.at_ms, state=row.state, text=row.text, detail=row.detail)
                for row in connection.execute(query)
            ]

    def page(
        self,
        *,
        device_id: str | None = None,
        states: Sequence[str] = (),
        batch_id: str | None = None,
        edge_id: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> CommandPage:
        """Commands, newest first."""
        query = _select.order_by(commands.c.number.desc()).limit(limit + 1)
        if device_id is not None:
            query = query.where(commands.c.device_id == device_id)
        if states:
            query = query.where(commands.c.state.in_(states))
        if batch_id is not None:
            query = query.where(commands.c.batch_id == batch_id)
        if edge_id is not None:
            below = sa.select(_above.c.id).where(_above.c.edge_id == edge_id)
            query = query.where(sa.or_(devices.c.edge_id == edge_id, devices.c.parent_id.in_(below)))
        if before is not None:
            query = query.where(commands.c.number < before)
        with self._records.read() as connection:
            found = [_command(row) for row in connection.execute(query)]
        return CommandPage(found[:limit], str(found[limit - 1].number) if len(found) > limit else None)

    def count_states(self, batch_id: str) -> dict[str, int]:
        """How many commands of a batch are in which state."""
        query = (
            sa.select(commands.c.state, sa.func.count())
            .join_from(commands, devices, devices.c.id == commands.c.device_id)
            .where(commands.c.batch_id == batch_id)
            .group_by(commands.c.state)
        )
        with self._records.read() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query)}

    def open(self, limit: int = 100_000) -> list[Addressed]:
        """What is not over, oldest first.

        Beyond ``limit``: what is under way, and the oldest of each device, so that none keeps the others waiting.
        """
        place = sa.func.row_number().over(partition_by=commands.c.device_id, order_by=commands.c.number)
        waits = sa.case((commands.c.state.in_(UNDER_WAY), 0), else_=1)
        chosen = (
            sa.select(commands.c.id)
            .where(commands.c.state.in_(OPEN))
            .order_by(waits, place, commands.c.number)
            .limit(limit)
        )
        query = _addressed.where(commands.c.id.in_(chosen)).order_by(commands.c.number)
        with self._records.read() as connection:
            return [_addressed_of(row) for row in connection.execute(query)]

    def untold(self, limit: int = 500) -> list[tuple[str, Command]]:
        """Ended commands whose end the ledger does not know, with the id its entry is to have."""
        query = (
            _select.add_columns(commands.c.untold)
            .where(commands.c.untold.is_not(None))
            .order_by(commands.c.number)
            .limit(limit)
        )
        with self._records.read() as connection:
            return [(row.untold, _command(row)) for row in connection.execute(query)]


def _move(
    connection: sa.Connection,
    command_id: str,
    allowed: Collection[str],
    state: State,
    now_ms: int,
    outcome: Outcome | None = None,
    *,
    text: str = "",
    code: str = "",
    **changes: Any,
) -> Command | None:
    values: dict[str, Any] = {key: msgspec.to_builtins(value) for key, value in changes.items()} | {"state": state}
    if outcome is not None:
        values["outcome"] = msgspec.to_builtins(outcome)
    if state not in OPEN:
        values |= {"ended_ms": now_ms, "untold": new_id("led"), "withdrawal": None}
    moved = connection.execute(
        sa.update(commands).where(commands.c.id == command_id, commands.c.state.in_(allowed)).values(**values)
    )
    if not moved.rowcount:
        return None
    command = _command(connection.execute(_select.where(commands.c.id == command_id)).one())
    said = text or (outcome.text if outcome else "")
    named = code or (outcome.code if outcome else "")
    detail = ({"code": named} if named else {}) | (outcome.detail if outcome else {})
    add_event(connection, command.device_id, command_id, now_ms, state, said, detail)
    return command


_FIELDS = frozenset(Command.__struct_fields__)


def _command(row: Any) -> Command:
    return msgspec.convert({str(key): value for key, value in row._mapping.items() if key in _FIELDS}, Command)


def _addressed_of(row: Any) -> Addressed:
    return Addressed(
        command=_command(row),
        device_kind=row.device_kind,
        model_id=row.model_id,
        model_version=row.model_version,
        parent_id=row.parent_id,
        group_id=row.group_id,
        edge_node_id=row.edge_node_id,
        sparkplug_device=row.sparkplug_device or None,  # an edge node has none, which is stored as empty
        disabled=row.disabled,
        dialect=row.foreign_dialect,
        realm=row.foreign_realm,
        foreign_name=row.foreign_name,
        gateway=(row.gateway_dialect, row.gateway_realm, row.gateway_name) if row.gateway_dialect else None,
        attempt=row.attempt,
        edge_id=row.edge_id,
    )


__all__ = ["UNDER_WAY", "Addressed", "CommandStore"]
