"""Second factors over a real database."""

import asyncio
import base64

import pytest
import sqlalchemy as sa

from millwright import parties as domain
from millwright.engines import secrets
from millwright.engines.sql import Records
from millwright.kernel import Conflict, Corrupt, Denied, Invalid, LimitExceeded, ManualClock, NotFound
from millwright.parties import NotSignedIn, Opened, Parties, SignInSettings
from millwright.parties.origin import Origin
from millwright.parties.second_factor.totp import code_at
from support.authority import administrator
from support.sealing import sealing

MIGRATIONS = [secrets.MIGRATIONS, domain.MIGRATIONS]
PASSWORD = "copper kettles whistle"
HERE = Origin("10.0.0.1", "a browser")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def parties(records: Records, clock: ManualClock) -> Parties:
    return Parties(records, clock, secrets=sealing(records, clock))


async def anna(parties: Parties) -> Opened:
    code = await parties.new_setup_code()
    assert code is not None
    return await parties.set_up("Anna", PASSWORD, code)


class App:
    """The authenticator app on somebody's telephone."""

    def __init__(self, secret: str, clock: ManualClock) -> None:
        self.secret, self.clock = base64.b32decode(secret + "=" * (-len(secret) % 8)), clock

    def code(self, steps: int = 0) -> str:
        return code_at(self.secret, self.clock.now_ms() // 30_000 + steps)


async def enrol(parties: Parties, opened: Opened, clock: ManualClock) -> tuple[App, list[str], Opened]:
    begun = await parties.second_factors.begin(opened.session)
    app = App(begun.secret, clock)
    renewed, codes = await parties.second_factors.confirm(opened.session, begun.ceremony, app.code())
    clock.advance(30)
    return app, codes.codes, renewed


async def first_step(parties: Parties) -> str:
    with pytest.raises(NotSignedIn) as caught:
        await parties.sign_in("Anna", PASSWORD)
    assert caught.value.code == "parties.second_factor_needed"
    ceremony: str = caught.value.detail["ceremony"]
    return ceremony


async def test_a_code_follows_the_password(parties: Parties, clock: ManualClock) -> None:
    app, _, _ = await enrol(parties, await anna(parties), clock)
    opened = await parties.second_factors.sign_in(await first_step(parties), app.code(), HERE)
    assert opened.session.factors == ["password", "totp"]
    assert (await parties.second_factors.state(opened.session)).recovery_codes_left == 10


async def test_a_wrong_password_tells_nothing_about_the_second_step(parties: Parties, clock: ManualClock) -> None:
    await enrol(parties, await anna(parties), clock)
    with pytest.raises(NotSignedIn) as caught:
        await parties.sign_in("Anna", "wrong password")
    assert caught.value.code == "parties.wrong_password"
    assert caught.value.detail == {}


async def test_a_code_works_once(parties: Parties, clock: ManualClock) -> None:
    app, _, _ = await enrol(parties, await anna(parties), clock)
    code = app.code()
    await parties.second_factors.sign_in(await first_step(parties), code, HERE)
    with pytest.raises(NotSignedIn) as caught:
        await parties.second_factors.sign_in(await first_step(parties), code, HERE)
    assert caught.value.code == "parties.code_wrong"
    with pytest.raises(NotSignedIn):  # an older one that the drift would allow, too
        await parties.second_factors.sign_in(await first_step(parties), app.code(-1), HERE)
    clock.advance(30)
    await parties.second_factors.sign_in(await first_step(parties), app.code(), HERE)


async def test_the_code_that_confirmed_the_app_is_used_up(parties: Parties, clock: ManualClock) -> None:
    begun = await parties.second_factors.begin((opened := await anna(parties)).session)
    app = App(begun.secret, clock)
    code = app.code()
    await parties.second_factors.confirm(opened.session, begun.ceremony, code)
    with pytest.raises(NotSignedIn):
        await parties.second_factors.sign_in(await first_step(parties), code, HERE)


async def test_racing_sign_ins_with_one_code_open_one_session(parties: Parties, clock: ManualClock) -> None:
    app, _, _ = await enrol(parties, await anna(parties), clock)
    steps = [await first_step(parties) for _ in range(4)]
    done = await asyncio.gather(
        *(parties.second_factors.sign_in(step, app.code(), HERE) for step in steps), return_exceptions=True
    )
    assert sum(isinstance(each, Opened) for each in done) == 1


async def test_the_second_step_works_once_and_not_for_ever(parties: Parties, clock: ManualClock) -> None:
    app, _, _ = await enrol(parties, await anna(parties), clock)
    ceremony = await first_step(parties)
    await parties.second_factors.sign_in(ceremony, app.code(), HERE)
    clock.advance(30)
    with pytest.raises(Conflict) as caught:
        await parties.second_factors.sign_in(ceremony, app.code(), HERE)
    assert caught.value.code == "parties.ceremony_spent"
    late = await first_step(parties)
    clock.advance(601)
    with pytest.raises(Denied) as over:
        await parties.second_factors.sign_in(late, app.code(), HERE)
    assert over.value.code == "parties.ceremony_over"


async def test_a_ceremony_of_another_kind_or_another_node_opens_nothing(parties: Parties, clock: ManualClock) -> None:
    opened = await anna(parties)
    app, _, _ = await enrol(parties, opened, clock)
    mine = await parties.ceremonies.begin("second step", {"person": opened.session.person.id}, minutes=10)
    form, _, body = mine.split(".")
    wrong = [
        (await parties.second_factors.begin(opened.session)).ceremony,
        (await parties.passkeys.challenge(Origin())).ceremony,
        f"{form}.key_of_another_node.{body}",
        mine[:-8] + ("A" if mine[-8] != "A" else "B") + mine[-7:],
        "",
        "é",
        "AAAA",
    ]
    for ceremony in wrong:
        with pytest.raises(Denied) as caught:
            await parties.second_factors.sign_in(ceremony, app.code(), HERE)
        assert caught.value.code == "parties.ceremony_over"


async def test_guessing_codes_is_slowed_even_from_many_addresses(parties: Parties, clock: ManualClock) -> None:
    app, _, _ = await enrol(parties, await anna(parties), clock)
    ceremony = await first_step(parties)
    right = app.code()
    wrong = "000000" if right != "000000" else "000001"
    for number in range(100):
        with pytest.raises(NotSignedIn):
            await parties.second_factors.sign_in(ceremony, wrong, Origin(f"203.0.113.{number}"))
    with pytest.raises(LimitExceeded):
        await parties.second_factors.sign_in(ceremony, right, Origin("198.51.100.1"))


async def test_a_recovery_code_works_once_however_it_is_typed(parties: Parties, clock: ManualClock) -> None:
    _, codes, _ = await enrol(parties, await anna(parties), clock)
    assert len(set(codes)) == 10
    typed = codes[3].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    opened = await parties.second_factors.sign_in(await first_step(parties), typed, HERE)
    assert opened.session.factors == ["password", "recovery"]
    assert (await parties.second_factors.state(opened.session)).recovery_codes_left == 9
    with pytest.raises(NotSignedIn):
        await parties.second_factors.sign_in(await first_step(parties), codes[3], HERE)


async def test_new_recovery_codes_replace_the_old(parties: Parties, clock: ManualClock) -> None:
    opened = await anna(parties)
    with pytest.raises(Conflict):
        await parties.second_factors.new_codes(opened.session)
    _, old, _ = await enrol(parties, opened, clock)
    new = (await parties.second_factors.new_codes(opened.session)).codes
    with pytest.raises(NotSignedIn):
        await parties.second_factors.sign_in(await first_step(parties), old[0], HERE)
    await parties.second_factors.sign_in(await first_step(parties), new[0], HERE)


async def test_nothing_that_opens_a_session_can_be_read_from_the_database(
    parties: Parties, records: Records, clock: ManualClock
) -> None:
    app, codes, _ = await enrol(parties, await anna(parties), clock)
    with records.read() as connection:
        dump = "".join(
            repr(tuple(row))
            for table in ("authenticators", "recovery_codes", "sessions", "browsers", "spent")
            for row in connection.execute(sa.text(f"SELECT * FROM parties_{table}"))
        )
    assert repr(app.secret)[2:-1] not in dump
    assert not any(code in dump or code.replace("-", "") in dump for code in codes)
    other = Parties(records, clock, secrets=sealing(records, clock, bytes(32), prepare=False))
    with pytest.raises(Corrupt):  # without the key file the secrets stay shut
        await other.second_factors.verify((await parties.people.list_people(administrator()))[0].id, app.code(), HERE)


async def test_an_app_is_confirmed_by_its_own_person_with_its_own_code(parties: Parties, clock: ManualClock) -> None:
    opened = await anna(parties)
    await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    bob = await parties.sign_in("Bob", PASSWORD)
    begun = await parties.second_factors.begin(opened.session)
    app = App(begun.secret, clock)
    for session, code in ((bob.session, app.code()), (opened.session, "000000"), (opened.session, "")):
        with pytest.raises(Invalid):
            await parties.second_factors.confirm(session, begun.ceremony, code)
    assert not await parties.second_factors.enrolled(opened.session.person.id)


async def test_enrolling_replaces_the_secret_of_the_session(parties: Parties, clock: ManualClock) -> None:
    opened = await anna(parties)
    _, _, renewed = await enrol(parties, opened, clock)
    assert renewed.secret != opened.secret
    assert renewed.session.id == opened.session.id
    assert await parties.find_session(renewed.secret) is not None
    assert await parties.find_session(opened.secret) is None  # thirty seconds later


async def test_a_replaced_secret_opens_for_ten_seconds_more(parties: Parties, clock: ManualClock) -> None:
    opened = await anna(parties)
    await parties.prove(opened.session, ["password"])
    clock.advance(9)
    assert await parties.find_session(opened.secret) is not None
    clock.advance(2)
    assert await parties.find_session(opened.secret) is None


async def test_a_proof_lasts_a_quarter_of_an_hour(parties: Parties, clock: ManualClock) -> None:
    opened = await anna(parties)
    assert parties.is_proved(opened.session)
    clock.advance(15 * 60 + 1)
    assert not parties.is_proved(opened.session)
    renewed = await parties.prove(opened.session, ["password"])
    assert parties.is_proved(renewed.session)
    await parties.end_session(renewed.session, renewed.session.id)
    with pytest.raises(NotFound):
        await parties.prove(opened.session, ["password"])


async def test_a_role_can_demand_a_second_factor(records: Records, clock: ManualClock) -> None:
    parties = Parties(
        records, clock, settings=SignInSettings(second_factor_for=["administrator"]), secrets=sealing(records, clock)
    )
    opened = await anna(parties)
    assert opened.session.restricted
    app, _, renewed = await enrol(parties, opened, clock)
    assert not renewed.session.restricted
    with pytest.raises(Denied) as caught:
        await parties.second_factors.remove(renewed.session)
    assert caught.value.code == "parties.second_factor_required"
    opened = await parties.second_factors.sign_in(await first_step(parties), app.code(), HERE)
    assert not opened.session.restricted
    await parties.people.add(administrator(), "Vera", PASSWORD, ["viewer"])
    assert not (await parties.sign_in("Vera", PASSWORD)).session.restricted


async def test_an_app_is_removed_where_nothing_demands_it(parties: Parties, clock: ManualClock) -> None:
    opened = await anna(parties)
    with pytest.raises(NotFound):
        await parties.second_factors.remove(opened.session)
    await enrol(parties, opened, clock)
    await parties.second_factors.remove(opened.session)
    assert (await parties.sign_in("Anna", PASSWORD)).session.factors == ["password"]


async def test_an_administrator_resets_what_somebody_lost(parties: Parties, clock: ManualClock) -> None:
    opened = await anna(parties)
    _, _, renewed = await enrol(parties, opened, clock)
    await parties.second_factors.reset(administrator(), opened.session.person.id)
    assert await parties.find_session(renewed.secret) is None
    await parties.sign_in("Anna", PASSWORD)
    with pytest.raises(NotFound):
        await parties.second_factors.reset(administrator(), "per_nobody")


async def test_codes_and_passwords_have_counts_of_their_own(parties: Parties, clock: ManualClock) -> None:
    app, _, _ = await enrol(parties, await anna(parties), clock)
    for _ in range(4):
        with pytest.raises(NotSignedIn):
            await parties.sign_in("Anna", "wrong password", address="10.0.0.1")
    ceremony = await first_step(parties)
    for _ in range(4):
        with pytest.raises(NotSignedIn):
            await parties.second_factors.sign_in(ceremony, "000000", HERE)
    await parties.second_factors.sign_in(ceremony, app.code(), HERE)
