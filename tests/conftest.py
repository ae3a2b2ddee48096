"""The order of the tests, which is random but for one thing, and what is not garbage."""

from __future__ import annotations

import gc

import pytest

OPEN_MANY_ENGINES = ("tests/contract/clickhouse", "tests/contract/historian", "tests/protocol/historian")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run those tests last that open one embedded series engine after the other.

    Each leaves some threads of chDB behind, and three open files for each of them. paho-mqtt waits with ``select``,
    which knows no file beyond number 1,023: after a hundred engines in one process its clients connect and say
    nothing.
    """
    items.sort(key=lambda item: item.nodeid.startswith(OPEN_MANY_ENGINES))


gc.disable()  # until everything is collected


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: look for garbage among what tests make, and only there."""
    gc.collect()
    gc.freeze()
    gc.enable()
