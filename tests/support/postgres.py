"""A throw-away PostgreSQL cluster from Debian's package, and records over SQLite and PostgreSQL.

Nothing of it outlives the tests, however they end: the kernel ends the server when this process dies, and a shell that
waits for that removes the folder.

A ``conftest.py`` imports the fixtures: ``from support.postgres import postgres, records``; a test module that uses
``records`` says which schemas it needs: ``MIGRATIONS = [devices.MIGRATIONS]``.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from millwright.engines.sql import Migrations, Records
from millwright.kernel.scope import EVERYTHING
from support.sqlite import migrated

_numbers = itertools.count()

_PR_SET_PDEATHSIG = 1
_GUARD = 'cat >/dev/null; n=0; while [ -e "$0" ] && [ $n -lt 100 ]; do rm -rf "$0"; n=$((n+1)); sleep 0.1; done'
"""Returns from ``cat`` when the writing end of its standard input is closed: when the tests are over or were killed."""


def _die_with_the_tests() -> None:
    """In the child, before it becomes PostgreSQL: SIGQUIT, an immediate shutdown, when the parent dies (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def find_binaries() -> Path | None:
    """The folder of ``initdb`` and ``postgres``, newest version first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class Postgres:
    """One cluster on a Unix socket in a temporary folder; durability is off, for it lives as long as the tests."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="millwright-pg-", dir="/tmp"))
        # In a session of its own, so that what ends the tests' process group leaves it to do its work.
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, str(self._folder)], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._templates: dict[tuple[Path, ...], str] = {}
        self._user: str | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            names = {entry.pw_name for entry in pwd.getpwall()}
            self._user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self._folder, self._user)

    def start(self) -> None:
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.resume()

    def resume(self) -> None:
        """Start it, or start it again after :meth:`halt`."""
        data = self._folder / "data"
        command = [str(self._binaries / "postgres"), "-D", str(data), "-k", str(self._folder), "-h", ""]
        for setting in ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60"):
            command += ["-c", setting]
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            command, stdout=log, stderr=log, user=self._user, cwd=self._folder, preexec_fn=_die_with_the_tests
        )
        log.close()
        for _ in range(200):
            ready = [str(self._binaries / "pg_isready"), "-h", str(self._folder), "-q"]
            if subprocess.run(ready, timeout=5).returncode == 0:
                return
            if self._process.poll() is not None:
                break
            self._process_wait(0.05)
        raise RuntimeError((self._folder / "log").read_text(errors="replace"))

    def halt(self) -> None:
        """End it at once, with the connections of whoever uses it; its data stay."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # "fast shutdown": SIGTERM would wait for the clients
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None

    def stop(self) -> None:
        self.halt()
        self._guard.communicate(timeout=30)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def create(self, migrations: list[Path]) -> str:
        """The URL of a new database with these schemas, copied from a template made once."""
        key = tuple(migrations)
        if key not in self._templates:
            template = f"template_{next(_numbers)}"
            self._execute(f"CREATE DATABASE {template}")
            records = Records(self.url(template), EVERYTHING)
            Migrations(records, migrations).upgrade()
            records.close()
            self._templates[key] = template
        database = f"test_{next(_numbers)}"
        self._execute(f"CREATE DATABASE {database} TEMPLATE {self._templates[key]}")
        return self.url(database)

    def new_database(self) -> str:
        """The name of a new, empty database."""
        database = f"test_{next(_numbers)}"
        self._execute(f"CREATE DATABASE {database}")
        return database

    def drop(self, url: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {sa.make_url(url).database} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            user=self._user,
            cwd=self._folder,
            capture_output=True,
            timeout=60,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))

    def _process_wait(self, seconds: float) -> None:
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The cluster; skips when PostgreSQL or its driver is not on this machine."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (apt install postgresql)")
    cluster = Postgres(binaries)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    """Records with the schemas that the module's ``MIGRATIONS`` names, in a database of the test's own."""
    migrations: list[Path] = request.module.MIGRATIONS
    if request.param == "sqlite":
        opened = migrated(tmp_path, migrations, EVERYTHING)
        yield opened
        opened.close()
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    url = cluster.create(migrations)
    opened = Records(url, EVERYTHING)
    try:
        yield opened
    finally:
        opened.close()
        cluster.drop(url)
