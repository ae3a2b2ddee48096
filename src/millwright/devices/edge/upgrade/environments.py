"""An environment beside the one that runs: the same packages, and the wheels of a release in place of some.

What stays the same is linked, not copied, so a slot costs little disk and no network. A file is never written in
place: whoever replaces one unlinks it first, so the environment that runs is not touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from millwright.devices.edge.upgrade.keeper import FOLDER, SLOTS, python_of
from millwright.devices.edge.upgrade.wheels import install, site_of
from millwright.kernel import Unavailable

_CHECK_S: Final = 180.0


def free_slot(active: str) -> str:
    """The slot that does not run."""
    return next(each for each in SLOTS if each != active)


def put_together(data: Path, slot: str, wheels: Sequence[Path], version: str) -> None:
    """Make the slot anew out of the environment of this process and ``wheels``, and see that it answers.

    Raises ``Unavailable`` (``devices.release_broken``) when it does not, or says another version.
    """
    prefix = data / FOLDER / slot
    shutil.rmtree(prefix, ignore_errors=True)
    venv.EnvBuilder(symlinks=True, with_pip=False).create(prefix)
    here = Path(sys.prefix)
    _link(site_of(here), site_of(prefix))
    for each in (here / "bin").iterdir():
        # Programs that wheels brought, as nats-server; scripts name the interpreter of the environment they are from.
        if each.is_file() and not each.is_symlink() and not (prefix / "bin" / each.name).exists():
            with each.open("rb") as file:
                if file.read(2) != b"#!":
                    _link_file(each, prefix / "bin" / each.name)
    for wheel in wheels:
        install(wheel, prefix)
    _compile(python_of(data, slot), site_of(prefix) / "millwright")
    _check(python_of(data, slot), version)


def _compile(python: Path, package: Path) -> None:
    """Once for all roles, while the version before still runs: so they start quickly in the trial."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603 - an environment that we made
            [str(python), "-m", "compileall", "-qq", str(package)], timeout=_CHECK_S, check=False, capture_output=True
        )


def _link(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_link_file, dirs_exist_ok=True)


def _link_file(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another disk
        shutil.copy2(source, target)


def _check(python: Path, version: str) -> None:
    """The new version can be imported, and is the one that was promised."""
    command = [str(python), "-m", "millwright", "--version"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_")}
    try:
        done = subprocess.run(  # noqa: S603 - an environment that we made, of files that the parent signed
            command, capture_output=True, text=True, timeout=_CHECK_S, env=environ, check=False
        )
        said, wrong = done.stdout.strip(), done.stderr.strip() if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        said, wrong = "", str(error)
    if not wrong and version in said.replace(",", " ").split():
        return
    raise Unavailable(
        f"The new version does not answer: {(wrong or f'it says {said!r}')[-400:]}",
        code="devices.release_broken",
        hint="Nothing was switched. Put the packages that it needs into the release, or mend it.",
    )
