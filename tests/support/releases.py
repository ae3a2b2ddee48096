"""Wheels of this very tree under another version number, whole or broken on purpose."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build_wheel(folder: Path, version: str) -> Path:
    """The tree's wheel as ``make wheel`` builds it, under another version and without the console."""
    tree = folder / f"tree-{version}"
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "console"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "hatch_build.py"):
        shutil.copy2(ROOT / name, tree / name)
    init = tree / "src" / "millwright" / "__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', f'__version__ = "{version}"  # "', 1))
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tree,
        env={"PATH": "/usr/bin:/bin", "MILLWRIGHT_CONSOLE": "skip"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made,) = (tree / "dist").glob("*.whl")
    return made


def changed(wheel: Path, folder: Path, version: str, changes: Mapping[str, Callable[[str], str]]) -> Path:
    """Another wheel: ``version``, and files rewritten by ``changes``; its list of files is right."""
    before = wheel.name.split("-")[1]
    made = folder / wheel.name.replace(f"-{before}-", f"-{version}-")
    rows: list[list[str]] = []
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            name = info.filename.replace(f"millwright-{before}.dist-info", f"millwright-{version}.dist-info")
            if name.endswith("/RECORD"):
                record = name
                continue
            data = old.read(info)
            if name in changes:
                data = changes[name](data.decode()).encode()
            if name.endswith("/METADATA") or name == "millwright/__init__.py":
                data = data.replace(before.encode(), version.encode())
            new.writestr(name, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            rows.append([name, f"sha256={digest}", str(len(data))])
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*rows, [record, "", ""]])
        new.writestr(record, text.getvalue())
    return made
