"""The generated reference is that of this source: settings, error codes, the command line's help, the API."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from millwright.app.settings import NodeSettings
from millwright.kernel import settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "page", ["reference/settings.md", "reference/errors.md", "reference/cli.md", "reference/api.md"]
)
def test_page_is_current(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    make_docs = importlib.import_module("tools.make_docs")
    assert set(make_docs.PAGES) >= {page}
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    if written != make_docs.PAGES[page]():
        pytest.fail(f"docs/{page} is behind the source: run `{Path(sys.executable).name} -m tools.make_docs --pages`")


def test_every_setting_is_described() -> None:
    undescribed = [
        key
        for key, field, _ in settings.keys(NodeSettings)
        if not (getattr(field.type, "extra_json_schema", None) or {}).get("description")
    ]
    assert undescribed == []


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
