"""The house rules a machine can hold: floors, sizes, names, and what must not be in the tree."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from millwright.app.logs import hide_secrets
from millwright.kernel import new_secret

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "millwright"
MOST_LINES = 600
MEDIAN_LINES = 160

_GENERATED = {"schema.d.ts"}
_NAMELESS = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
# Spelled in pieces, so that this file does not find itself.
_FOREIGN = re.compile(
    "pypi"
    r"\.org/simple|files"
    r"\.pythonhosted|registry"
    r"\.npmjs"
    r"|(?<![\w.~}])/ro"
    "ot/|(?<![\\w.~}])/wo"
    r"rk/(?:main|shared|steering)"
)


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_imports_go_down_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_file_is_too_long() -> None:
    sizes = {path: lines(path) for path in tracked("*.py", "*.ts", "*.tsx") if path.name not in _GENERATED}
    assert {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > MOST_LINES} == {}
    source = [size for path, size in sizes.items() if path.is_relative_to(SOURCE) and path.name != "__init__.py"]
    assert statistics.median(source) <= MEDIAN_LINES


def test_no_module_is_named_after_nothing() -> None:
    assert [path for path in SOURCE.rglob("*") if path.stem in _NAMELESS] == []


def test_every_domain_says_what_it_is() -> None:
    for root in SOURCE.glob("*/__init__.py"):
        assert len(root.read_text(encoding="utf-8").split('"""')[1]) > 80, f"{root.parent.name} has no description"


def test_tree_names_no_registry_and_no_machine() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in _FOREIGN.finditer(text)]
    assert found == []


def test_nothing_unfinished_is_marked_as_such() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|raise NotImplemented")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCE.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []


def test_dependencies_are_pinned_by_hash_without_hosts() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^(\S+?)(?:\[.*?\])?==", lock, re.M)
    assert len(pins) > 40
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "://" not in lock


def test_every_secret_that_is_given_out_is_hidden_in_logs() -> None:
    stated: dict[str, str] = {}
    calls: list[ast.expr] = []
    for path in tracked("src/*.py"):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        for node in tree.body:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    names = target.elts if isinstance(target, ast.Tuple) else [target]
                    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                    for name, value in zip(names, values, strict=False):
                        if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
                            stated[name.id] = str(value.value)
        calls += [
            each.args[0]
            for each in (ast.walk(tree) if "new_secret" in text else ())
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "new_secret"
        ]
    given = {each.value if isinstance(each, ast.Constant) else stated[ast.unparse(each)] for each in calls}
    assert {"mwi", "mwd", "mwt"} <= given
    for prefix in map(str, given):
        assert hide_secrets(f"refused {new_secret(prefix)}") == f"refused {prefix}_********"
