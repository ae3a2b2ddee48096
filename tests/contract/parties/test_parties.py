"""The service over a real database."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from millwright import parties as domain
from millwright.engines import secrets
from millwright.engines.sql import Records
from millwright.kernel import Conflict, Denied, Invalid, LimitExceeded, ManualClock, NotFound
from millwright.parties import NotSignedIn, Opened, Parties, ensure_local_token
from support.authority import administrator
from support.sealing import sealing

MIGRATIONS = [secrets.MIGRATIONS, domain.MIGRATIONS]
PASSWORD = "copper kettles whistle"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def parties(records: Records, clock: ManualClock) -> Parties:
    return Parties(records, clock, session_hours=12, secrets=sealing(records, clock))


async def set_up(parties: Parties) -> Opened:
    code = await parties.new_setup_code()
    assert code is not None
    return await parties.set_up("Anna", PASSWORD, code.lower().replace("-", " "))


async def test_the_first_administrator_is_made_once(parties: Parties) -> None:
    assert (await parties.setup_state()).needed
    opened = await set_up(parties)
    assert opened.session.person.roles == ["administrator"]
    assert not (await parties.setup_state()).needed
    assert await parties.new_setup_code() is None
    with pytest.raises(Conflict) as caught:
        await parties.set_up("Bob", PASSWORD, "anything")
    assert caught.value.code == "parties.set_up_already"


async def test_racing_set_ups_make_one_administrator(parties: Parties, records: Records, clock: ManualClock) -> None:
    code = await parties.new_setup_code()
    assert code is not None
    others = [Parties(records, clock, secrets=sealing(records, clock)) for _ in range(5)]
    outcomes = await asyncio.gather(
        *(other.set_up(f"Person {n}", PASSWORD, code) for n, other in enumerate(others)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Opened) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 4
    assert len(await parties.people.list_people(administrator())) == 1


async def test_set_up_takes_the_newest_code(parties: Parties) -> None:
    old = await parties.new_setup_code()
    new = await parties.new_setup_code()
    assert old is not None
    assert new is not None
    for wrong in ("", old, new[:-1]):
        with pytest.raises(Denied) as caught:
            await parties.set_up("Anna", PASSWORD, wrong)
        assert caught.value.code == "parties.setup_code_wrong"
    await parties.set_up("Anna", PASSWORD, new)


async def test_without_any_code_nobody_can_set_up(parties: Parties) -> None:
    with pytest.raises(Denied):
        await parties.set_up("Anna", PASSWORD, "")


async def test_a_weak_password_leaves_the_set_up_open(parties: Parties) -> None:
    code = await parties.new_setup_code()
    assert code is not None
    with pytest.raises(Invalid):
        await parties.set_up("Anna", "password12", code)
    await parties.set_up("Anna", PASSWORD, code)


async def test_guessing_the_code_is_slowed(parties: Parties) -> None:
    await parties.new_setup_code()
    for _ in range(5):
        with pytest.raises(Denied):
            await parties.set_up("Anna", PASSWORD, "AAAA-AAAA-AAAA", address="10.0.0.9")
    with pytest.raises(LimitExceeded):
        await parties.set_up("Anna", PASSWORD, "AAAA-AAAA-AAAA", address="10.0.0.9")


async def test_signing_in_ignores_case_and_width_of_the_name(parties: Parties) -> None:
    await set_up(parties)
    for name in ("anna", " ANNA ", "Ａｎｎａ"):
        assert (await parties.sign_in(name, PASSWORD)).session.person.name == "Anna"


async def test_wrong_name_and_wrong_password_look_the_same(parties: Parties) -> None:
    await set_up(parties)
    errors = []
    for name, password in (("Anna", "wrong password"), ("Nobody", PASSWORD)):
        with pytest.raises(NotSignedIn) as caught:
            await parties.sign_in(name, password)
        errors.append(caught.value.to_dict())
    assert errors[0] == errors[1]


async def test_no_secret_is_stored(parties: Parties, records: Records) -> None:
    opened = await set_up(parties)
    token = await parties.people.add_token(opened.session, await parties.authority(opened.session), "t", ["viewer"])
    with records.read() as connection:
        dump = "".join(
            repr(tuple(row))
            for table in ("people", "sessions", "tokens", "setup")
            for row in connection.execute(sa.text(f"SELECT * FROM parties_{table}"))
        )
    assert opened.secret not in dump
    assert token.token not in dump
    assert PASSWORD not in dump


async def test_a_session_slides_and_ends(parties: Parties, clock: ManualClock) -> None:
    opened = await set_up(parties)
    for _ in range(3):
        clock.advance(11 * 3600)
        assert await parties.find_session(opened.secret) is not None
    clock.advance(12 * 3600 + 1)
    assert await parties.find_session(opened.secret) is None


async def test_a_session_ends_after_thirty_days_however_used(parties: Parties, clock: ManualClock) -> None:
    opened = await set_up(parties)
    hours = 0
    while await parties.find_session(opened.secret) is not None:
        clock.advance(6 * 3600)
        hours += 6
    assert 30 * 24 <= hours <= 30 * 24 + 12


async def test_foreign_secrets_open_nothing(parties: Parties) -> None:
    opened = await set_up(parties)
    for secret in ("", "mws_", "mwt_" + opened.secret[4:], opened.secret[:-1], opened.secret + "x", "mws_\ud800"):
        assert await parties.find_session(secret) is None


async def test_signing_out_ends_the_session_at_once(parties: Parties) -> None:
    opened = await set_up(parties)
    await parties.end_session(opened.session, opened.session.id)
    assert await parties.find_session(opened.secret) is None
    with pytest.raises(NotFound):
        await parties.end_session(opened.session, opened.session.id)


async def test_all_other_sessions_end_at_once_and_tokens_live_on(parties: Parties) -> None:
    here = await set_up(parties)
    there, elsewhere = await parties.sign_in("Anna", PASSWORD), await parties.sign_in("Anna", PASSWORD)
    await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    bob = await parties.sign_in("Bob", PASSWORD)
    token = await parties.people.add_token(here.session, administrator(), "exporter", ["viewer"], None)
    assert await parties.end_other_sessions(here.session) == 2
    assert [await parties.find_session(each.secret) for each in (there, elsewhere)] == [None, None]
    for secret in (here.secret, bob.secret, token.token):
        assert await parties.find_session(secret) is not None
    assert await parties.end_other_sessions(here.session) == 0


async def test_nobody_ends_another_persons_session(parties: Parties) -> None:
    anna = await set_up(parties)
    await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    bob = await parties.sign_in("Bob", PASSWORD)
    with pytest.raises(NotFound):
        await parties.end_session(bob.session, anna.session.id)
    assert await parties.find_session(anna.secret) is not None


async def test_changing_the_password_ends_the_other_sessions(parties: Parties, clock: ManualClock) -> None:
    here = await set_up(parties)
    there = await parties.sign_in("Anna", PASSWORD)
    with pytest.raises(Denied) as caught:
        await parties.change_password(here.session, "wrong password", "brass levers hum")
    assert caught.value.code == "parties.wrong_old_password"
    with pytest.raises(Invalid):
        await parties.change_password(here.session, PASSWORD, "anna123456")
    await parties.change_password(here.session, PASSWORD, "brass levers hum")
    assert await parties.find_session(here.secret) is not None
    assert await parties.find_session(there.secret) is None
    with pytest.raises(NotSignedIn):
        await parties.sign_in("Anna", PASSWORD)
    await parties.sign_in("Anna", "brass levers hum")


async def test_a_disabled_person_has_no_session_and_no_working_token(parties: Parties) -> None:
    await set_up(parties)
    bob = await parties.people.add(administrator(), "Bob", PASSWORD, ["engineer"])
    opened = await parties.sign_in("Bob", PASSWORD)
    token = await parties.people.add_token(opened.session, await parties.authority(opened.session), "t", ["viewer"])
    assert await parties.find_session(token.token) is not None
    await parties.people.update(administrator(), bob.id, disabled=True)
    assert await parties.find_session(opened.secret) is None
    assert await parties.find_session(token.token) is None
    with pytest.raises(NotSignedIn):
        await parties.sign_in("Bob", PASSWORD)
    await parties.people.update(administrator(), bob.id, disabled=False)
    assert await parties.find_session(opened.secret) is None
    assert await parties.find_session(token.token) is not None


async def test_the_last_administrator_stays(parties: Parties) -> None:
    anna = (await set_up(parties)).session.person
    for change in ({"disabled": True}, {"roles": ["viewer"]}):
        with pytest.raises(Conflict) as caught:
            await parties.people.update(administrator(), anna.id, **change)  # type: ignore[arg-type]
        assert caught.value.code == "parties.last_administrator"
    bob = await parties.people.add(administrator(), "Bob", PASSWORD, ["administrator"])
    await parties.people.update(administrator(), anna.id, roles=["viewer"])
    with pytest.raises(Conflict):
        await parties.people.update(administrator(), bob.id, disabled=True)


async def test_names_are_unique_whatever_their_case(parties: Parties) -> None:
    await set_up(parties)
    for name in ("anna", "ＡＮＮＡ"):
        with pytest.raises(Conflict) as caught:
            await parties.people.add(administrator(), name, PASSWORD, ["viewer"])
        assert caught.value.code == "parties.name_taken"
    bob = await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    with pytest.raises(Conflict):
        await parties.people.update(administrator(), bob.id, name="ANNA")


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\u202eb", "\0"])
async def test_odd_names_are_refused(parties: Parties, name: str) -> None:
    await set_up(parties)
    with pytest.raises(Invalid):
        await parties.people.add(administrator(), name, PASSWORD, ["viewer"])


async def test_a_token_narrows_and_never_widens(parties: Parties) -> None:
    await set_up(parties)
    await parties.people.add(administrator(), "Bob", PASSWORD, ["engineer"])
    bob = (await parties.sign_in("Bob", PASSWORD)).session
    with pytest.raises(Denied):
        await parties.people.add_token(bob, await parties.authority(bob), "t", ["administrator"])
    token = await parties.people.add_token(bob, await parties.authority(bob), "t", ["engineer", "viewer"])
    found = await parties.find_session(token.token)
    assert found is not None
    assert found.person.roles == ["engineer", "viewer"]
    assert found.method == "token"
    await parties.people.update(administrator(), bob.person.id, roles=["operator"])
    found = await parties.find_session(token.token)
    assert found is not None
    assert found.person.roles == ["viewer"]


async def test_a_token_expires_is_listed_and_ended(parties: Parties, clock: ManualClock) -> None:
    anna = (await set_up(parties)).session
    token = await parties.people.add_token(
        anna, await parties.authority(anna), "t", ["viewer"], clock.now_ms() + 60_000
    )
    assert [t.id for t in await parties.people.list_tokens(anna, await parties.authority(anna))] == [token.id]
    assert await parties.find_session(token.token) is not None
    clock.advance(61)
    assert await parties.find_session(token.token) is None
    await parties.people.end_token(anna, await parties.authority(anna), token.id)
    assert await parties.people.list_tokens(anna, await parties.authority(anna)) == []
    with pytest.raises(Invalid):
        await parties.people.add_token(anna, await parties.authority(anna), "t", ["viewer"], clock.now_ms() - 1)


async def test_a_token_cannot_breed_tokens_or_change_passwords(parties: Parties) -> None:
    await set_up(parties)
    await parties.people.add(administrator(), "Bob", PASSWORD, ["engineer"])
    bob = (await parties.sign_in("Bob", PASSWORD)).session
    token = await parties.find_session(
        (await parties.people.add_token(bob, await parties.authority(bob), "t", ["engineer"])).token
    )
    assert token is not None
    with pytest.raises(Denied):
        await parties.people.add_token(token, await parties.authority(token), "u", ["viewer"])
    with pytest.raises(Denied):
        await parties.change_password(token, PASSWORD, "brass levers hum")


async def test_the_language_is_remembered(parties: Parties) -> None:
    opened = await set_up(parties)
    await parties.set_language(opened.session, "zh")
    assert (await parties.sign_in("Anna", PASSWORD)).session.person.language == "zh"


async def test_the_local_token_administers_and_survives_a_restart(
    parties: Parties, records: Records, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "cli.token"
    ensure_local_token(records, path, clock)
    assert path.stat().st_mode & 0o777 == 0o600
    secret = path.read_text().strip()
    session = await parties.find_session(secret)
    assert session is not None
    assert session.person.allows("administrator")
    assert (await parties.setup_state()).needed
    ensure_local_token(records, path, clock)
    assert path.read_text().strip() == secret


async def test_a_local_token_that_others_could_read_is_replaced(
    parties: Parties, records: Records, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "cli.token"
    ensure_local_token(records, path, clock)
    leaked = path.read_text().strip()
    path.chmod(0o644)
    ensure_local_token(records, path, clock)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().strip() != leaked
    assert await parties.find_session(leaked) is None
    path.write_text("mwt_made_up_by_somebody")
    path.chmod(0o600)
    ensure_local_token(records, path, clock)
    assert await parties.find_session(path.read_text().strip()) is not None


async def test_the_local_program_is_no_administrator_who_could_sign_in(
    parties: Parties, records: Records, clock: ManualClock, tmp_path: Path
) -> None:
    ensure_local_token(records, tmp_path / "cli.token", clock)
    anna = (await set_up(parties)).session.person
    program = next(
        account for account in await parties.people.list_people(administrator()) if account.kind == "program"
    )
    with pytest.raises(NotSignedIn):
        await parties.sign_in(program.name, "")
    with pytest.raises(Conflict):
        await parties.people.update(administrator(), anna.id, disabled=True)
    with pytest.raises(Invalid):
        await parties.people.update(administrator(), program.id, password=PASSWORD)
