"""Codes, passkeys, providers, step-up and the demanded second factor, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from millwright.parties.second_factor.totp import STEP_S, code_at
from support.browser import chromium_path, page
from support.node import RunningNode
from support.oidc import RunningProvider
from support.ports import free_port

REFUSED = (401, 403)
NAME, PASSWORD = "Anna", "copper kettles whistle"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    with running(tmp_path, {}) as made:
        yield made


@contextmanager
def running(folder: Path, sign_in: dict[str, Any], port: int | None = None, **sections: Any) -> Iterator[RunningNode]:
    chromium_path()
    built = Path(__file__).parents[3] / "src" / "millwright" / "web" / "console" / "index.html"
    if not built.exists():
        pytest.skip("the console is not built: run `python hatch_build.py`")
    listed = {"sign_in": sign_in, "web": {"port": port} if port else {}, **sections}
    made = RunningNode(folder, {name: section for name, section in listed.items() if section})
    if port:
        made.web_port, made.url = port, f"http://127.0.0.1:{port}"
    with made as node:
        yield node


def named(node: RunningNode) -> str:
    """The node's address with a name, as passkeys take it."""
    return f"http://localhost:{node.web_port}"


def set_up(node: RunningNode, at: Any) -> None:
    at.goto(f"/setup?code={node.setup_code()}")
    at.get_by_label("User name").fill(NAME)
    at.get_by_label("Password", exact=True).fill(PASSWORD)
    at.get_by_label("Repeat password").fill(PASSWORD)
    at.get_by_role("button", name="Create administrator").click()


def sign_out(at: Any) -> None:
    status = at.evaluate("fetch('/api/v1/session', {method: 'DELETE'}).then(answer => answer.status)")
    assert status == 204
    at.goto("/sign-in")


def password(at: Any) -> None:
    at.get_by_label("User name").fill(NAME)
    at.get_by_label("Password", exact=True).fill(PASSWORD)
    at.locator("button[type=submit]").click()


def overview(at: Any) -> None:
    at.get_by_role("heading", name="Overview", exact=True).wait_for()


def virtual_authenticator(at: Any) -> tuple[Any, str]:
    """Chromium's own device in software: it keeps passkeys and says who unlocks it."""
    developer = at.context.new_cdp_session(at)
    developer.send("WebAuthn.enable")
    made = developer.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return developer, made["authenticatorId"]


def add_passkey(at: Any, name: str = "laptop") -> None:
    at.get_by_role("button", name="Add a passkey").click()
    box = at.get_by_role("dialog")
    box.get_by_label("Name", exact=True).fill(name)
    box.get_by_role("button", name="Go on").click()


def test_a_passkey_is_made_and_signs_in_without_a_name(node: RunningNode, chromium: Any) -> None:
    with page(chromium, named(node), "en", refused=REFUSED) as at:
        developer, authenticator = virtual_authenticator(at)
        set_up(node, at)
        overview(at)
        at.goto("/account/security")
        add_passkey(at)
        at.get_by_test_id("passkey").get_by_text("laptop").wait_for()
        assert len(developer.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]) == 1

        sign_out(at)
        at.get_by_role("button", name="Sign in with a passkey").click()
        overview(at)
        assert at.evaluate("fetch('/api/v1/session').then(a => a.json()).then(s => s.factors)") == ["passkey"]

        # A copy of the key would lag behind with its counter.
        [kept] = developer.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
        developer.send(
            "WebAuthn.removeCredential", {"authenticatorId": authenticator, "credentialId": kept["credentialId"]}
        )
        developer.send(
            "WebAuthn.addCredential", {"authenticatorId": authenticator, "credential": {**kept, "signCount": 0}}
        )
        sign_out(at)
        at.get_by_role("button", name="Sign in with a passkey").click()
        at.get_by_text("The counter of this passkey went back").wait_for()

        # Somebody whom the device does not recognise.
        developer.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
        at.get_by_role("button", name="Sign in with a passkey").click()
        at.get_by_text("No passkey was used.").wait_for()

        password(at)
        overview(at)
        at.goto("/account/security")
        at.get_by_text("somebody may have a copy").wait_for()
        at.get_by_test_id("passkey").get_by_role("button", name="Remove").click()
        at.get_by_role("dialog").get_by_role("button", name="Remove").click()
        at.get_by_text("No passkeys yet").wait_for()


class Telephone:
    """An authenticator app that waits until its code is a new one."""

    def __init__(self, at: Any, secret: str) -> None:
        import base64

        self.secret = base64.b32decode(secret + "=" * (-len(secret) % 8))
        self.last = 0

    def code(self) -> str:
        import time

        # One step ahead of the last is within the drift that the node allows, so no test waits half a minute twice.
        step = max(int(time.time()) // STEP_S, self.last + 1)
        while step > int(time.time()) // STEP_S + 1:
            time.sleep(0.2)
        self.last = step
        return code_at(self.secret, step)


def test_an_app_is_set_up_and_its_code_is_asked_for(node: RunningNode, chromium: Any) -> None:
    with page(chromium, node.url, "en", refused=REFUSED) as at:
        set_up(node, at)
        overview(at)
        at.goto("/account/security")
        at.get_by_text("Passkeys belong to a name").wait_for()  # it was opened by its number
        at.get_by_role("button", name="Set up an app").click()
        box = at.get_by_role("dialog")
        box.locator(".ant-qrcode svg").wait_for()
        telephone = Telephone(at, re.sub(r"[^A-Z2-7]", "", box.get_by_test_id("secret").inner_text()))
        box.get_by_label("Code").fill(telephone.code())
        box.get_by_role("button", name="Confirm").click()
        codes = re.findall(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", at.get_by_test_id("codes").inner_text())
        assert len(codes) == 10
        at.get_by_role("button", name="I have kept them").click()
        at.get_by_test_id("app-state").get_by_text("On").wait_for()

        sign_out(at)
        password(at)
        at.get_by_text("One more step").wait_for()
        at.get_by_label("Code").fill("000000")
        at.locator("button[type=submit]").click()
        at.get_by_text("The code is wrong").wait_for()
        at.get_by_label("Code").fill(telephone.code())
        at.locator("button[type=submit]").click()
        overview(at)

        sign_out(at)
        password(at)
        at.get_by_label("Code").fill(codes[0].lower())
        at.locator("button[type=submit]").click()
        overview(at)
        at.goto("/account/security")
        assert "9 left" in at.get_by_test_id("codes-left").inner_text()


def test_a_change_asks_once_more_who_one_is(tmp_path: Path, chromium: Any) -> None:
    with running(tmp_path, {"proof_minutes": 0.001}) as node, page(chromium, node.url, "en", refused=REFUSED) as at:
        set_up(node, at)
        overview(at)
        at.goto("/account/security")
        at.get_by_role("button", name="Set up an app").click()
        box = at.get_by_role("dialog", name="Is it still you?")
        box.get_by_label("Password", exact=True).fill("not the password")
        box.get_by_role("button", name="Confirm").click()
        box.get_by_text("The name or the password is wrong").wait_for()
        before = {each["name"]: each["value"] for each in at.context.cookies()}["millwright_session"]
        box.get_by_role("button", name="Cancel").click()
        box.wait_for(state="hidden")
        answer = at.evaluate("""fetch('/api/v1/session/proof', {
            method: 'POST', headers: {'Content-Type': 'application/json'},
            body: JSON.stringify({password: 'copper kettles whistle'}),
        }).then(answer => answer.status)""")
        assert answer == 200
        assert {each["name"]: each["value"] for each in at.context.cookies()}["millwright_session"] != before


def test_a_role_that_takes_a_second_factor_lets_nobody_in_without(tmp_path: Path, chromium: Any) -> None:
    with (
        running(tmp_path, {"second_factor_for": ["administrator"]}) as node,
        page(chromium, named(node), "en", refused=REFUSED) as at,
    ):
        virtual_authenticator(at)
        set_up(node, at)
        at.get_by_role("heading", name="Your role takes a second factor").wait_for()
        refused = at.evaluate("fetch('/api/v1/devices').then(a => a.json()).then(a => a.code)")
        assert refused == "parties.second_factor_required"
        add_passkey(at)
        overview(at)
        sign_out(at)
        password(at)
        at.get_by_role("heading", name="Your role takes a second factor").wait_for()
        at.get_by_role("button", name="Show my second factor").click()
        at.get_by_role("dialog").get_by_role("button", name="Use a passkey").click()
        overview(at)


@pytest.mark.parametrize(
    ("language", "button"), [("en", "Sign in with Works directory"), ("zh", "用 Works directory 登录")]
)
def test_a_provider_signs_in(tmp_path: Path, chromium: Any, language: str, button: str) -> None:
    port = free_port()
    with RunningProvider(f"http://localhost:{port}") as provider:
        settings = provider.settings(tmp_path / "secret", "es", title="Works directory", new_accounts=True)
        more = {"sign_in.providers.es": settings}
        with running(tmp_path, {}, port, **more) as node, page(chromium, named(node), language) as at:
            node.administrator().close()
            at.goto("/sign-in")
            at.get_by_role("link", name=button).click()
            at.get_by_role("heading", name="Works directory").wait_for()
            at.get_by_role("button", name="Refuse").click()
            at.wait_for_url("**/sign-in?problem=parties.provider_denied")
            at.get_by_role("alert").wait_for()
            at.get_by_role("link", name=button).click()
            at.get_by_label("Name").fill("carla")
            at.get_by_role("button", name="Continue").click()
            at.get_by_role("heading", name={"en": "Overview", "zh": "总览"}[language], exact=True).wait_for()
            session = at.evaluate("fetch('/api/v1/session').then(answer => answer.json())")
            assert session["person"]["name"] == "carla"
            assert session["factors"] == ["oidc"]
            cookies = {each["name"]: each for each in at.context.cookies(named(node))}
            assert cookies["millwright_session"]["httpOnly"]
            assert cookies["millwright_session"]["sameSite"] == "Strict"
            assert "millwright_provider" not in cookies
            at.goto("/account/security")
            at.get_by_test_id("identity").get_by_text("carla").wait_for()
