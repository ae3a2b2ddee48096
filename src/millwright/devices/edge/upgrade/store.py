"""Releases and roll-outs in the records: the node's, not an organisation's. Who brings code to edges rules them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any, get_args

import msgspec
import sqlalchemy as sa

from millwright.devices.edge.upgrade.model import (
    EdgeProgress,
    NewRollout,
    Order,
    Progress,
    Release,
    ReleaseFile,
    Rollout,
    UpgradeStatus,
)
from millwright.devices.store import edges
from millwright.engines.sql import Records, metadata
from millwright.kernel import Conflict, NotFound
from millwright.ledger import Note

_id = sa.String(40)

releases = sa.Table(
    "devices_releases",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)

rollouts = sa.Table(
    "devices_rollouts",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("release_id", _id, sa.ForeignKey("devices_releases.id"), nullable=False, index=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("groups", sa.JSON, nullable=False),
    sa.Column("group", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("trial_s", sa.Float, nullable=False),
    sa.Column("settle_s", sa.Float, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("results", sa.JSON, nullable=False),
    sa.Column("permission", sa.Text, nullable=False, server_default=""),
)
"""``results``: how each edge ended, by its id; ``group``: the one under way; ``permission``: signed, for the edges."""

Permit = Callable[[str, int], str]
"""Signs that the release of a list may be rolled out from a time on."""

_MOST_WHY = 500
_ENDS = ("done", "failed", "rolled_back")


class UpgradeStore:
    """Every method is one transaction. ``records`` sees every organisation's edges."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- releases ------------------------------------------------------------------------------------------------

    def add_release(self, release_id: str, version: str, files: Sequence[ReleaseFile], note: str, now_ms: int) -> None:
        """Keep a release whose files are on the shelf."""
        with self._records.begin() as connection:
            connection.execute(
                sa.insert(releases).values(
                    id=release_id, version=version, files=msgspec.to_builtins(files), note=note, created_ms=now_ms
                )
            )

    def releases(self) -> builtins.list[Release]:
        """The newest first."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(releases).order_by(releases.c.created_ms.desc(), releases.c.id))
            return [_release(row) for row in rows.mappings()]

    def release(self, release_id: str) -> Release:
        """One release. Raises ``NotFound`` (``devices.release_unknown``)."""
        with self._records.read() as connection:
            return _release(_release_row(connection, release_id))

    def remove_release(self, release_id: str) -> builtins.list[str]:
        """Forget it and the roll-outs that ended; which files nobody needs any more.

        Raises ``NotFound``, ``Conflict`` (``devices.release_in_use``).
        """
        with self._records.begin() as connection:
            mine = {each["sha256"] for each in _release_row(connection, release_id)["files"]}
            running = rollouts.c.release_id == release_id, rollouts.c.state == "running"
            if connection.scalar(sa.select(sa.func.count()).select_from(rollouts).where(*running)):
                raise Conflict(
                    "The release is being rolled out.",
                    code="devices.release_in_use",
                    hint="Stop the roll-out, or wait for its end.",
                )
            connection.execute(sa.delete(rollouts).where(rollouts.c.release_id == release_id))
            connection.execute(sa.delete(releases).where(releases.c.id == release_id))
            left = connection.execute(sa.select(releases.c.files)).scalars()
            return sorted(mine - {each["sha256"] for files in left for each in files})

    # --- roll-outs -----------------------------------------------------------------------------------------------

    def add_rollout(self, rollout_id: str, new: NewRollout, now_ms: int, permit: Permit) -> Rollout:
        """Begin one, later than every other.

        Raises ``NotFound`` (release, edge), ``Conflict`` (``devices.rollout_running``, ``devices.rollout_twice``,
        ``devices.edge_revoked``).
        """
        from millwright.devices.errors import edge_revoked, not_found

        with self._records.begin() as connection:
            release = _release_row(connection, new.release_id)
            named = [each for group in new.groups for each in group]
            if len(set(named)) != len(named):
                raise Conflict(
                    "An edge is in the roll-out twice.", code="devices.rollout_twice", hint="Name each edge once."
                )
            known = {
                row.id: row.revoked_ms
                for row in connection.execute(sa.select(edges.c.id, edges.c.revoked_ms).where(edges.c.id.in_(named)))
            }
            for each in named:
                if each not in known:
                    raise not_found("edge", each)
                if known[each] is not None:
                    raise edge_revoked(each)
            busy = connection.execute(sa.select(rollouts.c.groups).where(rollouts.c.state == "running")).scalars()
            if {each for groups in busy for group in groups for each in group} & set(named):
                raise Conflict(
                    "One of these edges is in a roll-out that is under way.",
                    code="devices.rollout_running",
                    hint="Stop that one, or wait for its end.",
                )
            last_ms = connection.scalar(sa.select(sa.func.max(rollouts.c.created_ms))) or 0
            at_ms = max(now_ms, last_ms + 1)  # also when the clock was set back
            connection.execute(
                sa.insert(rollouts).values(
                    id=rollout_id, release_id=new.release_id, version=release["version"], groups=new.groups, group=0,
                    state="running", why="", trial_s=new.trial_s, settle_s=new.settle_s, created_ms=at_ms,
                    ended_ms=None, results={}, permission=permit(release["note"], at_ms),
                )
            )  # fmt: skip
            return _rollouts(connection, rollouts.c.id == rollout_id)[0]

    def rollouts(self, *, running: bool = False) -> builtins.list[Rollout]:
        """The newest first."""
        with self._records.read() as connection:
            return _rollouts(connection, rollouts.c.state == "running" if running else sa.true())

    def rollout(self, rollout_id: str) -> Rollout:
        """One roll-out. Raises ``NotFound`` (``devices.rollout_unknown``)."""
        with self._records.read() as connection:
            found = _rollouts(connection, rollouts.c.id == rollout_id)
        if not found:
            raise NotFound(
                "There is no such roll-out.", code="devices.rollout_unknown", hint="The list names those there are."
            )
        return found[0]

    def step(self, rollout_id: str, results: dict[str, Any], now_ms: int, **changes: Any) -> None:
        """Write how far a roll-out is, unless somebody stopped it meanwhile."""
        if changes.get("state", "running") != "running":
            changes["ended_ms"] = now_ms
        mine = rollouts.c.id == rollout_id, rollouts.c.state == "running"
        with self._records.begin() as connection:
            connection.execute(sa.update(rollouts).where(*mine).values(results=results, **changes))

    def order(self, edge_id: str) -> Order:
        """What is ordered of an edge now."""
        with self._records.read() as connection:
            rows = connection.execute(
                sa.select(rollouts, releases.c.note).join_from(rollouts, releases).where(rollouts.c.state == "running")
            ).mappings()
            for row in rows:
                begun = any(edge_id in group for group in row["groups"][: row["group"] + 1])
                if begun and not _is_held(connection, row["results"], edge_id):
                    return Order(row["id"], row["note"], row["trial_s"], row["settle_s"], row["permission"])
        return Order()


def _is_held(connection: sa.Connection, results: dict[str, Any], edge_id: str) -> bool:
    """Whether another edge of the organisation has failed."""
    bad = [each for each, ended in results.items() if ended["progress"] != "done" and each != edge_id]
    if not bad:
        return False
    mine = sa.select(edges.c.organisation_id).where(edges.c.id == edge_id).scalar_subquery()
    return bool(
        connection.scalar(
            sa.select(sa.func.count()).select_from(edges).where(edges.c.id.in_(bad), edges.c.organisation_id == mine)
        )
    )


def _release_row(connection: sa.Connection, release_id: str) -> sa.RowMapping:
    row = connection.execute(sa.select(releases).where(releases.c.id == release_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(
            "There is no such release.", code="devices.release_unknown", hint="The list names those there are."
        )
    return row


def _release(row: sa.RowMapping) -> Release:
    files = msgspec.convert(row["files"], list[ReleaseFile])
    return Release(
        id=row["id"],
        version=row["version"],
        files=files,
        bytes=sum(each.bytes for each in files),
        signed_by=[name for name, _, _ in Note.parse(row["note"]).signatures],
        created_ms=row["created_ms"],
    )


def _rollouts(connection: sa.Connection, condition: Any) -> builtins.list[Rollout]:
    rows = connection.execute(
        sa.select(rollouts).where(condition).order_by(rollouts.c.created_ms.desc(), rollouts.c.id)
    ).mappings()
    known = {
        row.id: row
        for row in connection.execute(sa.select(edges.c.id, edges.c.name, edges.c.status, edges.c.organisation_id))
    }
    return [
        Rollout(
            **{key: row[key] for key in Rollout.__struct_fields__ if key != "edges"},
            edges=[
                _progress(row, known, edge_id, number)
                for number, group in enumerate(row["groups"])
                for edge_id in group
            ],
        )
        for row in rows
    ]


def _progress(row: sa.RowMapping, known: dict[str, Any], edge_id: str, group: int) -> EdgeProgress:
    edge = known.get(edge_id)
    name, owner = (edge.name, edge.organisation_id) if edge is not None else (edge_id, "")

    def at(progress: Progress, why: str = "") -> EdgeProgress:
        return EdgeProgress(
            edge_id=edge_id, name=name, group=group, progress=progress, why=_clean(why), organisation_id=owner
        )

    ended = row["results"].get(edge_id)
    if ended is not None:
        return at(ended["progress"], ended["why"])
    if group > row["group"]:
        return at("waiting")
    said = (edge.status or {}).get("upgrade") if edge is not None else None
    status = msgspec.convert(said, UpgradeStatus) if said else UpgradeStatus()
    if status.order != row["id"] or status.progress not in get_args(Progress):
        bad = [each for each, ended in row["results"].items() if ended["progress"] != "done"]
        return at("waiting" if owner in {known[each].organisation_id for each in bad if each in known} else "ordered")
    return at(status.progress, status.why)  # type: ignore[arg-type]  # looked up in the line before


def _clean(why: str) -> str:
    """What an edge said, as it can be shown."""
    return "".join(each if each.isprintable() else " " for each in why[:_MOST_WHY])


def ended(progress: EdgeProgress) -> bool:
    """Whether the edge has come to an end, good or bad."""
    return progress.progress in _ENDS
