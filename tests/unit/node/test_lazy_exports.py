from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

ROOTS = [
    *("millwright.devices", "millwright.devices.mqtt", "millwright.devices.telemetry", "millwright.devices.sparkplug"),
    *("millwright.historian", "millwright.operations", "millwright.parties", "millwright.cases", "millwright.web"),
    "millwright.ledger",
    *("millwright.engines.sql", "millwright.engines.clickhouse"),
]


@pytest.mark.parametrize("name", ROOTS)
def test_every_declared_export_can_be_had(name: str) -> None:
    module = importlib.import_module(name)
    assert all(getattr(module, export) is not None for export in module.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    module = importlib.import_module("millwright.devices")
    with pytest.raises(AttributeError, match="Acess"):
        _ = module.Acess


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("millwright.app.settings", {"sqlalchemy", "litestar", "numpy", "pyarrow", "chdb", "alembic"}),
        ("millwright.app.roles.listener", {"litestar", "numpy", "pyarrow", "chdb", "alembic"}),
        ("millwright.app.roles.historian", {"alembic", "granian"}),
        ("millwright.app.roles.web", {"alembic", "chdb"}),
        ("millwright.cli.main", {"nats", "sqlalchemy", "httpx", "numpy"}),
    ],
)
def test_process_imports_only_what_it_runs(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert unwanted & set(done.stdout.split()) == set()
