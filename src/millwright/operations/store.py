"""Rules and the states of watches on SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from millwright.engines.sql import Records, metadata, organisation, owned, owned_through
from millwright.operations.model import Rule, WatchKey, WatchState

rules = sa.Table(
    "operations_rules",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("device_id", sa.Text),
    sa.Column("model_id", sa.Text),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("from_above", sa.Boolean, nullable=False, server_default=sa.false()),
    organisation(),
    sa.Index("ix_operations_rules_name", "name", "id"),
    info=owned(),
)

revisions = sa.Table(
    "operations_revisions",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

watches = sa.Table(
    "operations_watches",
    metadata,
    sa.Column("rule_id", sa.Text, primary_key=True),
    sa.Column("device_id", sa.Text, primary_key=True),
    sa.Column("property", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("phase", sa.Integer, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("trigger_ms", sa.BigInteger, nullable=False),
    sa.Column("high_side", sa.Boolean, nullable=False),
    info=owned_through(rules, "rule_id"),
)

untold = sa.Table(
    "operations_untold",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("change", sa.JSON, nullable=False),
)
"""At an edge: beginnings and ends of alarms that its parent does not know yet."""

heard = sa.Table(
    "operations_heard",
    metadata,
    sa.Column("edge_id", sa.String(40), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)
"""At a parent: up to which number it has what an edge told of alarms."""

_KEY = ("rule_id", "device_id", "property", "kind")


class RuleStore:
    """Rules. Each change raises :meth:`revision` in the same transaction, so that a poll can miss none."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def revision(self) -> int:
        """A number that grows with every change of any rule."""
        with self._records.read() as connection:
            found = connection.execute(sa.select(revisions.c.value).where(revisions.c.name == "rules")).scalar()
        return int(found or 0)

    def every(self) -> list[Rule]:
        """Every rule, by name."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(rules.c.document).order_by(rules.c.name, rules.c.id))
            return [msgspec.convert(row.document, Rule) for row in rows]

    def page(
        self, *, after: tuple[str, str] | None, limit: int, device_id: str | None = None, model_id: str | None = None
    ) -> list[Rule]:
        """Up to ``limit`` rules by name, after the (name, id) given."""
        query = sa.select(rules.c.document).order_by(rules.c.name, rules.c.id).limit(limit)
        if after is not None:
            name, last_id = after
            query = query.where((rules.c.name > name) | ((rules.c.name == name) & (rules.c.id > last_id)))
        if device_id is not None:
            query = query.where(rules.c.device_id == device_id)
        if model_id is not None:
            query = query.where(rules.c.model_id == model_id)
        with self._records.read() as connection:
            return [msgspec.convert(row.document, Rule) for row in connection.execute(query)]

    def count(self) -> int:
        """How many rules there are."""
        with self._records.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(rules)).scalar_one())

    def find(self, rule_id: str) -> Rule | None:
        """The rule, if it exists."""
        with self._records.read() as connection:
            document = connection.execute(sa.select(rules.c.document).where(rules.c.id == rule_id)).scalar()
        return None if document is None else msgspec.convert(document, Rule)

    def these(self, rule_ids: Iterable[str]) -> dict[str, Rule]:
        """Those of these rules that exist, by id."""
        query = sa.select(rules.c.document).where(rules.c.id.in_(list(rule_ids)))
        with self._records.read() as connection:
            found = [msgspec.convert(document, Rule) for document in connection.execute(query).scalars()]
        return {each.id: each for each in found}

    def from_above(self) -> set[str]:
        """The ids of those that came from a parent."""
        with self._records.read() as connection:
            return set(connection.execute(sa.select(rules.c.id).where(rules.c.from_above)).scalars())

    def insert(self, rule: Rule) -> None:
        """Add a rule."""
        with self._records.begin() as connection:
            connection.execute(rules.insert().values(row_of(rule)))
            bump(connection)

    def replace(self, rule: Rule, expected_revision: int) -> bool:
        """Overwrite a rule that is still at ``expected_revision``; returns whether it was."""
        with self._records.begin() as connection:
            query = sa.select(rules.c.document).where(rules.c.id == rule.id).with_for_update()
            document = connection.execute(query).scalar()
            if document is None or document["revision"] != expected_revision:
                return False
            connection.execute(rules.update().where(rules.c.id == rule.id).values(row_of(rule)))
            bump(connection)
            return True

    def delete(self, rule_id: str) -> bool:
        """Remove a rule; returns whether it existed."""
        with self._records.begin() as connection:
            gone = connection.execute(rules.delete().where(rules.c.id == rule_id)).rowcount > 0
            if gone:
                bump(connection)
            return gone


def load_watches(records: Records) -> list[WatchState]:
    """Every state that was kept."""
    with records.read() as connection:
        return [
            WatchState(
                WatchKey(row.rule_id, row.device_id, row.property, row.kind),
                row.phase,
                row.since_ms,
                row.last_ms,
                row.value,
                row.trigger_ms,
                row.high_side,
            )
            for row in connection.execute(sa.select(watches))
        ]


def put_watches(connection: sa.Connection, states: Sequence[WatchState]) -> None:
    """Keep these states, in the caller's transaction."""
    if not states:
        return
    remove_watches(connection, [state.key for state in states])
    rows = [
        {
            **_columns(state.key),
            "phase": state.phase,
            "since_ms": state.since_ms,
            "last_ms": state.last_ms,
            "value": state.value,
            "trigger_ms": state.trigger_ms,
            "high_side": state.high_side,
        }
        for state in states
    ]
    connection.execute(watches.insert(), rows)


def remove_watches(connection: sa.Connection, keys: Iterable[WatchKey]) -> None:
    """Forget the states of these keys."""
    rows = [{f"key_{name}": value for name, value in _columns(key).items()} for key in keys]
    if rows:
        same = [watches.c[name] == sa.bindparam(f"key_{name}") for name in _KEY]
        connection.execute(watches.delete().where(*same), rows)


def _columns(key: WatchKey) -> dict[str, str]:
    return {"rule_id": key.rule_id, "device_id": key.device_id, "property": key.property, "kind": key.kind}


def row_of(rule: Rule) -> dict[str, object]:
    """The columns of a rule."""
    return {
        "id": rule.id,
        "name": rule.name,
        "device_id": rule.scope.device_id,
        "model_id": rule.scope.model_id,
        "document": msgspec.to_builtins(rule),
        "organisation_id": rule.organisation_id,
    }


def bump(connection: sa.Connection) -> None:
    """Count a change of rules, in the caller's transaction."""
    counter = revisions.c.name == "rules"
    if connection.execute(revisions.update().where(counter).values(value=revisions.c.value + 1)).rowcount == 0:
        connection.execute(revisions.insert().values(name="rules", value=1))
