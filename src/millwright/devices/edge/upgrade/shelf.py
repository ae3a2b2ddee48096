"""The files of releases at the parent: one folder, each file under its SHA-256 once it is part of a release."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from millwright.devices.edge.upgrade.model import PIECE_BYTES, PRODUCT, ReleaseFile
from millwright.devices.edge.upgrade.wheels import check_wheel, no_wheel, wheel_name
from millwright.kernel import Conflict, Invalid, LimitExceeded, NotFound

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES: Final = 2_000_000_000
_LEFT_BYTES: Final = 1_000_000_000
"""What stays free on the disk."""


class Shelf:
    """Takes files in parts, checks them, gives them out in pieces."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, name: str, offset: int, data: bytes) -> int:
        """The next bytes of a file that is to be released; how many are here.

        Raises ``Invalid`` (``devices.release_wheel``), ``Conflict`` (``devices.release_offset``), ``LimitExceeded``.
        """
        wheel_name(name)
        path = self._sent / name
        here = path.stat().st_size if path.exists() else 0
        if offset > here:
            raise Conflict(
                f"{here} bytes of {name} are here, not {offset}.",
                code="devices.release_offset",
                hint="Send the file from there on, or from 0.",
                detail={"bytes": here},
            )
        self._sent.mkdir(parents=True, exist_ok=True)
        if offset + len(data) > _MOST_BYTES or shutil.disk_usage(self._folder).free - len(data) < _LEFT_BYTES:
            raise LimitExceeded(
                "There is no room for this file.",
                code="devices.release_too_large",
                hint="Free space on the node's disk; a wheel has at most 2 GB.",
            )
        with path.open("r+b" if offset else "wb") as file:
            file.truncate(offset)
            file.seek(offset)
            file.write(data)
        return offset + len(data)

    def put_together(self, names: Sequence[str]) -> tuple[str, list[ReleaseFile]]:
        """Check the files and keep them; the version and the files.

        Raises ``NotFound`` (``devices.release_file_unknown``), ``Invalid`` (``devices.release_wheel``,
        ``devices.release_not_ours``).
        """
        found, version = [], ""
        for name in sorted(set(names)):
            said = wheel_name(name)
            path = self._sent / name
            if not path.exists():
                raise NotFound(
                    f"The file {name} was not sent.", code="devices.release_file_unknown", hint="Send it first."
                )
            check_wheel(path, name)
            if said.key == PRODUCT:
                if version:
                    raise no_wheel(name, "a release is of one version")
                version = said.version
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            found.append(ReleaseFile(name=name, bytes=path.stat().st_size, sha256=digest))
        if not version:
            raise Invalid(
                "None of these files is millwright's wheel.",
                code="devices.release_not_ours",
                hint="`make wheel` writes it into dist/; add the wheels of packages that changed beside it.",
            )
        for each in found:
            (self._sent / each.name).replace(self._folder / each.sha256)
        return version, found

    def piece(self, sha256: str, offset: int) -> bytes:
        """Bytes of a file. Raises ``NotFound`` (``devices.release_file_unknown``)."""
        if not _DIGEST.fullmatch(sha256) or offset < 0:
            raise _no_file()
        try:
            with (self._folder / sha256).open("rb") as file:
                file.seek(offset)
                return file.read(PIECE_BYTES)
        except FileNotFoundError:
            raise _no_file() from None

    def drop(self, sha256: str) -> None:
        """Remove a file that no release has any more."""
        (self._folder / sha256).unlink(missing_ok=True)

    @property
    def _sent(self) -> Path:
        return self._folder / "sent"


def _no_file() -> NotFound:
    return NotFound(
        "This file is on the shelf no more.",
        code="devices.release_file_unknown",
        hint="Add the release again and make another roll-out.",
    )
