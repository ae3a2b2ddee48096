"""Passkeys over a real database, with a device in software."""

from typing import Any

import pytest

from millwright import parties as domain
from millwright.engines import secrets
from millwright.engines.sql import Records
from millwright.kernel import Conflict, Denied, Invalid, ManualClock, NotFound, Unsupported
from millwright.parties import NotSignedIn, Opened, Parties, SignInSettings
from millwright.parties.origin import Origin
from millwright.parties.passkeys.model import Passkey
from support.authenticator import SoftwareAuthenticator
from support.authority import administrator
from support.sealing import sealing

MIGRATIONS = [secrets.MIGRATIONS, domain.MIGRATIONS]
PASSWORD = "copper kettles whistle"
HERE = Origin("10.0.0.1", "a browser", url="http://localhost")


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


async def register(
    parties: Parties, opened: Opened, device: SoftwareAuthenticator, name: str = "telephone"
) -> tuple[Opened, Passkey]:
    begun = await parties.passkeys.begin(opened.session, HERE)
    return await parties.passkeys.finish(opened.session, begun.ceremony, device.create(begun.options), name, HERE)


async def sign_in(parties: Parties, device: SoftwareAuthenticator) -> Opened:
    begun = await parties.passkeys.challenge(HERE)
    return await parties.passkeys.sign_in(begun.ceremony, device.get(begun.options), HERE)


async def test_a_passkey_opens_a_session_without_a_name(parties: Parties) -> None:
    device = SoftwareAuthenticator()
    await register(parties, await anna(parties), device)
    begun = await parties.passkeys.challenge(HERE)
    assert not begun.options.get("allowCredentials")
    assert begun.options["userVerification"] == "required"
    opened = await parties.passkeys.sign_in(begun.ceremony, device.get(begun.options), HERE)
    assert opened.session.person.name == "Anna"
    assert opened.session.factors == ["passkey"]


async def test_a_challenge_works_once(parties: Parties) -> None:
    device = SoftwareAuthenticator()
    await register(parties, await anna(parties), device)
    begun = await parties.passkeys.challenge(HERE)
    shown = device.get(begun.options)
    await parties.passkeys.sign_in(begun.ceremony, shown, HERE)
    with pytest.raises(Conflict) as caught:
        await parties.passkeys.sign_in(begun.ceremony, shown, HERE)
    assert caught.value.code == "parties.ceremony_spent"
    again = await parties.passkeys.challenge(HERE)
    with pytest.raises(NotSignedIn):  # the recorded answer does not fit another challenge
        await parties.passkeys.sign_in(again.ceremony, shown, HERE)


async def test_a_challenge_ends_after_five_minutes(parties: Parties, clock: ManualClock) -> None:
    device = SoftwareAuthenticator()
    await register(parties, await anna(parties), device)
    begun = await parties.passkeys.challenge(HERE)
    shown = device.get(begun.options)
    clock.advance(301)
    with pytest.raises(Denied) as caught:
        await parties.passkeys.sign_in(begun.ceremony, shown, HERE)
    assert caught.value.code == "parties.ceremony_over"


async def test_a_counter_that_goes_back_is_noticed(parties: Parties) -> None:
    opened = await anna(parties)
    device = SoftwareAuthenticator()
    await register(parties, opened, device)
    device.counter = 9
    await sign_in(parties, device)
    device.counter = 4
    with pytest.raises(NotSignedIn) as caught:
        await sign_in(parties, device)
    assert caught.value.code == "parties.passkey_copied"
    [passkey] = await parties.passkeys.list_of(opened.session.person.id)
    assert passkey.regressed_ms is not None


async def test_a_device_without_a_counter_is_welcome(parties: Parties) -> None:
    device = SoftwareAuthenticator()
    await register(parties, await anna(parties), device)
    for _ in range(2):
        device.counter = -1  # passkeys that are copied between devices always say 0
        await sign_in(parties, device)


async def test_answers_that_prove_nothing_open_nothing(parties: Parties) -> None:
    device = SoftwareAuthenticator()
    await register(parties, await anna(parties), device)

    def elsewhere(shown: dict[str, Any]) -> dict[str, Any]:
        device.origin = "https://evil.example"
        return device.get(begun.options)

    def unverified(shown: dict[str, Any]) -> dict[str, Any]:
        device.verified = False
        return device.get(begun.options)

    def of_another_name(shown: dict[str, Any]) -> dict[str, Any]:
        device.rp_id = "evil.example"
        return device.get(begun.options)

    def of_somebody_else(shown: dict[str, Any]) -> dict[str, Any]:
        device.user_handle = b"per_somebody"
        return device.get(begun.options)

    def with_another_key(shown: dict[str, Any]) -> dict[str, Any]:
        other = SoftwareAuthenticator()
        other.credential_id, other.user_handle = device.credential_id, device.user_handle
        return other.get(begun.options)

    def unknown(shown: dict[str, Any]) -> dict[str, Any]:
        return SoftwareAuthenticator().get(begun.options)

    def broken(shown: dict[str, Any]) -> dict[str, Any]:
        return {**shown, "response": {**shown["response"], "authenticatorData": "AAAA"}}

    def empty(shown: dict[str, Any]) -> dict[str, Any]:
        return {}

    def odd(shown: dict[str, Any]) -> dict[str, Any]:
        return {**shown, "id": 7, "rawId": ["x"], "response": "no"}

    for change in (
        elsewhere,
        unverified,
        of_another_name,
        of_somebody_else,
        with_another_key,
        unknown,
        broken,
        empty,
        odd,
    ):
        kept = (device.origin, device.verified, device.rp_id, device.user_handle)
        begun = await parties.passkeys.challenge(HERE)
        with pytest.raises(NotSignedIn) as caught:
            await parties.passkeys.sign_in(begun.ceremony, change(device.get(begun.options)), HERE)
        assert caught.value.code == "parties.passkey_wrong", change
        device.origin, device.verified, device.rp_id, device.user_handle = kept
    await sign_in(parties, device)


async def test_a_registration_belongs_to_its_person_and_its_page(parties: Parties) -> None:
    opened = await anna(parties)
    await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    bob = await parties.sign_in("Bob", PASSWORD)
    begun = await parties.passkeys.begin(opened.session, HERE)
    for session, device in (
        (bob.session, SoftwareAuthenticator()),
        (opened.session, SoftwareAuthenticator(origin="https://evil.example")),
        (opened.session, SoftwareAuthenticator(rp_id="evil.example")),
    ):
        with pytest.raises(Invalid) as caught:
            await parties.passkeys.finish(session, begun.ceremony, device.create(begun.options), "x", HERE)
        assert caught.value.code == "parties.passkey_refused"
    device = SoftwareAuthenticator()
    made = device.create(begun.options)
    await parties.passkeys.finish(opened.session, begun.ceremony, made, "x", HERE)
    with pytest.raises(Conflict):
        await parties.passkeys.finish(opened.session, begun.ceremony, made, "x", HERE)


async def test_one_passkey_belongs_to_one_person(parties: Parties) -> None:
    device = SoftwareAuthenticator()
    await register(parties, await anna(parties), device)
    await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    with pytest.raises(Conflict) as caught:
        await register(parties, await parties.sign_in("Bob", PASSWORD), device)
    assert caught.value.code == "parties.passkey_known"


async def test_several_passkeys_are_named_seen_and_removed(parties: Parties) -> None:
    opened = await anna(parties)
    telephone, key = SoftwareAuthenticator(), SoftwareAuthenticator()
    _, first = await register(parties, opened, telephone)
    await register(parties, opened, key, "blue key")
    await parties.passkeys.rename(opened.session, first.id, "old telephone")
    await sign_in(parties, telephone)
    listed = await parties.passkeys.list_of(opened.session.person.id)
    assert [(each.name, each.last_used_ms is not None) for each in listed] == [
        ("old telephone", True),
        ("blue key", False),
    ]
    await parties.passkeys.remove(opened.session, first.id)
    with pytest.raises(NotSignedIn):
        await sign_in(parties, telephone)
    await sign_in(parties, key)
    for wrong in (first.id, "psk_nothing"):
        with pytest.raises(NotFound):
            await parties.passkeys.remove(opened.session, wrong)
        with pytest.raises(NotFound):
            await parties.passkeys.rename(opened.session, wrong, "x")


async def test_nobody_touches_another_persons_passkey(parties: Parties) -> None:
    _, passkey = await register(parties, await anna(parties), SoftwareAuthenticator())
    await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    bob = (await parties.sign_in("Bob", PASSWORD)).session
    with pytest.raises(NotFound):
        await parties.passkeys.remove(bob, passkey.id)
    with pytest.raises(NotFound):
        await parties.passkeys.rename(bob, passkey.id, "mine")


async def test_a_disabled_persons_passkey_opens_nothing(parties: Parties) -> None:
    await anna(parties)
    bob = await parties.people.add(administrator(), "Bob", PASSWORD, ["viewer"])
    device = SoftwareAuthenticator()
    await register(parties, await parties.sign_in("Bob", PASSWORD), device)
    await parties.people.update(administrator(), bob.id, disabled=True)
    with pytest.raises(NotSignedIn):
        await sign_in(parties, device)


async def test_a_passkey_is_what_a_role_demands(records: Records, clock: ManualClock) -> None:
    parties = Parties(
        records, clock, settings=SignInSettings(second_factor_for=["administrator"]), secrets=sealing(records, clock)
    )
    opened = await anna(parties)
    assert opened.session.restricted
    device = SoftwareAuthenticator()
    renewed, passkey = await register(parties, opened, device)
    assert not renewed.session.restricted
    assert (await parties.sign_in("Anna", PASSWORD)).session.restricted
    assert not (await sign_in(parties, device)).session.restricted
    with pytest.raises(Denied) as caught:
        await parties.passkeys.remove(renewed.session, passkey.id)
    assert caught.value.code == "parties.second_factor_required"


async def test_a_node_without_a_name_has_no_passkeys(parties: Parties) -> None:
    opened = await anna(parties)
    for url in ("http://192.168.1.7:8420", "http://[::1]:8420"):
        with pytest.raises(Unsupported) as caught:
            await parties.passkeys.begin(opened.session, Origin(url=url))
        assert caught.value.code == "parties.passkeys_need_a_name"
