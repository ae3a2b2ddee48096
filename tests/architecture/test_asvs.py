"""The security checklist names tests that exist, and gives a reason where it names none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "millwright"
PAGE = ROOT / "docs" / "explanation" / "asvs.md"
_TEST = re.compile(r"`([a-z0-9_/]+\.py|…)::(test_[a-z0-9_]+)`")
_REASON = re.compile(r"\*(other way|not here|not yet)\b")


def rows() -> Iterator[tuple[str, str]]:
    """Line numbers, and what shows them."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and re.match(r"\d+\.\d", cells[0]):
            yield cells[0], cells[2]


def defined(path: Path) -> set[str]:
    """The tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_named_test_exists() -> None:
    last, missing, named = "", [], 0
    for number, shown in rows():
        for file, test in _TEST.findall(shown):
            last = last if file == "…" else file
            path = ROOT / "tests" / last
            named += 1
            if not path.is_file() or test not in defined(path):
                missing.append(f"{number}: {last}::{test}")
    assert missing == []
    assert named > 80


def test_every_line_has_a_test_or_a_reason() -> None:
    found = list(rows())
    assert len(found) > 110
    assert [number for number, shown in found if not _TEST.search(shown) and not _REASON.search(shown)] == []


def test_every_chapter_is_there_and_no_line_stands_twice() -> None:
    numbers = [each for number, _ in rows() for each in re.split(r", ", number)]
    assert {each.partition(".")[0] for each in numbers} == {"2", "3", "4", "5", "7", "8", "9", "13", "14"}
    assert len(numbers) == len(set(numbers))


def test_no_input_becomes_code() -> None:
    """Nothing is evaluated, unpickled, or given to a shell."""
    calls = re.compile(r"(?<![\w.])(eval|exec)\(|pickle\.loads?\(|yaml\.load\(|shell=True|os\.system\(|marshal\.loads")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in SOURCE.rglob("*.py")
        for match in calls.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
