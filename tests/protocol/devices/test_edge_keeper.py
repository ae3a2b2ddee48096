"""The keeper of an edge with stand-ins for its node: never ready, silent, a power cut in each step of a switch."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from millwright.devices.edge.upgrade import keeper
from millwright.devices.edge.upgrade.keeper import read_whole, write_whole

pytestmark = pytest.mark.alone

READY = """
import json, os, pathlib, signal, sys, time
data, version = pathlib.Path(DATA), "VERSION"
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
(data / "runs").write_text(version)
while True:
    if READY: (data / "node.json").write_text(json.dumps({"pid": os.getpid()}))
    health = data / "upgrade" / "health.part"
    if SAYS:
        health.write_text(json.dumps({"version": version, "monotonic_s": time.monotonic()}))
        health.replace(data / "upgrade" / "health.json")
    time.sleep(0.05)
"""


class Kept:
    """A data folder with a base and a slot, each a program that behaves as it is told."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.process: subprocess.Popen[bytes] | None = None
        (data / "upgrade").mkdir(parents=True)
        self.base = self.program(data / "base-python", "1")
        self.schema("1")

    def program(self, path: Path, version: str, *, ready: bool = True, says: bool = True) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = READY.replace("DATA", repr(str(self.data))).replace("VERSION", version)
        path.write_text(f"#!{sys.executable}\n{text.replace('READY', str(ready)).replace('SAYS', str(says))}")
        path.chmod(0o755)
        return path

    def schema(self, revision: str) -> None:
        with contextlib.closing(sqlite3.connect(self.data / "records.db")) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
            database.execute("DELETE FROM alembic_version")
            database.execute("INSERT INTO alembic_version VALUES (?)", (revision,))

    def revision(self) -> str:
        with contextlib.closing(sqlite3.connect(self.data / "records.db")) as database:
            return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])

    def order(self, slot: str = "a", trial_s: float = 20, settle_s: float = 0.5) -> dict[str, Any]:
        staged = {"order": "o1", "version": "2", "slot": slot, "trial_s": trial_s, "settle_s": settle_s}
        write_whole(self.data / "upgrade" / "staged.json", staged)
        return staged

    def start(self) -> None:
        command = [sys.executable, "-I", "-S", keeper.__file__, str(self.data), str(self.base)]
        self.process = subprocess.Popen(command)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(20)
        self.process = None
        return code

    @property
    def state(self) -> dict[str, Any]:
        return read_whole(self.data / "upgrade" / "state.json")

    def runs(self) -> str:
        path = self.data / "runs"
        return path.read_text() if path.exists() else ""

    def until(self, what: str, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {self.state}, {self.runs()}"
            time.sleep(0.02)

    def outcome(self) -> str:
        return str((self.state.get("last") or {}).get("outcome"))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    if made.process is not None:
        made.kill(signal.SIGTERM)


def test_a_version_that_is_well_is_kept_and_runs_after_a_restart(kept: Kept) -> None:
    kept.program(keeper.python_of(kept.data, "a"), "2")
    kept.start()
    kept.until("the base runs", lambda: kept.runs() == "1")
    kept.order()
    kept.until("it is kept", lambda: kept.outcome() == "done")
    assert (kept.state["active"], kept.state["trial"], kept.runs()) == ("a", None, "2")
    assert kept.kill(signal.SIGTERM) == 0
    (kept.data / "runs").unlink()
    kept.start()
    kept.until("it runs", lambda: kept.runs() == "2")


@pytest.mark.parametrize(("ready", "says", "why"), [(False, True, "not ready"), (True, False, "did not reach")])
def test_a_version_that_is_not_well_in_time_goes(kept: Kept, ready: bool, says: bool, why: str) -> None:
    kept.program(keeper.python_of(kept.data, "a"), "2", ready=ready, says=says)
    kept.start()
    kept.until("the base runs", lambda: kept.runs() == "1")
    kept.order(trial_s=1)
    kept.until("it is tried", lambda: kept.runs() == "2")
    kept.schema("2")  # it migrated the records
    kept.until("the base runs again", lambda: kept.outcome() == "rolled_back" and kept.runs() == "1")
    assert why in kept.state["last"]["why"]
    assert (kept.state["active"], kept.revision()) == ("base", "1")


def test_a_version_that_ends_at_once_goes_and_what_cannot_be_run_is_passed_over(kept: Kept) -> None:
    python = kept.program(keeper.python_of(kept.data, "a"), "2")
    python.write_text(f"#!{sys.executable}\nraise SystemExit(3)\n")
    kept.start()
    kept.until("the base runs", lambda: kept.runs() == "1")
    kept.order()
    kept.until("it went", lambda: kept.outcome() == "rolled_back")
    assert "code 3" in kept.state["last"]["why"]
    kept.order(slot="../../bin")
    kept.until("it is passed over", lambda: not (kept.data / "upgrade" / "staged.json").exists())
    assert kept.state["trial"] is None


@pytest.mark.parametrize("step", ["stopping", "trying", "restoring"])
@pytest.mark.parametrize("half_restored", [False, True])
def test_a_power_cut_in_any_step_leads_back(kept: Kept, step: str, half_restored: bool) -> None:
    """As the files are when the machine stops there; the records were migrated by then, or are half put back."""
    kept.program(keeper.python_of(kept.data, "a"), "2")
    staged = kept.order()
    (kept.data / "upgrade" / "staged.json").unlink()
    if step != "stopping":
        before = kept.data / "upgrade" / "records-before.db"
        before.write_bytes((kept.data / "records.db").read_bytes())
        kept.schema("2")
    if half_restored and step == "restoring":
        (kept.data / "records.restored").write_bytes(b"half")
    write_whole(kept.data / "upgrade" / "state.json", {"active": "base", "trial": staged | {"step": step}})
    (kept.data / "upgrade" / "state.partial").write_text('{"active": "a", "tri')
    kept.start()
    kept.until("the base runs", lambda: kept.runs() == "1")
    assert (kept.revision(), kept.outcome(), kept.state["trial"]) == ("1", "rolled_back", None)


@pytest.mark.parametrize("pause_s", [0.0, 0.1, 0.3, 0.6, 1.0])
def test_killed_at_any_moment_of_a_switch_one_of_the_two_runs(kept: Kept, pause_s: float) -> None:
    kept.program(keeper.python_of(kept.data, "a"), "2")
    kept.start()
    kept.until("the base runs", lambda: kept.runs() == "1")
    kept.order()
    time.sleep(pause_s)
    kept.kill()
    (kept.data / "runs").unlink()
    kept.start()
    kept.until("it came to an end", lambda: kept.outcome() in ("done", "rolled_back") and kept.state["trial"] is None)
    wanted = "2" if kept.state["active"] == "a" else "1"
    kept.until("what is active runs", lambda: kept.runs() == wanted)
    assert kept.revision() == "1"


def test_an_environment_that_is_gone_is_told_and_the_base_runs(kept: Kept) -> None:
    write_whole(kept.data / "upgrade" / "state.json", {"active": "a", "trial": None, "last": None})
    kept.start()
    kept.until("the base runs", lambda: kept.runs() == "1")
    assert kept.outcome() == "fell_back"
    kept.kill(signal.SIGTERM)


def test_what_cannot_be_started_for_a_trial_leaves_what_ran_before(kept: Kept) -> None:
    """Not the base, which may be too old for the records."""
    kept.program(keeper.python_of(kept.data, "b"), "2")
    kept.program(keeper.python_of(kept.data, "a"), "3").write_text("#!/nowhere/python\n")
    write_whole(kept.data / "upgrade" / "state.json", {"active": "b", "trial": None, "last": None})
    kept.start()
    kept.until("the slot runs", lambda: kept.runs() == "2")
    (kept.data / "runs").unlink()
    kept.order("a")
    kept.until("it went", lambda: kept.outcome() == "rolled_back" and kept.runs() == "2")
    assert "does not start" in kept.state["last"]["why"]
    assert (kept.state["active"], kept.state["trial"]) == ("b", None)


def test_a_power_cut_while_records_are_put_back_leaves_none_without_their_log(kept: Kept) -> None:
    """The log is gone and with it the schema that told of the trial; what is left looks like the records of before."""
    staged = kept.order()
    (kept.data / "upgrade" / "staged.json").unlink()
    before = kept.data / "upgrade" / "records-before.db"
    before.write_bytes((kept.data / "records.db").read_bytes())
    with contextlib.closing(sqlite3.connect(kept.data / "records.db")) as database, database:
        database.execute("CREATE TABLE of_the_trial (id INTEGER)")
    trial = staged | {"step": "restoring", "why": "It was not ready.", "replacing": True}
    write_whole(kept.data / "upgrade" / "state.json", {"active": "base", "trial": trial})
    kept.start()
    kept.until("the base runs", lambda: kept.runs() == "1")
    assert (kept.outcome(), kept.state["last"]["why"]) == ("rolled_back", "It was not ready.")
    with contextlib.closing(sqlite3.connect(kept.data / "records.db")) as database:
        assert [name for (name,) in database.execute("SELECT name FROM sqlite_master")] == ["alembic_version"]


def test_records_are_marked_before_their_log_goes(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.order()
    (kept.data / "upgrade" / "records-before.db").write_bytes((kept.data / "records.db").read_bytes())
    kept.schema("2")
    trial = {"order": "o1", "version": "2", "step": "restoring", "why": "x"}
    write_whole(kept.data / "upgrade" / "state.json", {"active": "base", "trial": trial})

    def cut(*_: object) -> None:
        raise OSError("the power")

    monkeypatch.setattr(keeper.shutil, "copyfile", cut)
    with pytest.raises(OSError, match="the power"):
        keeper.Keeper(kept.data, str(kept.base), [])._back("x")
    assert kept.state["trial"] == trial | {"replacing": True}


def test_the_records_of_the_trial_are_kept_for_what_they_alone_know(kept: Kept) -> None:
    """Whole with their log, as a version that died left them; and not beyond the next trial."""
    slot = kept.program(keeper.python_of(kept.data, "a"), "2", says=False)
    kept.start()
    kept.until("the base runs", lambda: kept.runs() == "1")
    slot.write_text(
        slot.read_text().replace(
            "while True:",
            f"""import sqlite3
database = sqlite3.connect({str(kept.data / "records.db")!r}, isolation_level=None)
database.execute("PRAGMA journal_mode = wal")
database.execute("UPDATE alembic_version SET version_num = '2'")
while True:""",
        )
    )
    kept.order(trial_s=3)
    kept.until("the base runs again", lambda: kept.outcome() == "rolled_back" and kept.runs() == "1")
    trial = kept.data / "upgrade" / "records-trial.db"
    with contextlib.closing(sqlite3.connect(trial)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("2",)
    assert kept.revision() == "1"
    kept.program(keeper.python_of(kept.data, "a"), "2")
    kept.order()
    kept.until("it is kept", lambda: kept.outcome() == "done")
    assert not trial.exists()
