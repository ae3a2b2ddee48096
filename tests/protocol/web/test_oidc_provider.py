"""Signing in through a real provider: there, back, linked, made, refused, signed out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from millwright.ledger import Act, Draft, entries_of
from millwright.parties import OidcProvider, SignInSettings
from millwright.parties.oidc import client as provider_client
from millwright.web import audit
from support.oidc import RunningProvider
from support.ports import free_port
from support.web import PASSWORD, RunningWeb, running_web

pytestmark = pytest.mark.usefixtures("fresh_keys")


@pytest.fixture
def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_client, "_KEYS_AGAIN_S", 0.0)  # a test does not wait until keys may be read again


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def provider(port: int) -> Iterator[RunningProvider]:
    with RunningProvider(f"http://127.0.0.1:{port}") as running:
        yield running


@pytest.fixture
async def web(tmp_path: Path, port: int, provider: RunningProvider) -> AsyncIterator[RunningWeb]:
    listed = {
        "rs": provider.settings(tmp_path / "rs", "rs", title="Works directory"),
        "es": provider.settings(tmp_path / "es", "es", new_accounts=True, default_roles=["operator"]),
        "ed": provider.settings(tmp_path / "ed", "ed", new_accounts=True, second_factor=True),
    }
    settings = SignInSettings(providers={name: msgspec.convert(each, OidcProvider) for name, each in listed.items()})
    async with running_web(tmp_path, sign_in=settings, port=port) as running:
        yield running


async def there(client: httpx.AsyncClient, address: str, login: str = "anna") -> httpx.Response:
    """Follow a browser's way up to the provider's answer; the response that leads back to the node."""
    answer = await client.get(address)
    while "/callback" not in answer.headers.get("location", ""):
        if answer.status_code == 200:
            answer = await client.post(str(answer.url), data={"login": login} if login else {"refuse": "yes"})
        else:
            assert answer.is_redirect, answer.text
            answer = await client.get(str(httpx.URL(str(answer.url)).join(answer.headers["location"])))
    return answer


async def sign_in(web: RunningWeb, client: httpx.AsyncClient, name: str, login: str = "anna") -> httpx.Response:
    """All the way; the node's answer to the returning browser."""
    answer = await there(client, f"{web.url}/api/v1/session/oidc/{name}?path=/devices", login)
    return await client.get(answer.headers["location"])


async def link(web: RunningWeb, client: httpx.AsyncClient, login: str) -> httpx.Response:
    begun = await client.post("/api/v1/account/identities", json={"provider": "rs", "path": "/account/security"})
    assert begun.status_code == 200, begun.text
    answer = await there(client, begun.json()["url"], login)
    return await client.get(answer.headers["location"])


@pytest.mark.parametrize("name", ["es", "ed"])
async def test_a_newcomer_gets_an_account_where_the_settings_allow(web: RunningWeb, name: str) -> None:
    administrator = await web.set_up("Olga")
    client = web.client()
    answer = await sign_in(web, client, name)
    assert (answer.status_code, answer.headers["location"]) == (303, "/devices")
    session = (await client.get("/api/v1/session")).json()
    assert session["person"]["name"] == "anna"
    assert session["person"]["roles"] == (["operator"] if name == "es" else ["viewer"])
    assert session["factors"] == (["oidc"] if name == "es" else ["oidc", "oidc_second"])
    await client.delete("/api/v1/session")
    assert (await sign_in(web, client, name)).headers["location"] == "/devices"
    people = (await administrator.get("/api/v1/people")).json()
    assert [person["name"] for person in people if person["kind"] == "person"] == ["anna", "Olga"]


async def test_who_came_back_and_who_was_refused_is_recorded(web: RunningWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    acts: list[tuple[Act, Draft]] = []
    denied: list[Draft] = []
    monkeypatch.setattr(audit, "entries_of", lambda act, draft: acts.append((act, draft)) or entries_of(act, draft))
    monkeypatch.setattr(web.services.denials, "offer", denied.append)
    administrator = await web.set_up("Olga")
    acts.clear()
    await sign_in(web, web.client(), "es")
    [(act, draft)] = acts
    assert act.actor is not None
    assert (act.actor.name, draft.action, [each.kind for each in act.notes]) == (
        "anna",
        "session.sign_in",
        ["person", "identity", "session"],
    )
    acts.clear()
    assert "problem" in (await sign_in(web, web.client(), "rs", "zoe")).headers["location"]
    assert acts == []
    assert [(each.action, each.outcome, each.error) for each in denied] == [
        ("session.sign_in", "denied", "parties.identity_unknown")
    ]
    await link(web, administrator, "olga.works")
    [(act, _)] = acts
    assert act.actor is not None
    assert (act.action, act.actor.name, [each.kind for each in act.notes]) == (
        "account.identities.add",
        "Olga",
        ["identity"],
    )


async def test_a_name_or_an_address_links_nothing(web: RunningWeb) -> None:
    administrator = await web.set_up("anna")
    client = web.client()
    answer = await sign_in(web, client, "rs", "anna")
    assert answer.headers["location"] == "/sign-in?problem=parties.identity_unknown"
    assert (await client.get("/api/v1/session")).status_code == 401
    assert (await sign_in(web, client, "es", "anna")).headers["location"] == "/devices"
    person = (await client.get("/api/v1/session")).json()["person"]
    assert (person["name"], person["roles"]) == ("anna 2", ["operator"])
    assert (await administrator.get("/api/v1/session")).json()["person"]["id"] != person["id"]


async def test_an_identity_is_linked_by_its_person_and_unlinked(web: RunningWeb) -> None:
    administrator = await web.set_up()
    assert (await link(web, administrator, "anna.works")).headers["location"] == "/account/security"
    [identity] = (await administrator.get("/api/v1/account/identities")).json()
    assert (identity["provider"], identity["label"]) == ("rs", "anna.works")
    client = web.client()
    assert (await sign_in(web, client, "rs", "anna.works")).headers["location"] == "/devices"
    assert (await client.get("/api/v1/session")).json()["person"]["name"] == "Anna"
    bob = await web.person(administrator, "Bob", "viewer")
    taken = await link(web, bob, "anna.works")
    assert taken.headers["location"] == "/sign-in?problem=parties.identity_taken"
    assert (await bob.delete(f"/api/v1/account/identities/{identity['id']}")).status_code == 404
    assert (await administrator.delete(f"/api/v1/account/identities/{identity['id']}")).status_code == 204
    assert "identity_unknown" in (await sign_in(web, web.client(), "rs", "anna.works")).headers["location"]


async def test_the_last_way_in_stays(web: RunningWeb) -> None:
    await web.set_up("Olga")
    client = web.client()
    await sign_in(web, client, "es")
    [identity] = (await client.get("/api/v1/account/identities")).json()
    answer = await client.delete(f"/api/v1/account/identities/{identity['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "parties.last_way_in")


async def test_what_began_elsewhere_or_before_opens_nothing(web: RunningWeb) -> None:
    await web.set_up("Olga")
    one, other = web.client(), web.client()
    back = (await there(one, f"{web.url}/api/v1/session/oidc/es")).headers["location"]
    # Login CSRF: somebody else's browser is sent to the callback.
    assert (await other.get(back)).headers["location"] == "/sign-in?problem=parties.ceremony_over"
    await other.get("/api/v1/session/oidc/es")
    assert (await other.get(back)).headers["location"] == "/sign-in?problem=parties.id_token_refused"
    assert (await other.get("/api/v1/session")).status_code == 401
    # Replay: the same address once more, with the cookie put back.
    cookie = one.cookies["millwright_provider"]
    assert (await one.get(back)).headers["location"] == "/"
    one.cookies.set("millwright_provider", cookie)
    assert (await one.get(back)).headers["location"] == "/sign-in?problem=parties.ceremony_spent"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "x"}, "parties.id_token_refused"),
        ({"state": ""}, "parties.id_token_refused"),
        ({"iss": "https://evil.example"}, "parties.id_token_refused"),
        ({"code": "x"}, "parties.provider_refused"),
        ({"code": ""}, "parties.provider_denied"),
        ({"error": "access_denied"}, "parties.provider_denied"),
    ],
)
async def test_a_changed_answer_opens_nothing(web: RunningWeb, change: dict[str, str], code: str) -> None:
    await web.set_up("Olga")
    client = web.client()
    back = httpx.URL((await there(client, f"{web.url}/api/v1/session/oidc/es")).headers["location"])
    answer = await client.get(back.copy_merge_params(change))
    assert answer.headers["location"] == f"/sign-in?problem={code}"
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_an_answer_for_one_provider_does_not_pass_for_another(web: RunningWeb) -> None:
    await web.set_up("Olga")
    client = web.client()
    back = (await there(client, f"{web.url}/api/v1/session/oidc/es")).headers["location"]
    answer = await client.get(back.replace("/oidc/es/", "/oidc/ed/"))
    assert answer.headers["location"] == "/sign-in?problem=parties.id_token_refused"


async def test_what_is_asked_of_the_provider(web: RunningWeb, provider: RunningProvider) -> None:
    client = web.client()
    answer = await client.get("/api/v1/session/oidc/rs", params={"path": "//evil.example"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{provider.issuer}/auth?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert asked["redirect_uri"] == f"{web.url}/api/v1/session/oidc/rs/callback"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    for secret in ("state", "nonce"):
        assert asked[secret] not in cookie


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/api/v1/tokens"])
async def test_the_way_back_leads_to_the_console_alone(web: RunningWeb, path: str) -> None:
    await web.set_up("Olga")
    client = web.client()
    begun = httpx.URL(f"{web.url}/api/v1/session/oidc/es").copy_merge_params({"path": path})
    back = (await there(client, str(begun))).headers["location"]
    assert (await client.get(back)).headers["location"] == "/"


async def test_somebody_who_refuses_comes_back_signed_out(web: RunningWeb) -> None:
    client = web.client()
    assert "provider_denied" in (await sign_in(web, client, "es", "")).headers["location"]


async def test_rotated_keys_are_found(web: RunningWeb, provider: RunningProvider) -> None:
    await web.set_up("Olga")
    assert (await sign_in(web, web.client(), "es")).headers["location"] == "/devices"
    await web.client().post(f"{provider.issuer}/control/keys")
    assert (await sign_in(web, web.client(), "es")).headers["location"] == "/devices"


async def test_a_proof_at_the_provider_renews_the_session(web: RunningWeb) -> None:
    await web.set_up("Olga")
    client = web.client()
    await sign_in(web, client, "es", "anna")
    before = client.cookies["millwright_session"]
    for login, place in (("bob", "/sign-in?problem=parties.id_token_refused"), ("anna", "/account")):
        begun = await client.post("/api/v1/account/identities/proof", json={"provider": "es", "path": "/account"})
        assert "prompt=login" in begun.json()["url"]
        back = await there(web.client(), begun.json()["url"], login)  # nobody is signed in there
        assert (await client.get(back.headers["location"])).headers["location"] == place
    assert client.cookies["millwright_session"] != before
    assert (await client.get("/api/v1/session")).json()["person"]["name"] == "anna"


async def test_signing_out_at_the_provider_ends_the_session_here(web: RunningWeb, provider: RunningProvider) -> None:
    await web.set_up("Olga")
    client, elsewhere = web.client(), web.client()
    await sign_in(web, client, "es")
    await sign_in(web, elsewhere, "es")
    page = await client.get(f"{provider.issuer}/session/end", params={"client_id": "es"})
    fields: dict[str, Any] = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text)) | {"logout": "yes"}
    done = await client.post(f"{provider.issuer}/session/end/confirm", data=fields)
    assert done.status_code in (302, 303), done.text
    assert (await client.get("/api/v1/session")).status_code == 401
    assert (await elsewhere.get("/api/v1/session")).status_code == 200


async def test_a_logout_that_nobody_signed_ends_nothing(web: RunningWeb) -> None:
    await web.set_up("Olga")
    client = web.client()
    await sign_in(web, client, "es")
    caller = web.client()
    del caller.headers["origin"]
    for form, status in (({"logout_token": "a.b.c"}, 403), ({}, 400), ({"logout_token": ""}, 400)):
        answer = await caller.post("/api/v1/session/oidc/es/logout", data=form)
        assert answer.status_code == status, answer.text
    assert (await caller.post("/api/v1/session", data={"name": "Olga", "password": PASSWORD})).status_code == 415
    assert (await client.get("/api/v1/session")).status_code == 200


async def test_a_provider_that_is_away_is_said_so(web: RunningWeb, provider: RunningProvider) -> None:
    provider.__exit__()
    answer = await web.client().get("/api/v1/session/oidc/rs")
    assert answer.headers["location"] == "/sign-in?problem=parties.provider_unavailable"
    unknown = await web.client().get("/api/v1/session/oidc/nobody")
    assert unknown.headers["location"] == "/sign-in?problem=parties.provider_unknown"


async def test_the_sign_in_page_knows_the_ways(web: RunningWeb) -> None:
    ways = (await web.client().get("/api/v1/session/ways")).json()
    assert ways["providers"][0] == {"name": "rs", "title": "Works directory"}
    assert not ways["passkeys"]  # reached by its number
    named = await web.client().get(
        f"http://localhost:{urlsplit(web.url).port}/api/v1/session/ways", headers={"origin": "http://x"}
    )
    assert named.json()["passkeys"]
