"""Data definition for one engine or for a cluster: the same tables, queried by the same names.

On a cluster a table ``readings`` becomes ``readings_local`` (replicated, on every shard) behind a ``Distributed`` table
``readings``, sharded by series; on a single engine it is just ``readings``. Queries never see the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SYNC = "fsync_after_insert = 1, fsync_part_directory = 1"


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose newest version of each key wins.

    ``columns`` is the column list without its parentheses, ``{codec}`` in it stands for the general compression;
    ``order`` the key that identifies a row; ``version`` the
    column that decides (empty: the row inserted last); ``shard`` an expression over the columns.
    """

    name: str
    columns: str
    order: str
    version: str = ""
    partition: str = ""
    shard: str = "rand()"
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Renders DDL for ``cluster``, or for one engine when it is empty."""

    cluster: str = ""
    sync: bool = False
    codec: str = "ZSTD(1)"
    """General compression; ``Default`` leaves it to the engine's configuration, which knows the size of a part."""

    @property
    def on_cluster(self) -> str:
        """The clause that sends DDL to every server of the cluster, with a leading space."""
        return f" ON CLUSTER '{self.cluster}'" if self.cluster else ""

    def local(self, name: str) -> str:
        """The table that holds the rows on each server: what ``ALTER`` and ``DELETE`` must name."""
        return f"{name}_local" if self.cluster else name

    def create(self, table: Table) -> Iterator[str]:
        """Statements that make ``table`` when it is missing."""
        settings = ", ".join(filter(None, (table.settings, _SYNC if self.sync else "")))
        columns = table.columns.replace("{codec}", self.codec)
        yield (
            f"CREATE TABLE IF NOT EXISTS {self.local(table.name)}{self.on_cluster} ({columns})\n"
            f"ENGINE = {self._engine(table.version)}\n"
            + (f"PARTITION BY {table.partition}\n" if table.partition else "")
            + f"ORDER BY {table.order}"
            + (f"\nSETTINGS {settings}" if settings else "")
        )
        if self.cluster:
            yield (
                f"CREATE TABLE IF NOT EXISTS {table.name}{self.on_cluster} AS {self.local(table.name)}\n"
                f"ENGINE = Distributed('{self.cluster}', currentDatabase(), '{self.local(table.name)}', {table.shard})"
            )

    def _engine(self, version: str) -> str:
        if not self.cluster:
            return f"ReplacingMergeTree({version})"
        path = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
        return f"ReplicatedReplacingMergeTree({', '.join(filter(None, (path, version)))})"
