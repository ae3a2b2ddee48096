"""Secrets at rest: what is sealed opens with its key, at its place, and after any rotation."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from millwright.engines import secrets as engine
from millwright.engines.secrets import (
    Rotation,
    RotationKeeper,
    Secrets,
    SecretsSettings,
    open_secrets,
    purpose_of,
    sealed,
)
from millwright.engines.secrets.keys import data_keys
from millwright.engines.secrets.wrapping import KeyFile
from millwright.engines.sql import Records
from millwright.kernel import Corrupt, Invalid, ManualClock, Unavailable
from support.mqtt import until

MIGRATIONS = [engine.MIGRATIONS]

tables = sa.MetaData()
drawers = sa.Table(
    "test_drawers",
    tables,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("content", sa.Text, info=sealed("test.drawer")),
)

HOOK = """
import base64, sys
data = base64.b64decode(sys.stdin.read())
print(base64.b64encode(bytes(b ^ 0x5A for b in data)).decode())
"""


@pytest.fixture(params=["file", "environment", "command"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> SecretsSettings:
    hook = tmp_path / "hook.py"
    hook.write_text(HOOK)
    return {
        "file": SecretsSettings(),
        "environment": SecretsSettings(source="environment", secret_key=base64.b64encode(os.urandom(32)).decode()),
        "command": SecretsSettings(source="command", command=[sys.executable, str(hook)]),
    }[request.param]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def opened(settings: SecretsSettings, records: Records, folder: Path, clock: ManualClock) -> Secrets:
    secrets = open_secrets(settings, records, folder, clock)
    secrets.prepare()
    return secrets


def fill(records: Records, secrets: Secrets, count: int) -> None:
    drawers.create(records.engine, checkfirst=True)
    rows = [
        {"id": f"d{n:03}", "content": secrets.seal(purpose_of("test.drawer", f"d{n:03}"), b"silver %d" % n)}
        for n in range(count)
    ]
    with records.begin() as connection:
        connection.execute(sa.insert(drawers), rows)


def contents(records: Records) -> dict[str, str]:
    with records.read() as connection:
        return {row.id: row.content for row in connection.execute(sa.select(drawers))}


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "sm4-gcm"])
def test_what_is_sealed_opens_only_at_its_place(
    settings: SecretsSettings, cipher: str, records: Records, tmp_path: Path, clock: ManualClock
) -> None:
    chosen = SecretsSettings(**{f: getattr(settings, f) for f in settings.__struct_fields__} | {"cipher": cipher})
    secrets = opened(chosen, records, tmp_path, clock)
    text = secrets.seal("a:1", b"silver")
    assert "silver" not in text
    assert base64.b64encode(b"silver").decode().rstrip("=") not in text
    assert text != secrets.seal("a:1", b"silver")
    another = open_secrets(chosen, records, tmp_path, clock)
    assert another.open("a:1", text) == b"silver"
    for purpose, value in (
        ("a:2", text),
        ("a:1", text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB")),
        ("a:1", text.removeprefix("sealed1.")),
        ("a:1", "sealed1.key_unknown." + text.rsplit(".", 1)[1]),
        ("a:1", ""),
        ("a:1", text + "é"),
    ):
        with pytest.raises(Corrupt) as caught:
            another.open(purpose, value)
        assert "silver" not in str(caught.value)


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "sm4-gcm"])
def test_a_digest_recognises_the_same_for_one_purpose_and_takes_the_key(
    settings: SecretsSettings, cipher: str, records: Records, tmp_path: Path, clock: ManualClock
) -> None:
    chosen = SecretsSettings(**{f: getattr(settings, f) for f in settings.__struct_fields__} | {"cipher": cipher})
    secrets = opened(chosen, records, tmp_path, clock)
    found = secrets.digest("a", b"1234")
    assert found == opened(chosen, records, tmp_path, clock).digest("a", b"1234")
    secrets.add_key()
    others = [secrets.digest("a", b"1234"), secrets.digest("b", b"1234"), secrets.digest("a", b"1235")]
    assert len({found, *others, hashlib.sha256(b"1234").hexdigest()}) == 5


def test_key_file_is_private_and_made_once(records: Records, tmp_path: Path, clock: ManualClock) -> None:
    secrets = opened(SecretsSettings(), records, tmp_path, clock)
    file = tmp_path / "secrets.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text, kept = secrets.seal("a:1", b"silver"), file.read_bytes()
    secrets.prepare()
    assert file.read_bytes() == kept

    file.chmod(0o640)
    with pytest.raises(Invalid, match="can be read by other users"):
        open_secrets(SecretsSettings(), records, tmp_path, clock).open("a:1", text)
    file.unlink()
    with pytest.raises(Corrupt) as missing:
        opened(SecretsSettings(), records, tmp_path, clock)
    assert missing.value.code == "secrets.key_missing"
    assert not file.exists()
    KeyFile(file).establish()
    with pytest.raises(Corrupt) as wrong:
        opened(SecretsSettings(), records, tmp_path, clock)
    assert wrong.value.code == "secrets.key_wrong"
    file.write_text("not a key\n")
    with pytest.raises(Invalid, match="32 bytes"):
        opened(SecretsSettings(), records, tmp_path, clock)


def test_keys_of_the_environment_follow_each_other(records: Records, tmp_path: Path, clock: ManualClock) -> None:
    first, second = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    secrets = opened(SecretsSettings(source="environment", secret_key=first), records, tmp_path, clock)
    fill(records, secrets, 3)
    both = SecretsSettings(source="environment", secret_key=second, old_secret_keys=[first])
    rotation = Rotation(records, opened(both, records, tmp_path, clock), clock, tables)
    rotation.begin()
    assert rotation.finish().resealed == 3
    alone = opened(SecretsSettings(source="environment", secret_key=second), records, tmp_path, clock)
    assert alone.open("test.drawer:d001", contents(records)["d001"]) == b"silver 1"
    with pytest.raises(Corrupt) as wrong:
        opened(SecretsSettings(source="environment", secret_key=first), records, tmp_path, clock)
    assert wrong.value.code == "secrets.key_wrong"
    with pytest.raises(Corrupt, match="is empty"):
        opened(SecretsSettings(source="environment"), records, tmp_path, clock)


def test_rotation_goes_on_where_it_was_interrupted(
    settings: SecretsSettings, records: Records, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = opened(settings, records, tmp_path, clock)
    fill(records, secrets, 5)
    before = contents(records)
    rotation = Rotation(records, secrets, clock, tables)
    rotation.begin()
    calls = 0
    seal = secrets.seal

    def dies(purpose: str, plain: bytes) -> str:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return seal(purpose, plain)

    monkeypatch.setattr(secrets, "seal", dies)
    with pytest.raises(KeyboardInterrupt):
        rotation.finish()
    monkeypatch.undo()
    half = contents(records)
    assert sum(half[key] != before[key] for key in before) == 2

    # A process that knew only the old keys reads both kinds.
    running = open_secrets(settings, records, tmp_path, clock)
    for number in range(5):
        assert running.open(f"test.drawer:d{number:03}", half[f"d{number:03}"]) == b"silver %d" % number
    again = Rotation(records, running, clock, tables)
    assert again.pending() == 3
    report = again.finish()
    assert (report.resealed, report.removed, again.pending()) == (3, 0, 0)
    assert set(before.values()) & set(contents(records).values()) == set()

    clock.advance(2 * 3600)
    assert again.finish().removed == 1
    assert len(running.check()) == 1
    if settings.source == "file":
        assert len((tmp_path / "secrets.key").read_text().split()) == 1
    assert opened(settings, records, tmp_path, clock).open("test.drawer:d004", contents(records)["d004"]) == b"silver 4"


def test_a_running_process_writes_with_the_new_key_soon(records: Records, tmp_path: Path, clock: ManualClock) -> None:
    running = opened(SecretsSettings(), records, tmp_path, clock)
    running.seal("a:1", b"x")
    new = Rotation(records, open_secrets(SecretsSettings(), records, tmp_path, clock), clock, tables).begin()
    assert new.id not in running.seal("a:1", b"x")
    clock.advance(6)
    assert new.id in running.seal("a:1", b"x")


async def test_an_interrupted_rotation_is_finished_in_the_background(
    records: Records, tmp_path: Path, clock: ManualClock
) -> None:
    secrets = opened(SecretsSettings(), records, tmp_path, clock)
    fill(records, secrets, 2)
    rotation = Rotation(records, secrets, clock, tables)
    rotation.begin()
    keeper = RotationKeeper(rotation, every_s=0.01)
    await keeper.start()
    await until(lambda: rotation.pending() == 0)
    await keeper.stop()


def test_an_old_master_key_outlives_the_round_that_left_it_unused(
    records: Records, tmp_path: Path, clock: ManualClock
) -> None:
    file = tmp_path / "secrets.key"
    secrets = opened(SecretsSettings(), records, tmp_path, clock)
    fill(records, secrets, 1)
    rotation = Rotation(records, secrets, clock, tables)
    before = secrets.store.list()
    rotation.begin()
    assert rotation.finish().rewrapped == 1
    # Power is lost, and with it what was committed last: the key is under the old master key again.
    with records.begin() as connection:
        for key in before:
            connection.execute(
                sa.update(data_keys)
                .where(data_keys.c.id == key.id)
                .values(wrapped=key.wrapped, wrapped_by=key.wrapped_by)
            )
    assert len(opened(SecretsSettings(), records, tmp_path, clock).check()) == 2
    assert rotation.finish().rewrapped == 1
    assert rotation.is_due()
    rotation.finish()
    assert len(file.read_text().split()) == 1
    assert not rotation.is_due()


def test_a_data_key_names_the_master_key_that_wrapped_it(
    records: Records, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = opened(SecretsSettings(), records, tmp_path, clock)
    elsewhere = KeyFile(tmp_path / "secrets.key")
    wrap = secrets.wrapper.wrap

    def overtaken(key: bytes, context: str) -> tuple[str, str]:
        done = wrap(key, context)
        elsewhere.advance()
        return done

    monkeypatch.setattr(secrets.wrapper, "wrap", overtaken)
    secrets.add_key()
    assert len(open_secrets(SecretsSettings(), records, tmp_path, clock).check()) == 2
    secrets.rewrap(secrets.store.list()[0])
    assert len(open_secrets(SecretsSettings(), records, tmp_path, clock).check()) == 2


def test_processes_that_change_the_key_file_wait_for_each_other(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "secrets.key")
    file.establish()
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(KeyFile(tmp_path / "secrets.key").advance) for _ in range(40)]:
            done.result()
    assert len(file.older()) == 40


async def test_old_keys_go_by_themselves_when_their_time_is_over(
    records: Records, tmp_path: Path, clock: ManualClock
) -> None:
    secrets = opened(SecretsSettings(), records, tmp_path, clock)
    fill(records, secrets, 2)
    rotation = Rotation(records, secrets, clock, tables)
    rotation.begin()
    rotation.finish()
    clock.advance(2 * 3600)
    assert rotation.pending() == 0
    keeper = RotationKeeper(rotation, every_s=0.01)
    await keeper.start()
    await until(lambda: len(secrets.store.list()) == 1 and not secrets.wrapper.older())
    await keeper.stop()


def test_where_no_rotation_is_under_way_no_secret_is_counted(
    records: Records, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = opened(SecretsSettings(), records, tmp_path, clock)
    fill(records, secrets, 2)
    rotation = Rotation(records, secrets, clock, tables)
    monkeypatch.setattr(rotation, "_count", lambda _pattern: pytest.fail("every secret was counted"))
    assert rotation.pending() == 0
    assert not rotation.is_due()


def test_while_an_old_key_is_kept_no_secret_is_counted_and_a_late_write_is_sealed_anew(
    records: Records, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = opened(SecretsSettings(), records, tmp_path, clock)
    fill(records, secrets, 2)
    late = contents(records)
    Rotation(records, secrets, clock, tables).begin()
    rotation = Rotation(records, secrets, clock, tables)
    assert rotation.is_due()
    rotation.finish()
    rotation.finish()  # the old master key goes one round later
    with records.begin() as connection:
        connection.execute(sa.update(drawers).where(drawers.c.id == "d001").values(content=late["d001"]))
    with monkeypatch.context() as patched:
        patched.setattr(rotation, "_count", lambda _pattern: pytest.fail("every secret was counted"))
        assert not rotation.is_due()
        clock.advance(2 * 3600)
        assert rotation.is_due()
    assert (rotation.pending(), rotation.finish().resealed, rotation.pending()) == (1, 1, 0)
    assert not rotation.is_due()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (["/nonexistent/kms"], "cannot be run"),
        ([sys.executable, "-c", "import sys; sys.exit(3)"], "ended with 3"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "took longer"),
        ([], "is empty"),
    ],
)
def test_a_command_that_fails_is_said(
    program: list[str], said: str, records: Records, tmp_path: Path, clock: ManualClock
) -> None:
    settings = SecretsSettings(source="command", command=program, command_timeout_s=0.5)
    with pytest.raises(Unavailable, match=said) as caught:
        opened(settings, records, tmp_path, clock)
    assert caught.value.code == "secrets.command_failed"


def test_a_command_gets_no_setting_of_the_node(
    records: Records, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLWRIGHT_SQL_URL", "postgresql://user:marker@host/db")
    hook = tmp_path / "hook.py"
    hook.write_text("import os, sys\nassert not [v for v in os.environ if v.startswith('MILLWRIGHT_')]" + HOOK)
    opened(SecretsSettings(source="command", command=[sys.executable, str(hook)]), records, tmp_path, clock)
