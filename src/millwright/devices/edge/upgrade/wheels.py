"""Wheels (PEP 427), as far as an edge needs them: what one is, whether it fits here, and putting it in place.

Nothing is built, compiled or looked up: a release brings every file that changed.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import platform
import re
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from millwright.kernel import Invalid

_NAME: Final = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.!+]+)(-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl"
)
_MOST_BYTES: Final = 4_000_000_000


@dataclass(frozen=True, slots=True)
class WheelName:
    """What the name of a wheel says."""

    name: str
    version: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    @property
    def key(self) -> str:
        """The project's name as it is compared (PEP 503)."""
        return project_key(self.name)

    def fits(self) -> bool:
        """Whether this Python on this machine can run it."""
        major, minor = sys.version_info[:2]
        own = f"cp{major}{minor}"
        stable = "abi3" in self.abis and any(_minor(each) <= minor for each in self.pythons if each.startswith("cp3"))
        python = stable or any(each in (own, f"py{major}", f"py{major}{minor}") for each in self.pythons)
        machine, libc = platform.machine(), "musllinux" if platform.libc_ver()[0] != "glibc" else "manylinux"
        return python and any(
            each == "any" or (each.endswith(f"_{machine}") and each.startswith((libc, "linux")))
            for each in self.platforms
        )


def _minor(tag: str) -> int:
    return int(tag[3:]) if tag[3:].isdecimal() else 99


def project_key(name: str) -> str:
    """A project's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wheel_name(file: str) -> WheelName:
    """Read a wheel's name. Raises ``Invalid`` (``devices.release_wheel``)."""
    found = _NAME.fullmatch(file)
    if found is None:
        raise no_wheel(file, "it has not the name of one")
    return WheelName(
        found["name"],
        found["version"],
        tuple(found["python"].split(".")),
        tuple(found["abi"].split(".")),
        tuple(found["platform"].split(".")),
    )


def no_wheel(file: str, why: str) -> Invalid:
    """``file`` cannot be part of a release."""
    return Invalid(
        f"{file[:200]} is no wheel that can be installed: {why}.",
        code="devices.release_wheel",
        hint="Take wheels as `make wheel` and `pip download` write them, for the Python and the machine of the edges.",
    )


def check_wheel(path: Path, name: str) -> WheelName:
    """Look through a wheel: each file is whole and is the one that its list names. Raises ``Invalid``."""
    said = wheel_name(name)
    try:
        with zipfile.ZipFile(path) as archive:
            listed = _record(archive, name)
            for info in archive.infolist():
                if info.is_dir():
                    continue
                _inside(info.filename, name)
                wanted = listed.get(info.filename)
                if wanted is None or (wanted and wanted != _digest(archive, info)):
                    raise no_wheel(name, f"{info.filename} is not what its list says")
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise no_wheel(name, "it is too large")
    except (OSError, zipfile.BadZipFile, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise no_wheel(name, str(error) or type(error).__name__) from error
    return said


def _record(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    places = [each for each in archive.namelist() if each.count("/") == 1 and each.endswith(".dist-info/RECORD")]
    if len(places) != 1:
        raise no_wheel(name, "it has no list of its files")
    rows = csv.reader(io.StringIO(archive.read(places[0]).decode()))
    return {row[0]: row[1] for row in rows if row}


def _digest(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    with archive.open(info) as file:
        made = hashlib.sha256()
        while part := file.read(1 << 20):
            made.update(part)
    return "sha256=" + base64.urlsafe_b64encode(made.digest()).decode().rstrip("=")


def _inside(path: str, name: str) -> PurePosixPath:
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts or "\\" in path:
        raise no_wheel(name, f"{path!r} leads out of it")
    return found


def install(wheel: Path, prefix: Path) -> None:
    """Put a wheel that was checked into the environment at ``prefix``, in place of the project's other version."""
    site = site_of(prefix)
    remove(wheel_name(wheel.name).key, prefix)
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            parts = _inside(info.filename, wheel.name).parts
            target = site.joinpath(*parts)
            if parts[0].endswith(".data"):
                where = {"purelib": site, "platlib": site, "scripts": prefix / "bin", "data": prefix}.get(parts[1])
                if where is None:
                    continue
                target = where.joinpath(*parts[2:])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)  # it may be one file with that of the environment it was made from
            with archive.open(info) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
            if info.external_attr >> 16 & 0o111 or target.parent == prefix / "bin":
                target.chmod(0o755)


def remove(key: str, prefix: Path) -> None:
    """Take a project out of an environment, by its own list of files."""
    site = site_of(prefix)
    for folder in site.glob("*.dist-info"):
        if project_key(folder.name.removesuffix(".dist-info").rpartition("-")[0]) != key:
            continue
        record = folder / "RECORD"
        rows = csv.reader(io.StringIO(record.read_text("utf-8"))) if record.exists() else iter(())
        for path in [(site / row[0]).absolute() for row in rows if row]:
            inside = Path(*_resolved(path))
            if inside.is_relative_to(prefix):
                inside.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _resolved(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return parts


def site_of(prefix: Path) -> Path:
    """Where an environment of this Python keeps its packages."""
    return prefix / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
