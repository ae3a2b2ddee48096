"""ClickHouse: series, events and packets in columns; chDB inside the node, or a server or cluster over HTTP."""

from pathlib import Path

from millwright.engines.clickhouse.dialect import Dialect, Table
from millwright.engines.clickhouse.embedded import ChdbEngine
from millwright.engines.clickhouse.port import DEFAULTS, Parameters, SeriesEngine, render
from millwright.engines.clickhouse.remote import ClickHouseHttpEngine
from millwright.engines.clickhouse.settings import ClickHouseSettings


def open_engine(settings: ClickHouseSettings, folder: Path) -> SeriesEngine:
    """The engine that ``settings`` ask for: a server when a URL is set, else chDB below ``folder``."""
    return ClickHouseHttpEngine(settings) if settings.url else ChdbEngine(folder, settings)


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
