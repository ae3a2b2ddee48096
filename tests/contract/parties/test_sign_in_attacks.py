"""What somebody tries who is not the person: kept as tests."""

import asyncio
import base64
import logging
import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import sqlalchemy as sa

from millwright import parties as domain
from millwright.engines import secrets
from millwright.engines.sql import Records
from millwright.kernel import ROOT, Conflict, Denied, Invalid, LimitExceeded, ManualClock, Unavailable
from millwright.parties import NotSignedIn, Opened, Parties, SignInSettings
from millwright.parties.authority import Tree
from millwright.parties.oidc.store import IdentityStore
from millwright.parties.organisations.model import NewOrganisation
from millwright.parties.origin import Origin
from millwright.parties.passwords.hashing import Passwords
from millwright.parties.second_factor.totp import code_at
from millwright.parties.settings import OidcProvider
from support.authenticator import SoftwareAuthenticator
from support.authority import administrator
from support.sealing import sealing

MIGRATIONS = [secrets.MIGRATIONS, domain.MIGRATIONS]
PASSWORD = "copper kettles whistle"
SCANNED = re.compile(r"\bmwt_[A-Za-z0-9_-]{32}(?![A-Za-z0-9_-])")
"""What docs/guides/sign-in.md tells secret scanners to look for."""


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


async def wrong(parties: Parties, times: int, **where: str) -> None:
    for _ in range(times):
        with pytest.raises(NotSignedIn):
            await parties.sign_in("Anna", "wrong password", **where)


async def test_every_sign_in_has_a_secret_of_its_own(parties: Parties) -> None:
    opened = [await anna(parties), *[await parties.sign_in("Anna", PASSWORD) for _ in range(3)]]
    assert len({each.secret for each in opened}) == 4
    assert len({each.session.id for each in opened}) == 4


async def test_unknown_names_take_the_same_work_and_get_the_same_answer(
    parties: Parties, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    await anna(parties)
    bob = await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    await parties.people.update(administrator(), bob.id, disabled=True)
    with pytest.raises(NotSignedIn):
        await parties.sign_in("warm up", PASSWORD)
    hashed: list[str] = []
    looked: list[str] = []
    asked: list[str] = []
    matches = Passwords._matches
    find = parties.guesses._store.find

    def count(self: Passwords, stored: str, password: str) -> bool:
        hashed.append(stored[:30])
        return matches(self, stored, password)

    def look(digest: bytes, person_id: str) -> str | None:
        looked.append(person_id)
        return find(digest, person_id)

    def ask(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(records.engine, "before_cursor_execute", ask)
    monkeypatch.setattr(Passwords, "_matches", count)
    monkeypatch.setattr(parties.guesses._store, "find", look)
    answers, statements = [], []
    for name, password in (("Anna", "wrong password"), ("Nobody", PASSWORD), ("Bob", PASSWORD), ("\0", "")):
        before = (len(hashed), len(looked))
        asked.clear()
        with pytest.raises(NotSignedIn) as caught:
            await parties.sign_in(name, password)
        assert (len(hashed) - before[0], len(looked) - before[1]) == (1, 1), name
        answers.append(caught.value.to_dict())
        statements.append(list(asked))
    sa.event.remove(records.engine, "before_cursor_execute", ask)
    assert all(answer == answers[0] for answer in answers)
    assert all(each == statements[0] for each in statements)
    assert len(set(hashed)) == 1  # the decoy has the parameters of a real one


async def test_the_owner_gets_in_while_a_stranger_guesses_from_the_same_address(parties: Parties) -> None:
    await anna(parties)
    own = (await parties.sign_in("Anna", PASSWORD, address="10.0.0.1")).browser
    assert own is not None
    await wrong(parties, 5, address="10.0.0.1")
    with pytest.raises(LimitExceeded):
        await parties.sign_in("Anna", PASSWORD, address="10.0.0.1")
    opened = await parties.sign_in("Anna", PASSWORD, address="10.0.0.1", browser=own)
    assert opened.browser is None  # it stays known


async def test_the_owner_gets_in_while_many_machines_guess(parties: Parties) -> None:
    own = (await anna(parties)).browser
    assert own is not None
    for number in range(100):
        await wrong(parties, 1, address=f"203.0.113.{number}")
    with pytest.raises(LimitExceeded):
        await parties.sign_in("Anna", PASSWORD, address="198.51.100.1")
    await parties.sign_in("Anna", PASSWORD, address="198.51.100.1", browser=own)


async def test_a_browser_is_known_for_its_own_person_alone(parties: Parties) -> None:
    await anna(parties)
    await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    bobs = (await parties.sign_in("Bob", PASSWORD)).browser
    assert bobs is not None
    await wrong(parties, 5, address="203.0.113.9", browser=bobs)
    with pytest.raises(LimitExceeded):
        await parties.sign_in("Anna", PASSWORD, address="203.0.113.9", browser=bobs)


async def test_a_new_password_forgets_the_known_browsers(parties: Parties) -> None:
    opened = await anna(parties)
    assert opened.browser is not None
    renewed = await parties.change_password(opened.session, PASSWORD, "brass levers hum")
    assert renewed.secret != opened.secret
    again = await parties.sign_in("Anna", "brass levers hum", browser=opened.browser)
    assert again.browser is not None


async def test_only_the_browsers_seen_last_are_kept(parties: Parties, clock: ManualClock) -> None:
    first = (await anna(parties)).browser
    assert first is not None
    for _ in range(25):
        clock.advance(1)
        await parties.sign_in("Anna", PASSWORD)
    assert (await parties.sign_in("Anna", PASSWORD, browser=first)).browser is not None


async def test_a_token_that_was_ended_elsewhere_works_for_a_second_at_most(
    parties: Parties, records: Records, clock: ManualClock
) -> None:
    opened = await anna(parties)
    token = await parties.people.add_token(opened.session, administrator(), "t", ["viewer"])
    other = Parties(records, clock, secrets=sealing(records, clock))
    assert await other.find_session(token.token) is not None
    assert await other.find_session(opened.secret) is not None
    await parties.people.end_token(opened.session, administrator(), token.id)
    await parties.end_session(opened.session, opened.session.id)
    clock.advance(1)
    assert await other.find_session(token.token) is None
    assert await other.find_session(opened.secret) is None


async def test_a_role_removed_elsewhere_in_mid_session_is_gone_within_a_second(
    parties: Parties, records: Records, clock: ManualClock
) -> None:
    await anna(parties)
    bob = await parties.people.add(administrator(), "Bob", PASSWORD, ["engineer"])
    opened = await parties.sign_in("Bob", PASSWORD)
    other = Parties(records, clock, secrets=sealing(records, clock))
    found = await other.find_session(opened.secret)
    assert found is not None
    assert found.person.allows("engineer")
    await parties.people.update(administrator(), bob.id, roles=["viewer"])
    clock.advance(1)
    found = await other.find_session(opened.secret)
    assert found is not None
    assert not found.person.allows("engineer")


async def test_what_was_being_looked_up_when_something_changed_is_not_remembered(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    await anna(parties)
    bob = await parties.people.add(administrator(), "Bob", PASSWORD, ["engineer"])
    opened = await parties.sign_in("Bob", PASSWORD)
    loop = asyncio.get_running_loop()
    find, held, tree = parties._sessions.find, parties._authorities.held, parties._authorities.tree

    def first(read: Callable[..., Any], change: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Reads, and returns what it read after ``change`` was made, the first time."""
        waiting = [change]

        def reading(*values: Any) -> Any:
            found = read(*values)
            if waiting:
                asyncio.run_coroutine_threadsafe(waiting.pop()(), loop).result(10)
            return found

        return reading

    parties.forget()
    monkeypatch.setattr(
        parties._authorities,
        "held",
        first(held, lambda: parties.people.update(administrator(), bob.id, roles=["viewer"])),
    )
    assert "engineer" in {each.role for each in (await parties.authority(opened.session)).held}
    assert {each.role for each in (await parties.authority(opened.session)).held} == {"viewer"}

    parties.forget()
    new = NewOrganisation(parent_id=ROOT, kind="department", name="North")
    monkeypatch.setattr(
        parties._authorities, "tree", first(tree, lambda: parties.organisations.create(administrator(), new))
    )
    assert len((await parties.authority(opened.session)).tree.nodes) == 1
    assert len((await parties.authority(opened.session)).tree.nodes) == 2

    parties.forget()
    monkeypatch.setattr(
        parties._sessions, "find", first(find, lambda: parties.end_session(opened.session, opened.session.id))
    )
    assert await parties.find_session(opened.secret) is not None
    assert await parties.find_session(opened.secret) is None


async def test_the_tree_is_read_once_for_all_who_ask_and_again_after_a_failure(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await anna(parties)
    sessions = [first, *[await parties.sign_in("Anna", PASSWORD) for _ in range(3)]]
    tree, read = parties._authorities.tree, []

    def broken() -> Tree:
        read.append("broken")
        raise Unavailable("The database is away.", code="test.away")

    def counted() -> Tree:
        read.append("whole")
        return tree()

    parties.forget()
    monkeypatch.setattr(parties._authorities, "tree", broken)
    asked = [parties.authority(each.session) for each in sessions]
    assert all(isinstance(each, Unavailable) for each in await asyncio.gather(*asked, return_exceptions=True))
    monkeypatch.setattr(parties._authorities, "tree", counted)
    found = await asyncio.gather(*(parties.authority(each.session) for each in sessions))
    assert len({id(each.tree) for each in found}) == 1
    assert read == ["broken", "whole"]


async def test_a_token_says_from_where_it_was_used(parties: Parties) -> None:
    opened = await anna(parties)
    token = await parties.people.add_token(opened.session, administrator(), "t", ["viewer"])
    await parties.find_session(token.token, "203.0.113.7")
    [listed] = await parties.people.list_tokens(opened.session, administrator())
    assert listed.last_used_address == "203.0.113.7"


async def test_the_policy_limits_a_tokens_life(records: Records, clock: ManualClock) -> None:
    parties = Parties(records, clock, settings=SignInSettings(token_longest_days=90), secrets=sealing(records, clock))
    opened = await anna(parties)
    token = await parties.people.add_token(opened.session, administrator(), "t", ["viewer"])
    assert token.expires_ms == clock.now_ms() + 90 * 86_400_000
    with pytest.raises(Invalid) as caught:
        await parties.people.add_token(
            opened.session, administrator(), "u", ["viewer"], clock.now_ms() + 91 * 86_400_000
        )
    assert caught.value.code == "parties.expiry_far"


async def test_secret_scanners_recognise_a_token(parties: Parties) -> None:
    opened = await anna(parties)
    for number in range(20):
        token = await parties.people.add_token(opened.session, administrator(), f"t{number}", ["viewer"])
        assert SCANNED.search(f"key={token.token};")


async def test_a_session_ends_after_its_longest_life(records: Records, clock: ManualClock) -> None:
    parties = Parties(
        records, clock, settings=SignInSettings(session_longest_days=0.25), secrets=sealing(records, clock)
    )
    opened = await anna(parties)
    for _ in range(5):
        clock.advance(3600)
        assert await parties.find_session(opened.secret) is not None
    clock.advance(3600)
    assert await parties.find_session(opened.secret) is None


async def test_a_name_that_looks_like_somebody_elses_is_refused(parties: Parties) -> None:
    await anna(parties)
    await parties.people.add(administrator(), "copa", PASSWORD, ["viewer"])
    with pytest.raises(Conflict) as caught:
        await parties.people.add(administrator(), "сора", PASSWORD, ["viewer"])
    assert caught.value.code == "parties.name_lookalike"
    with pytest.raises(Invalid) as mixed:
        await parties.people.add(administrator(), "Аnna", PASSWORD, ["viewer"])
    assert mixed.value.code == "parties.name_mixed"
    bob = await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    with pytest.raises(Conflict):
        await parties.people.update(administrator(), bob.id, name="сора")
    await parties.people.update(administrator(), bob.id, name="BOB")


async def test_sign_ins_and_refusals_are_logged_without_names(
    parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "millwright.parties")
    person = (await anna(parties)).session.person
    await wrong(parties, 1, address="203.0.113.9")
    with pytest.raises(NotSignedIn):
        await parties.sign_in("my secret typed\ninto the wrong field", "x", address="203.0.113.9")
    said = [record.getMessage() for record in caplog.records]
    assert f"{person.id} signed in by password from " in said
    assert f"a password was refused for {person.id} from 203.0.113.9" in said
    assert "a password was refused for nobody from 203.0.113.9" in said
    assert not any(word in line for line in said for word in ("Anna", "secret typed", PASSWORD, "wrong password"))


HERE = Origin("10.0.0.1", "a browser", url="http://localhost")


def demanding(records: Records, clock: ManualClock) -> Parties:
    """A node whose administrators take a second factor, beside a provider that asks for two."""
    strong = OidcProvider("https://login.example", "node", second_factor=True)
    settings = SignInSettings(second_factor_for=["administrator"], providers={"strong": strong})
    return Parties(records, clock, settings=settings, secrets=sealing(records, clock))


async def refuses_another_factor(parties: Parties, opened: Opened) -> None:
    """Nothing that would stand beside the factor that was not shown, or take its place."""
    session, device = opened.session, SoftwareAuthenticator()
    assert session.restricted
    assert parties.is_proved(session)  # a password was shown a moment ago, which is no second factor
    for attempt in (
        lambda: parties.second_factors.begin(session),
        lambda: parties.second_factors.confirm(session, "", "000000"),
        lambda: parties.second_factors.new_codes(session),
        lambda: parties.second_factors.remove(session),
        lambda: parties.passkeys.begin(session, HERE),
        lambda: parties.passkeys.finish(session, "", device.__dict__, "mine", HERE),
        lambda: parties.passkeys.remove(session, "psk_any"),
        lambda: parties.oidc.leave("strong", "link", HERE, session=session),
        lambda: parties.oidc.unlink(session, "idy_any"),
    ):
        with pytest.raises(Denied) as caught:
            await attempt()
        assert caught.value.code == "parties.second_factor_required"


async def test_a_stolen_password_sets_up_no_factor_beside_a_passkey(records: Records, clock: ManualClock) -> None:
    parties, device = demanding(records, clock), SoftwareAuthenticator()
    first = await anna(parties)
    begun = await parties.passkeys.begin(first.session, HERE)  # the first factor may be set up
    await parties.passkeys.finish(first.session, begun.ceremony, device.create(begun.options), "telephone", HERE)
    thief = await parties.sign_in("Anna", PASSWORD)
    await refuses_another_factor(parties, thief)
    challenge = await parties.passkeys.challenge(HERE)
    await parties.passkeys.verify(challenge.ceremony, device.get(challenge.options), HERE)
    owner = await parties.prove(thief.session, ["passkey"])
    assert not owner.session.restricted
    await parties.second_factors.begin(owner.session)


async def test_an_app_that_was_begun_before_is_not_confirmed_beside_a_passkey(
    records: Records, clock: ManualClock
) -> None:
    parties, device = demanding(records, clock), SoftwareAuthenticator()
    owner = await anna(parties)
    thief = await parties.sign_in("Anna", PASSWORD)
    enrolment = await parties.second_factors.begin(thief.session)
    begun = await parties.passkeys.begin(owner.session, HERE)
    await parties.passkeys.finish(owner.session, begun.ceremony, device.create(begun.options), "telephone", HERE)
    secret = base64.b32decode(enrolment.secret + "=" * (-len(enrolment.secret) % 8))
    with pytest.raises(Denied) as caught:
        await parties.second_factors.confirm(
            thief.session, enrolment.ceremony, code_at(secret, clock.now_ms() // 30_000)
        )
    assert caught.value.code == "parties.second_factor_required"


async def test_a_stolen_password_sets_up_no_factor_beside_a_strong_identity(
    records: Records, clock: ManualClock
) -> None:
    parties = demanding(records, clock)
    owner = await anna(parties)
    identity = {"id": "idy_1", "person_id": owner.session.person.id, "provider": "strong", "subject": "anna"}
    IdentityStore(records).add({**identity, "issuer": "https://login.example", "label": "anna", "created_ms": 0})
    await refuses_another_factor(parties, await parties.sign_in("Anna", PASSWORD))
