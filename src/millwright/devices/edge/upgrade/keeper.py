"""The process that ``millwright edge up`` is: runs the edge's node from one environment or the other.

It is a script of the standard library alone, run without ``site``: it takes little memory, and no version of anything
else can break it. What it decides is in ``upgrade/state.json``, written before it is done:

- ``active``: the environment to run, ``base`` (where this file is) or a slot (``a``, ``b``);
- ``trial``: a release that is being tried, and in which step; found at the start, it was cut short: back it goes;
- ``last``: how the last trial ended.

The node asks for a switch by ``upgrade/staged.json`` and says that it is well by ``upgrade/health.json``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FOLDER, STATE, STAGED, HEALTH = "upgrade", "state.json", "staged.json", "health.json"
RECORDS = "records.db"
BEFORE, TRIAL = "records-before.db", "records-trial.db"
"""Records as the version before left them; and as the one that was tried did, for what they alone know."""
SLOTS = ("a", "b")

_LOOK_S = 0.2
_STOP_S = 60.0
_SILENT_S, _LOST_S = 15.0, 120.0
"""The node says every few seconds that its parent answers it; a trial does not end well while it is silent for longer
than the first, and fails after the second."""
_NEEDED = ("historian", "listener", "edge", "web")


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """Put a file in place whole, so that it outlives a power cut at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _settle(path.parent)


def read_whole(path: Path) -> dict[str, Any]:
    """What :func:`write_whole` put there; empty when there is nothing that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def python_of(folder: Path, slot: str) -> Path:
    """The interpreter of a slot."""
    return folder / FOLDER / slot / "bin" / "python"


class Keeper:
    """Runs ``python -m millwright … edge node`` of the right environment until it is told to stop."""

    def __init__(self, data: Path, python: str, arguments: list[str]) -> None:
        self._data, self._python, self._arguments = data, python, arguments
        self._folder = data / FOLDER
        self._child: subprocess.Popen[bytes] | None = None
        self._told = False
        self.state = {"active": "base", "trial": None, "last": None} | read_whole(self._folder / STATE)

    def run(self) -> int:
        """Returns the node's exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        if self.state["trial"]:
            self._back(self.state["trial"].get("why") or "The machine or the node was stopped during the trial.")
        while not self._told:
            if self._child is None:
                self._start(self.state["active"])
            code = self._watch()
            if code is not None:
                return code
            if not self._told:
                self._try(read_whole(self._folder / STAGED))
        self._end()
        return 0

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._told = True

    # --- the node ------------------------------------------------------------------------------------------------

    def _start(self, name: str) -> str:
        """Start the node; why it cannot be started for a trial, or nothing. Without one the base runs in its place."""
        python = self._python if name == "base" else str(python_of(self._data, name))
        command = [python, "-X", "faulthandler", "-m", "millwright", *self._arguments, "edge", "node"]
        try:
            self._child = subprocess.Popen(command, preexec_fn=_die_with_parent, start_new_session=True)  # noqa: S603 - ours
        except OSError as error:
            if name == "base":
                raise
            why = f"The environment {name} does not start: {error}"
            if self.state["trial"]:
                return why  # what ran before runs again: the base may be too old for the records
            self._save(active="base", last=self._outcome("fell_back", why))
            return self._start("base")
        return ""

    def _watch(self) -> int | None:
        """Until the node ends (its code), a switch is asked for, or we are told to stop (``None``)."""
        assert self._child is not None
        while not self._told:
            code = self._child.poll()
            if code is not None:
                return code if code >= 0 else 128 - code
            if (self._folder / STAGED).exists():
                return None
            time.sleep(_LOOK_S)
        return None

    def _end(self) -> None:
        """Ask the node to stop; what does not is killed with all that it started."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _processes(self) -> dict[str, int]:
        """The node's processes that have to stay: name → process id."""
        assert self._child is not None
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) != self._child.pid:
                    continue
                line = (entry / "cmdline").read_bytes().split(b"\0")
            except (OSError, IndexError, ValueError):
                continue
            words = [word.decode(errors="replace") for word in line]
            if words[0].endswith("nats-server"):
                found["nats-server"] = int(entry.name)
            elif "run" in words and words[words.index("run") + 1] in _NEEDED:
                found[words[words.index("run") + 1]] = int(entry.name)
        return found

    # --- trials --------------------------------------------------------------------------------------------------

    def _try(self, staged: dict[str, Any]) -> None:
        """Switch for a trial. Afterwards what was tried runs on, or nothing does."""
        python = python_of(self._data, str(staged.get("slot")))
        if staged.get("slot") not in SLOTS or staged["slot"] == self.state["active"] or not python.exists():
            (self._folder / STAGED).unlink(missing_ok=True)
            return
        self._save(trial=staged | {"step": "stopping"})
        (self._folder / STAGED).unlink(missing_ok=True)
        self._end()
        self._keep_records()
        (self._folder / HEALTH).unlink(missing_ok=True)
        self._save(trial=staged | {"step": "trying"})
        why = self._start(staged["slot"]) or self._wrong_in_trial(staged)
        if self._told:
            return  # found at the next start
        if why:
            self._save(trial=staged | {"step": "restoring", "why": why})
            self._end()
            self._back(why)
        else:
            self._save(active=staged["slot"], trial=None, last=self._outcome("done", "", staged))

    def _wrong_in_trial(self, staged: dict[str, Any]) -> str:
        """Wait until the trial is over; why it failed, or nothing."""
        assert self._child is not None
        began, well_since = time.monotonic(), 0.0
        there: dict[str, int] = {}
        while not self._told:
            time.sleep(_LOOK_S)
            now = time.monotonic()
            if (code := self._child.poll()) is not None:
                return f"The node ended with code {code} after {now - began:.0f} s."
            ready = read_whole(self._data / "node.json").get("pid") == self._child.pid
            health = read_whole(self._folder / HEALTH)
            well = ready and health.get("version") == staged["version"]
            if not well_since:
                if well:
                    well_since, there = now, self._processes()
                elif now - began > staged["trial_s"]:
                    state = "It was ready and did not reach its parent" if ready else "It was not ready"
                    return f"{state} within {staged['trial_s']:g} s."
                continue
            gone = [name for name, pid in there.items() if self._processes().get(name) != pid]
            if gone:
                return f"{', '.join(sorted(gone))} died {now - began:.0f} s after the start."
            silent_s = now - float(health.get("monotonic_s", 0.0))
            if silent_s > _LOST_S:
                return f"It has not reached its parent for {silent_s:.0f} s."
            if now - well_since >= staged["settle_s"] and silent_s < _SILENT_S:
                return ""
        return ""

    def _keep_records(self) -> None:
        """A copy of the records as the version before left them."""
        source, target = self._data / RECORDS, self._folder / BEFORE
        (self._folder / TRIAL).unlink(missing_ok=True)
        if source.exists():
            _copy(source, target)
        else:
            target.unlink(missing_ok=True)

    def _back(self, why: str) -> None:
        """Put the records back where the trial changed their schema. May be done again from the beginning."""
        trial = self.state["trial"]
        before, records = self._folder / BEFORE, self._data / RECORDS
        changed = trial.get("step") != "stopping" and before.exists() and _revisions(before) != _revisions(records)
        if changed and not trial.get("replacing"):
            import sqlite3

            with contextlib.suppress(OSError, sqlite3.Error):  # what cannot be read, or has no room, is not waited for
                _copy(records, self._folder / TRIAL)
        if changed or trial.get("replacing"):
            # From here on the records are not whole before all of this is done, whatever schema they seem to have.
            self._save(trial=trial | {"step": "restoring", "why": why, "replacing": True})
            partial = records.with_suffix(".restored")
            shutil.copyfile(before, partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            for end in ("-wal", "-shm"):
                Path(f"{records}{end}").unlink(missing_ok=True)
            partial.replace(records)
            _settle(self._data)
        self._save(trial=None, last=self._outcome("rolled_back", why, trial))

    def _outcome(self, outcome: str, why: str, trial: dict[str, Any] | None = None) -> dict[str, Any]:
        about = {key: (trial or {}).get(key, "") for key in ("order", "version")}
        return about | {"outcome": outcome, "why": why, "at_ms": time.time_ns() // 1_000_000}

    def _save(self, **changes: Any) -> None:
        self.state = self.state | changes
        write_whole(self._folder / STATE, self.state)


def _revisions(path: Path) -> object:
    """Which schema a database has; ``None`` when it cannot be read, which no whole one equals."""
    import sqlite3

    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return sorted(database.execute("SELECT version_num FROM alembic_version"))
    except sqlite3.Error:
        return None


def _copy(source: Path, target: Path) -> None:
    """A database with what is in its log, put in place whole."""
    import sqlite3

    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(partial)) as new:
        old.backup(new)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(target)
    _settle(target.parent)


def _settle(folder: Path) -> None:
    """Let the names in a folder outlive a power cut."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def main(arguments: list[str]) -> int:
    """``keeper.py DATA PYTHON [options of millwright …]``."""
    return Keeper(Path(arguments[0]), arguments[1], arguments[2:]).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
