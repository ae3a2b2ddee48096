"""What ``make test`` makes of failures: few are tried once more and told, real ones and many stay failures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "run_tests.py"
ONCE = """
from pathlib import Path
def test_once():
    seen = Path("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""
NEVER = "def test_never():\n    assert False\n"
MANY = "import pytest\n@pytest.mark.parametrize('number', range(4))\n" + NEVER.replace("()", "(number)")
ALONE = "import pytest\n@pytest.mark.alone\ndef test_alone():\n    pass\n"


def whole_run(folder: Path, *tests: str) -> tuple[int, list[str]]:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = alone\naddopts = -ra --import-mode=importlib\n")
    (folder / "tests" / "e2e").mkdir(parents=True)
    (folder / "tests" / "e2e" / "test_node.py").write_text("def test_node():\n    pass\n")
    for number, text in enumerate((ALONE, *tests)):
        (folder / "tests" / f"test_{number}.py").write_text(text)
    done = subprocess.run([sys.executable, TOOL], cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout.strip().splitlines()


@pytest.fixture(autouse=True)
def _not_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


def test_what_passes_when_tried_again_is_told(tmp_path: Path) -> None:
    code, lines = whole_run(tmp_path, ONCE)
    assert code == 0
    assert lines[-2] == "  tests/test_1.py::test_once"
    assert lines[-1].startswith("3 passed, 1 of these only when tried again, 0 failed, 0 skipped in ")


def test_what_fails_again_fails_the_run(tmp_path: Path) -> None:
    code, lines = whole_run(tmp_path, ONCE, NEVER)
    assert code == 1
    assert lines[-1].startswith("3 passed, 1 of these only when tried again, 1 failed, 0 skipped in ")


def test_many_failures_are_not_tried_again(tmp_path: Path) -> None:
    code, lines = whole_run(tmp_path, MANY)
    assert code == 1
    assert lines[-1].startswith("2 passed, 4 failed, 0 skipped in ")
