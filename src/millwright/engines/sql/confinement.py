"""Confinement: every statement on a confined connection touches only rows of the current scope.

A table says in its ``info`` who owns its rows (:func:`owned`, :func:`owned_through`). On a confined connection the
compiler renders such a table, wherever it is read, as the part of it that the scope contains::

    FROM devices_devices  →  FROM (SELECT * FROM devices_devices WHERE … IN scope) AS devices_devices

adds the condition of what may be written to every ``UPDATE`` and ``DELETE``, and lets an ``INSERT`` through only when
the new rows are the scope's own (one that names no organisation belongs to the scope's home). A query cannot leave this
out, for it does not write it: joins, subqueries, counts, searches and common table expressions are all confined, and so
is whatever is written tomorrow. Textual SQL that names an owned table is refused. What an ``INSERT … ON CONFLICT DO
UPDATE`` overwrites is *not* narrowed: its key must contain the column of the owner, which is checked with the new rows.

The scope is read when a statement runs, so compiled statements are cached as ever. An index is still used: both engines
flatten the subquery.
"""

# ruff: noqa: S608 - names of tables and columns come from the schema; the scope is a bound parameter
from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from millwright.kernel import NotFound
from millwright.kernel.scope import Scope, current_scope

_INFO = "owner"
_LIVING = "organisations"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a table's rows: the organisation in ``column``, or whoever owns the row of ``parent`` it names.

    ``shared``: rows of organisations above may be read too. ``kept``: the rows outlive their organisation.
    """

    column: str = "organisation_id"
    parent: sa.Table | None = None
    shared: bool = False
    kept: bool = False


def owned(*, shared: bool = False, kept: bool = False) -> dict[str, Any]:
    """``info`` of a table that has a column ``organisation_id``."""
    return {_INFO: Owner(shared=shared, kept=kept)}


def owned_through(parent: sa.Table, column: str) -> dict[str, Any]:
    """``info`` of a table whose rows belong to whoever owns the row of ``parent`` (by its ``id``) in ``column``."""
    return {_INFO: Owner(column, parent)}


def organisation(**options: Any) -> sa.Column[str]:
    """The column that names a row's organisation. No foreign key: a row must never hinder or outlive a decision
    taken a floor below, and the confinement hides what has no organisation any more."""
    return sa.Column("organisation_id", sa.String(40), nullable=False, **options)


def owner_of(table: sa.Table) -> Owner | None:
    """Who owns the table's rows; ``None``: the table belongs to the node."""
    found: Owner | None = table.info.get(_INFO)
    return found


def confine(engine: sa.Engine) -> sa.Engine:
    """An engine over the same connections whose every statement is confined to the current scope."""
    confined = sa.create_engine(engine.url, pool=engine.pool)
    dialect = confined.dialect
    base = dialect.statement_compiler
    dialect.statement_compiler = type("ConfinedCompiler", (_Confined, base), {})
    event.listen(confined, "before_execute", _before_execute, retval=True)
    return confined


# --- the condition -------------------------------------------------------------------------------------------------


def _ids(scope: Scope, shared: bool) -> frozenset[str]:
    return scope.organisations | scope.above if shared else scope.organisations


def _json(shared: bool) -> Callable[[], str]:
    key = "json+" if shared else "json"

    def value() -> str:
        scope = current_scope()
        return scope.text(key) or scope.keep_text(key, json.dumps(sorted(_ids(scope, shared))))

    return value


def _commas(shared: bool) -> Callable[[], str]:
    key = "commas+" if shared else "commas"

    def value() -> str:
        scope = current_scope()
        return scope.text(key) or scope.keep_text(key, ",".join(sorted(_ids(scope, shared))))

    return value


def _bound(dialect: str, shared: bool) -> sa.BindParameter[str]:
    make = _commas if dialect == "postgresql" else _json
    return sa.bindparam("scope_shared" if shared else "scope", callable_=make(shared), type_=sa.Text, unique=True)


def condition(table: sa.Table, dialect: str, *, reading: bool) -> sa.ColumnElement[bool]:
    """That a row of the owned ``table`` lies in the current scope."""
    owner = owner_of(table)
    assert owner is not None
    column = table.c[owner.column]
    if owner.parent is not None:
        if reading:
            return column.in_(sa.select(owner.parent.c.id))
        # Where the parent is read, rows of organisations above may count as well: they are not to be written.
        writable = condition(owner.parent, dialect, reading=False)
        return column.in_(sa.select(owner.parent.c.id).where(writable))
    bound = _bound(dialect, owner.shared and reading)
    if dialect == "postgresql":
        return column == sa.func.any(sa.func.string_to_array(bound, ","))
    inside = sa.select(sa.func.json_each(bound).table_valued("value").c.value)
    # `+` keeps the planner from an index on the organisation: the other conditions choose better ones.
    return UnaryExpression(column, operator=custom_op("+"), type_=sa.Text()).in_(inside)


class _Confined:
    """Mixed into a dialect's statement compiler."""

    dialect: sa.Dialect

    def visit_table(self, table: sa.Table, asfrom: bool = False, **kwargs: Any) -> str:
        enclosing = kwargs.get("enclosing_alias")
        plain: str = super().visit_table(table, asfrom=asfrom, **kwargs)  # type: ignore[misc]  # the dialect's own
        if not asfrom or kwargs.get("iscrud") or kwargs.get("ashint") or owner_of(table) is None:
            return plain
        where = condition(table, self.dialect.name, reading=True)
        text = self.process(where)  # type: ignore[attr-defined]
        inner = f"(SELECT * FROM {plain} WHERE {text})"
        named = enclosing is not None and enclosing.element is table
        return inner if named else f"{inner} AS {plain}"

    def visit_update(self, statement: Any, *args: Any, **kwargs: Any) -> str:
        text: str = super().visit_update(self._narrowed(statement), *args, **kwargs)  # type: ignore[misc]
        return text

    def visit_delete(self, statement: Any, *args: Any, **kwargs: Any) -> str:
        text: str = super().visit_delete(self._narrowed(statement), *args, **kwargs)  # type: ignore[misc]
        return text

    def _narrowed(self, statement: Any) -> Any:
        if owner_of(statement.table) is None:
            return statement
        return statement.where(condition(statement.table, self.dialect.name, reading=False))


# --- new rows ------------------------------------------------------------------------------------------------------


def _before_execute(
    connection: sa.Connection,
    statement: Any,
    multiparams: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
    _options: Any,
) -> tuple[Any, Any, Any]:
    if isinstance(statement, sa.TextClause):
        _refuse_text(statement.text)
    elif isinstance(statement, sa.Insert | sa.Update):
        owner = owner_of(statement.table)  # type: ignore[arg-type]  # a table, as every statement here names
        if owner is not None:
            return _checked(connection, statement, owner, multiparams, params)
    return statement, multiparams, params


def _checked(
    connection: sa.Connection, statement: Any, owner: Owner, multiparams: Any, params: Any
) -> tuple[Any, Any, Any]:
    inserts = isinstance(statement, sa.Insert)
    rows = list(multiparams) or ([dict(params)] if params else [])
    values = statement._values or {}
    given = next(
        (value.value for column, value in values.items() if getattr(column, "name", column) == owner.column), None
    )
    if statement._multi_values or statement.__dict__.get("select") is not None:
        raise RuntimeError("A confined INSERT takes its rows as parameters, so that they can be checked.")
    if owner.parent is not None:
        ids = {given} if given is not None else {row[owner.column] for row in rows if owner.column in row}
        _need_parents(connection, owner.parent, ids - {None})
        return statement, multiparams, params
    scope = current_scope()
    if given is None and inserts and not any(owner.column in row for row in rows):
        if scope.home is None:
            raise _outside()
        _need_living(connection, {scope.home})
        if not rows:
            return statement.values({owner.column: scope.home}), multiparams, params
        return statement, [{**row, owner.column: scope.home} for row in rows], {}
    named = {given} if given is not None else {row.get(owner.column) for row in rows}
    says = inserts or given is not None or any(owner.column in row for row in rows)
    if says:
        if any(each not in scope for each in named):
            raise _outside()
        _need_living(connection, named)
    return statement, multiparams, params


def living(table: sa.Table) -> sa.Table:
    """Declare ``table`` (by its ``id``) as the list of organisations there are; new rows belong to one of them."""
    from millwright.engines.sql.records import metadata

    metadata.info[_LIVING] = table
    return table


def _need_living(connection: sa.Connection, ids: set[Any]) -> None:
    """Hold the organisations to the end of the transaction, so that none is removed before its new rows are there."""
    from millwright.engines.sql.records import metadata

    table: sa.Table | None = metadata.info.get(_LIVING)
    if table is None:
        return
    held = sa.select(table.c.id).where(table.c.id.in_(sorted(ids))).with_for_update(read=True)
    if len(connection.execute(held).all()) != len(ids):
        raise _outside()


def _need_parents(connection: sa.Connection, parent: sa.Table, ids: set[Any]) -> None:
    wanted = sorted(ids)
    for start in range(0, len(wanted), 500):
        chunk = wanted[start : start + 500]
        mine = condition(parent, connection.dialect.name, reading=False)
        found = connection.execute(sa.select(sa.func.count()).where(parent.c.id.in_(chunk), mine)).scalar_one()
        if found != len(chunk):
            raise _outside()


def _outside() -> NotFound:
    return NotFound(
        "There is no such organisation here.",
        code="engines.outside_scope",
        hint="Name an organisation in which you may do this.",
    )


def _refuse_text(text: str) -> None:
    from millwright.engines.sql.records import metadata

    if any(name in text for name, table in metadata.tables.items() if owner_of(table) is not None):
        raise RuntimeError("Textual SQL cannot be confined; build the statement from the tables.")


# --- when an organisation goes -------------------------------------------------------------------------------------


def purge(connection: sa.Connection, organisation_id: str) -> None:
    """Remove every row an organisation owns, of whichever domain, in the caller's transaction.

    Tables declared with ``owned(kept=True)`` keep theirs: nobody's scope contains them any more.
    """
    from millwright.engines.sql.records import metadata

    for table in reversed(metadata.sorted_tables):
        owner = owner_of(table)
        if owner is not None and not owner.kept:
            connection.execute(sa.delete(table).where(_belongs(table, organisation_id)))


def _belongs(table: sa.Table, organisation_id: str) -> sa.ColumnElement[bool]:
    owner = owner_of(table)
    assert owner is not None
    column = table.c[owner.column]
    if owner.parent is None:
        return column == organisation_id
    return column.in_(sa.select(owner.parent.c.id).where(_belongs(owner.parent, organisation_id)))
