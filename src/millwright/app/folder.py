"""The data folder: what a node keeps, and where. Held by one supervisor at a time."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from millwright.kernel import Conflict, Denied


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths below the data folder; nothing else in the code spells them."""

    root: Path

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.root / "logs"

    @property
    def nats(self) -> Path:
        """Configuration and streams of the embedded nats-server."""
        return self.root / "nats"

    @property
    def history(self) -> Path:
        """The historian's chDB files."""
        return self.root / "history"

    @property
    def listener(self) -> Path:
        """Where the processes of a listener find each other."""
        return self.root / "listener"

    @property
    def outbox(self) -> Path:
        """Values of connections that wait for the broker."""
        return self.root / "outbox"

    @property
    def tls(self) -> Path:
        """The node's own certificate and key, and the authorities that others trust to know it."""
        return self.root / "tls"

    @property
    def ledger(self) -> Path:
        """The tamper-evident record: its journal, and the files that anybody may be given."""
        return self.root / "ledger"

    @property
    def ledger_key(self) -> Path:
        """The keys that sign the ledger's tree heads, readable by the owner of the folder alone."""
        return self.root / "ledger.key"

    @property
    def identifiers(self) -> Path:
        """The index of identifiers; it can be built anew from their log."""
        return self.root / "identifiers"

    @property
    def mirror_usage(self) -> Path:
        """What a mirror of identifiers answered, and its primary does not know yet."""
        return self.root / "mirror-usage.json"

    @property
    def identifier_snapshots(self) -> Path:
        """Snapshots of the index of identifiers that were read back, and what proves it."""
        return self.root / "identifier-snapshots"

    @property
    def identifier_drills(self) -> Path:
        """Reports of drills with the register of identifiers, and the folders of one that is under way."""
        return self.root / "identifier-drills"

    @property
    def identifiers_key(self) -> Path:
        """The key that signs the log of identifiers, readable by the owner of the folder alone."""
        return self.root / "identifiers.key"

    @property
    def identifier_imports(self) -> Path:
        """Files of identifiers that are to be registered, and the reports of their refused rows."""
        return self.root / "identifier-imports"

    @property
    def reading_imports(self) -> Path:
        """Files of readings that are to be brought into history, and the reports of their refused rows."""
        return self.root / "reading-imports"

    @property
    def reading_exports(self) -> Path:
        """Files of history that were exported, each with its manifest."""
        return self.root / "reading-exports"

    @property
    def identifier_search(self) -> Path:
        """The search index of identifiers; it can be built anew from the register."""
        return self.root / "identifier-search" / "index.sqlite"

    @property
    def releases(self) -> Path:
        """Wheels of the versions that edges may be told to run."""
        return self.root / "releases"

    def wanted(self, role: str) -> Path:
        """The marker that says that a role is needed; see ``WHEN_NEEDED``."""
        return self.root / f"{role}.wanted"

    @property
    def backups(self) -> Path:
        """Copies of the records made before a migration."""
        return self.root / "backups"

    @property
    def lock(self) -> Path:
        """Locked while a supervisor runs on this folder; holds its process id."""
        return self.root / "millwright.pid"

    @property
    def addresses(self) -> Path:
        """What the running node serves where, for the command line on this machine."""
        return self.root / "node.json"

    @property
    def token(self) -> Path:
        """The command line's own access token, readable by the owner of the folder alone."""
        return self.root / "cli.token"

    def make(self) -> None:
        """Make the folder, closed to other users. Raises ``Denied`` (``app.folder_denied``)."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for path in (self.logs, self.nats):
                path.mkdir(exist_ok=True)
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(f"{self.root} is not writable")
        except OSError as error:
            raise Denied(
                f"The data folder {self.root} cannot be used: {error}",
                code="app.folder_denied",
                hint="Give this user the right to write there, or set [node] data to another folder.",
            ) from error

    def write_addresses(self, addresses: dict[str, Any]) -> None:
        """Say where the running node is reached."""
        partial = self.addresses.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(addresses))
        partial.replace(self.addresses)

    def read_addresses(self) -> dict[str, Any] | None:
        """Where the node on this folder is reached, or ``None`` when none was started."""
        try:
            found: dict[str, Any] = msgspec.json.decode(self.addresses.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.DecodeError):
            return None
        return found


class FolderLock:
    """The right to run a node on a data folder; the kernel takes it back when the process dies, however it dies."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock and note this process's id. Raises ``Conflict`` (``app.already_running``)."""
        file = os.open(self._folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(file, 32).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise Conflict(
                f"A node already runs on {self._folder.root} (process {holder}).",
                code="app.already_running",
                hint="Stop it first, or choose another folder with --data.",
                detail={"pid": int(holder) if holder.isdigit() else None},
            ) from error
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def hand_on(self) -> None:
        """Leave it to the program that this process becomes next."""
        if self._file is not None:
            os.set_inheritable(self._file, True)

    def release(self) -> None:
        """Give it back; the file stays, empty, because removing a lock file races with the next start."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None


def lock_holder(folder: DataFolder) -> int | None:
    """The process that runs a node on ``folder``, or ``None``."""
    try:
        file = os.open(folder.lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            text = os.read(file, 32).decode(errors="replace").strip()
            return int(text) if text.isdigit() else 0
        return None
    finally:
        os.close(file)
