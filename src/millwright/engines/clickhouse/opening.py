"""Choosing the engine that the settings ask for."""

from __future__ import annotations

from pathlib import Path

from millwright.engines.clickhouse.embedded import ChdbEngine
from millwright.engines.clickhouse.port import SeriesEngine
from millwright.engines.clickhouse.remote import ClickHouseHttpEngine
from millwright.engines.clickhouse.settings import ClickHouseSettings


def open_engine(settings: ClickHouseSettings, folder: Path) -> SeriesEngine:
    """A server when a URL is set, else chDB below ``folder``."""
    return ClickHouseHttpEngine(settings) if settings.url else ChdbEngine(folder, settings)
