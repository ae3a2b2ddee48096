"""Choosing the engine that the settings ask for."""

from __future__ import annotations

from pathlib import Path

from millwright.engines.clickhouse.port import SeriesEngine
from millwright.engines.clickhouse.settings import ClickHouseSettings


def open_engine(settings: ClickHouseSettings, folder: Path) -> SeriesEngine:
    """A server when a URL is set, else chDB below ``folder``; only the one chosen is imported."""
    if settings.url:
        from millwright.engines.clickhouse.remote import ClickHouseHttpEngine

        return ClickHouseHttpEngine(settings)
    from millwright.engines.clickhouse.embedded import ChdbEngine

    return ChdbEngine(folder, settings)
