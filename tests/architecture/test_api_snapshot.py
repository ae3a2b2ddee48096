"""The console is typed by the API that this source serves."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def test_console_is_typed_by_this_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    served = importlib.import_module("tools.reference.api_page").document()
    kept = json.loads((ROOT / "console" / "openapi.json").read_text(encoding="utf-8"))
    assert shape(kept) == shape(json.loads(json.dumps(served))), "run `make api` and look at what changed"


def shape(document: dict[str, Any]) -> dict[str, Any]:
    """What a client relies on: routes, their operations, and the fields of every schema."""
    return {
        "routes": {
            f"{method} {path}": operation["operationId"]
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if isinstance(operation, dict)
        },
        "schemas": {
            name: sorted(schema.get("properties", {})) for name, schema in document["components"]["schemas"].items()
        },
    }
