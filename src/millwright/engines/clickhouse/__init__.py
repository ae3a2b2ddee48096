"""ClickHouse: series, events and packets in columns; chDB inside the node, or a server or cluster over HTTP."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.engines.clickhouse.dialect import Dialect, Table
    from millwright.engines.clickhouse.embedded import ChdbEngine
    from millwright.engines.clickhouse.opening import open_engine
    from millwright.engines.clickhouse.port import DEFAULTS, Parameters, SeriesEngine, render
    from millwright.engines.clickhouse.remote import ClickHouseHttpEngine
    from millwright.engines.clickhouse.settings import ClickHouseSettings

__getattr__ = exports(__name__)

__all__ = [
    "DEFAULTS",
    "ChdbEngine",
    "ClickHouseHttpEngine",
    "ClickHouseSettings",
    "Dialect",
    "Parameters",
    "SeriesEngine",
    "Table",
    "open_engine",
    "render",
]
