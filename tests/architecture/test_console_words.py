"""The Chinese words for what the node says in English are about things that exist, and cover every setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from millwright.app.settings import NodeSettings
from millwright.kernel import settings as kernel_settings

ROOT = Path(__file__).parents[2]
WORDS = (ROOT / "console" / "src" / "i18n" / "node.zh.ts").read_text(encoding="utf-8")
SOURCE = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "millwright").rglob("*.py"))


def keys(name: str) -> set[str]:
    """The quoted keys of a record."""
    body = WORDS.partition(f"export const {name}:")[2].partition("\n};")[0]
    found = set(re.findall(r'^\s+"([a-z_.]+)":', body, re.MULTILINE))
    assert len(found) > 10, f"{name} was not found in node.zh.ts"
    return found


@pytest.mark.parametrize("name", ["PROBLEMS", "LETTERS"])
def test_every_code_that_is_translated_exists(name: str) -> None:
    missing = {code for code in keys(name) if f'"{code}"' not in SOURCE and not _is_composed(code)}
    assert missing == set()


def _is_composed(code: str) -> bool:
    """Whether the source puts the code together: ``f"devices.{what}_unknown"``, ``f"web.{…}"``."""
    room, _, rest = code.partition(".")
    tails = {rest[at:] for at in range(len(rest)) if rest[at] == "_"} | {""}
    return any(re.search(rf'f"{room}\.\{{[^}}]+\}}{re.escape(tail)}"', SOURCE) for tail in tails)


def test_every_setting_is_explained_in_chinese_and_no_other() -> None:
    said, real = keys("SETTINGS"), {key for key, _, _ in kernel_settings.keys(NodeSettings)}
    assert real - said == set(), "add these to SETTINGS in console/src/i18n/node.zh.ts"
    assert said - real == set(), "these are settings no more"
