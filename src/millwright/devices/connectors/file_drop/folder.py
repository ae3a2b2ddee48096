"""The folder: which files are whole, their rows, how far they were taken, and where they go afterwards."""

from __future__ import annotations

import csv
import fcntl
import fnmatch
import itertools
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from millwright.devices.connectors.file_drop.settings import FileDropSettings
from millwright.devices.connectors.json_path import moment_ms
from millwright.kernel import Denied, Invalid, Unavailable

DONE, FAILED = "done", "failed"
_UNFINISHED: Final = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
_MOST_CELL: Final = 131_072


class Unreadable(Exception):
    """A file that is no table: what is wrong with it, and in which line."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was seen."""

    path: Path
    size: int
    time_ns: int


class Folder:
    """One folder; everything blocks, so call it in a thread."""

    def __init__(self, settings: FileDropSettings) -> None:
        self.settings = settings
        self.path = Path(settings.folder)
        self._seen: dict[Path, tuple[Found, float]] = {}
        self._lock: IO[str] | None = None
        try:
            self._zone = ZoneInfo(settings.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise _wrong(f"there is no time zone {settings.time_zone!r}") from error

    def check(self) -> None:
        """Raises ``Unavailable`` when it is not there, ``Denied`` when we may not read and write it."""
        if not self.path.is_absolute():
            raise _wrong("the folder must be named from the root, as /data/drop")
        try:
            next(self.path.iterdir(), None)
        except OSError as error:
            raise away(self.path, error) from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise away(self.path, PermissionError(13, "files cannot be moved"))

    def claim(self) -> None:
        """Be the one that reads it; raises ``Unavailable`` where another does."""
        for name in (DONE, FAILED):
            (self.path / name).mkdir(exist_ok=True)
        lock = (self.path / ".millwright-lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise Unavailable(
                f"Another connection reads {self.path}.",
                code="connectors.folder_taken",
                hint="Give each connection a folder of its own.",
            ) from error
        self._lock = lock

    def release(self) -> None:
        """Let others read it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def files(self) -> list[Found]:
        """What matches and is being written no longer by its name, oldest first."""
        found = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED):
                    continue
                if not fnmatch.fnmatchcase(entry.name, self.settings.pattern):
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append(Found(Path(entry.path), status.st_size, status.st_mtime_ns))
        return sorted(found, key=lambda each: (each.time_ns, each.path.name))

    def whole(self) -> list[Found]:
        """Those that have stood still for long enough, by our own clock."""
        now, files = time.monotonic(), self.files()
        seen = {}
        for each in files:
            before, since = self._seen.get(each.path, (None, now))
            seen[each.path] = (each, since if before == each else now)
        self._seen = seen
        return [each for each in files if now - seen[each.path][1] >= self.settings.settle_s]

    def newest(self, waiting_too: bool) -> Found | None:
        """The newest file that is done, or that waits and has stood still by its own time."""
        still_ns = time.time_ns() - int(self.settings.settle_s * 1e9)
        waiting = [each for each in self.files() if waiting_too and each.time_ns <= still_ns]
        done = [
            Found(path, path.stat().st_size, path.stat().st_mtime_ns)
            for path in (self.path / DONE).glob("*")
            if path.is_file() and not path.is_symlink()
        ]
        return max([*waiting, *done], key=lambda each: each.time_ns, default=None)

    def rows(self, found: Found, skip: int = 0) -> Iterator[dict[str, Any]]:
        """The rows as cells by column, from row ``skip`` on; raises ``Unreadable``."""
        line = row = 0
        encoding = "utf-8-sig" if self.settings.encoding == "utf-8" else self.settings.encoding
        try:
            with found.path.open(encoding=encoding, newline="") as text:
                csv.field_size_limit(_MOST_CELL)
                reader = csv.reader(text, delimiter=self.settings.delimiter, strict=True)
                columns = [name.strip() for name in next(reader, [])]
                if not any(columns):
                    raise Unreadable("it has no header")
                if len(set(columns)) != len(columns):
                    raise Unreadable("two columns have the same name")
                for line, cells in enumerate(reader, 2):
                    if not cells:
                        continue
                    if len(cells) != len(columns):
                        raise Unreadable(f"row {line} has {len(cells)} cells, the header has {len(columns)}")
                    row += 1
                    if row > skip:
                        yield self._row(columns, cells)
        except UnicodeError as error:
            raise Unreadable(f"after row {line}: it is not {self.settings.encoding}") from error
        except csv.Error as error:
            raise Unreadable(f"after row {line}: {error}") from error

    def _row(self, columns: list[str], cells: list[str]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name, cell in zip(columns, cells, strict=True):
            text = cell.strip()
            if name == self.settings.time_column:
                row[name] = self._time(text)
            elif text:
                row[name] = self._value(text)
        return row

    def _value(self, text: str) -> Any:
        number = text.replace(".", "").replace(",", ".") if self.settings.decimal == "," else text
        if number[:1] in "+-.0123456789" and "_" not in number:
            for read in (int, float):
                try:
                    return read(number)
                except ValueError:
                    continue
        return {"true": True, "false": False}.get(text.lower(), text)

    def _time(self, text: str) -> Any:
        """Aware times; what is none is left as it is, and told of by whoever takes the row."""
        try:
            if self.settings.time_format:
                when = datetime.strptime(text, self.settings.time_format)
            elif text.replace(".", "", 1).isdigit():
                return moment_ms(text)
            else:
                when = datetime.fromisoformat(text)
        except ValueError:
            return text or None
        return when if when.tzinfo else when.replace(tzinfo=self._zone)

    def taken(self, found: Found) -> int:
        """How many rows were taken of this very file."""
        try:
            kept = json.loads(self._progress(found).read_text(encoding="utf-8"))
            return int(kept["rows"]) if (kept["size"], kept["time_ns"]) == (found.size, found.time_ns) else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def take(self, found: Found, rows: int) -> None:
        """Keep how many were."""
        path = self._progress(found)
        written = path.with_suffix(".new")
        written.write_text(json.dumps({"rows": rows, "size": found.size, "time_ns": found.time_ns}), encoding="utf-8")
        written.replace(path)

    def _progress(self, found: Found) -> Path:
        return found.path.with_name(f".{found.path.name}.progress")

    def put_away(self, found: Found, why: str = "") -> None:
        """Move it to ``done``, or with a reason to ``failed``; nothing there is overwritten.

        Where another file came under its name meanwhile, that one stays, to be read.
        """
        target = self.path / (FAILED if why else DONE) / found.path.name
        for number in itertools.count(1):
            if not target.exists():
                break
            target = target.with_name(f"{found.path.stem}.{number}{found.path.suffix}")
        found.path.rename(target)
        status = target.stat()
        if (status.st_size, status.st_mtime_ns) != (found.size, found.time_ns):
            target.rename(found.path)
            return
        if why:
            target.with_name(target.name + ".reason.txt").write_text(why + "\n", encoding="utf-8")
        self._progress(found).unlink(missing_ok=True)


def away(path: Path, error: OSError) -> Unavailable | Denied:
    """What is raised when the folder cannot be used."""
    if isinstance(error, PermissionError):
        return Denied(
            f"{path} cannot be used: {error.strerror}.",
            code="connectors.refused",
            hint="Let the user that the node runs as read and write the folder.",
        )
    return Unavailable(
        f"{path} cannot be used: {error.strerror or error}.",
        code="connectors.unreachable",
        hint="Check that the folder is there and mounted.",
    )


def _wrong(why: str) -> Invalid:
    return Invalid(
        f"These settings cannot be used: {why}.",
        code="connectors.settings_invalid",
        hint="Name a folder as /data/drop, and a time zone as Asia/Shanghai.",
    )
