"""The Chinese words for what the node says in English are about things that exist, and cover every setting."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from millwright.app.settings import NodeSettings
from millwright.kernel import settings as kernel_settings

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tools.reference.errors_page import codes  # noqa: E402

I18N = ROOT / "console" / "src" / "i18n"
WORDS = "".join((I18N / name).read_text(encoding="utf-8") for name in ("node.zh.ts", "settings.zh.ts"))
SOURCE = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "millwright").rglob("*.py"))


def keys(name: str) -> set[str]:
    """The quoted keys of a record."""
    body = WORDS.partition(f"export const {name}:")[2].partition("\n};")[0]
    found = set(re.findall(r'^\s+"([a-z_.]+)":', body, re.MULTILINE))
    assert len(found) > 10, f"{name} was not found"
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


SAID = ("approvals", "certificates", "ledger", "metering", "parties")
"""Floors whose every error that HTTP can answer is said in Chinese too."""

NOT_OVER_HTTP = {
    "approvals.asked": "an answer of the command line",
    "ledger.algorithm_missing": "of a process that starts",
    "ledger.bundle_broken": "of verifying a copy",
    "ledger.checkpoint_broken": "of verifying a copy",
    "ledger.copy_wrong": "of verifying a copy",
    "ledger.entries_lost": "of a process that starts",
    "ledger.entry_too_long": "kept from happening by what makes entries",
    "ledger.forked": "of a process that starts",
    "ledger.info_broken": "of a process that starts",
    "ledger.journal_broken": "of a process that starts",
    "ledger.key_invalid": "of a process that starts",
    "ledger.key_open_to_others": "of a process that starts",
    "ledger.locked": "of a process that starts",
    "ledger.note_broken": "of verifying a copy",
    "ledger.proof_wrong": "of the command line",
    "ledger.witness_invalid": "of a process that starts",
    "parties.leaked_list_missing": "of a process that starts",
    "parties.provider_secret_missing": "of a process that starts",
    "parties.token_file_denied": "of a process that starts",
}


@pytest.mark.parametrize("floor", SAID)
def test_every_answer_of_a_floor_is_said_in_chinese(floor: str) -> None:
    there = {code for code in codes() if code.startswith(f"{floor}.")} - NOT_OVER_HTTP.keys()
    assert there - keys("PROBLEMS") == set(), "add these to PROBLEMS in console/src/i18n/node.zh.ts"


def test_every_setting_is_explained_in_chinese_and_no_other() -> None:
    said, real = keys("SETTINGS"), {key for key, _, _ in kernel_settings.keys(NodeSettings)}
    assert real - said == set(), "add these to SETTINGS in console/src/i18n/settings.zh.ts"
    assert said - real == set(), "these are settings no more"
