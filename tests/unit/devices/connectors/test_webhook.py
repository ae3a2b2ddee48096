"""Webhooks: signatures as others make them, and what documents give."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import threading
from typing import Any

import msgspec
import pytest

from millwright.devices.connectors.conformance import check_addresses, check_identity, check_kind, check_settings
from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN, Point
from millwright.devices.connectors.json_path import parse_place
from millwright.devices.connectors.webhook import signing
from millwright.devices.connectors.webhook.connector import WebhookConnector
from millwright.devices.connectors.webhook.documents import FORM, documents_of, samples_of
from millwright.devices.connectors.webhook.settings import WebhookSettings
from millwright.kernel import Denied, Invalid, LimitExceeded, Unavailable

TOKEN = "a-secret-of-24-characters"
NOW_S = 1_492_774_577.0


def settings(**given: Any) -> WebhookSettings:
    return WebhookSettings(token=TOKEN, **given)


def refused(chosen: WebhookSettings, headers: dict[str, str], body: bytes, now_s: float = NOW_S) -> str:
    with pytest.raises(Denied) as caught:
        signing.check(chosen, headers, body, now_s)
    return caught.value.code


def test_githubs_own_example() -> None:
    # GitHub Docs, "Validating webhook deliveries": testing the webhook payload validation.
    chosen = settings(scheme="github", signing_secret="It's a Secret to Everybody")
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    signing.check(chosen, {"x-hub-signature-256": signature}, b"Hello, World!", NOW_S)
    assert refused(chosen, {"x-hub-signature-256": signature}, b"Hello, World?") == "connectors.webhook_signature"
    assert refused(chosen, {"x-hub-signature-256": signature[7:]}, b"Hello, World!")
    assert refused(chosen, {}, b"Hello, World!")


def test_stripes_scheme_has_a_time() -> None:
    chosen, body = settings(scheme="stripe", signing_secret="whsec_test"), b'{"a":1}'
    signature = hmac.new(b"whsec_test", b"1492774577." + body, hashlib.sha256).hexdigest()
    header = {"stripe-signature": f"t=1492774577,v1={'0' * 64},v1={signature},v0=6ffbb5"}
    signing.check(chosen, header, body, NOW_S + 299)
    assert refused(chosen, header, body, NOW_S + 301) == "connectors.webhook_replayed"
    assert refused(chosen, {"stripe-signature": f"t=1492774578,v1={signature}"}, body) == "connectors.webhook_signature"
    assert refused(chosen, {"stripe-signature": f"t=1492774577,t=1,v1={signature}"}, body)
    assert refused(chosen, {"stripe-signature": f"v1={signature}"}, body)


@pytest.mark.parametrize("scheme", ["hex", "base64"])
def test_a_header_of_ones_own(scheme: Any) -> None:
    body = b"temperature=21"
    chosen = settings(scheme=scheme, signing_secret="s", signature_header="X-My", time_header="X-Time")
    digest = hmac.digest(b"s", b"1492774577." + body, "sha256")
    given = digest.hex() if scheme == "hex" else base64.b64encode(digest).decode()
    signing.check(chosen, {"x-my": given, "x-time": "1492774577"}, body, NOW_S)
    assert refused(chosen, {"x-my": given, "x-time": "1492774577"}, body, NOW_S - 400) == "connectors.webhook_replayed"
    assert refused(chosen, {"x-my": given}, body) == "connectors.webhook_signature"
    digest = hmac.digest(b"s", b"nan." + body, "sha256")
    given = digest.hex() if scheme == "hex" else base64.b64encode(digest).decode()
    assert refused(chosen, {"x-my": given, "x-time": "nan"}, body) == "connectors.webhook_replayed"


def test_a_signature_stands_for_what_was_signed_and_not_for_its_headers() -> None:
    body, key = b'{"a":1}', "whsec_test"
    signature = hmac.new(key.encode(), b"1492774577." + body, hashlib.sha256).hexdigest()
    chosen = settings(scheme="stripe", signing_secret=key, once=False)
    header = f"t=1492774577,v1={signature}"
    first = signing.check(chosen, {"stripe-signature": header}, body, NOW_S)
    again = signing.check(chosen, {"stripe-signature": f"v1={'0' * 64}, {header}", "webhook-id": "9"}, body, NOW_S)
    assert first is not None
    assert first == again
    plain = hmac.new(b"s", body, hashlib.sha256).hexdigest()
    for scheme, name in (("github", "x-hub-signature-256"), ("hex", "x-signature")):
        given = {name: f"sha256={plain}"}
        assert signing.check(settings(scheme=scheme, signing_secret="s"), given, body, NOW_S) is not None
        assert signing.check(settings(scheme=scheme, signing_secret="s", once=False), given, body, NOW_S) is None
    assert signing.check(settings(), {}, body, NOW_S) is None


def test_who_knows_the_address_and_what_a_delivery_is_called() -> None:
    chosen = settings()
    assert signing.is_token(chosen, TOKEN)
    assert not signing.is_token(chosen, TOKEN[:-1])
    assert signing.delivery_id(chosen, {"x-github-delivery": "7", "webhook-id": "8"}) == "7"
    assert signing.delivery_id(chosen, {}) is None
    assert signing.delivery_id(settings(id_header="X-Mine"), {"x-mine": "9", "webhook-id": "8"}) == "9"


def test_documents_forms_and_lists() -> None:
    chosen = settings(items_place="events", time_place="at")
    body = b'{"events":[{"at":1750000000,"t":20.5,"on":true},{"at":"no time","t":21},{"t":22,"at":1750000002000}]}'
    found = samples_of(
        documents_of(body, "application/json; charset=utf-8", chosen), [("a", ["t"]), ("b", ["on"])], chosen
    )
    assert [(each.point_id, each.value, each.time_ms, each.quality) for each in found] == [
        ("a", 20.5, 1_750_000_000_000, GOOD), ("b", True, 1_750_000_000_000, GOOD),
        ("a", 21, None, UNCERTAIN), ("a", 22, 1_750_000_002_000, GOOD),
    ]  # fmt: skip
    (form,) = documents_of(b"t=21.5&n=007&name=P+7&big=1e999&x=", FORM, settings())
    assert form == {"t": 21.5, "n": 7, "name": "P 7", "big": "1e999", "x": ""}
    for wrong in (b"", b"{", b"\xff", b"[" * 100_000, b'{"events":7}', b'{"other":[]}'):
        with pytest.raises(Invalid):
            documents_of(wrong, "application/json", chosen)


async def test_long_lists_are_gone_through_once_and_beside_the_loop() -> None:
    chosen = settings()
    items = [{"a": f"n{at}", "v": at} for at in range(20_000)]
    body = msgspec.json.encode({"s": items})
    session = await WebhookConnector().open(chosen)
    delivered: list[Any] = []
    threads: set[int] = set()

    async def deliver(samples: Any) -> None:
        delivered.extend(samples)

    def watched(*given: Any) -> Any:
        threads.add(threading.get_ident())
        return samples_of(*given)

    points = [Point(id=str(at), address=f"s[a=n{19_999 - at}].v") for at in range(1000)]
    following = asyncio.create_task(session.run(points, deliver))
    await asyncio.sleep(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("millwright.devices.connectors.webhook.connector.samples_of", watched)
        assert await session.receive(body, "") == 1000
    assert [each.value for each in delivered] == list(range(19_999, 18_999, -1))
    assert threads
    assert threading.get_ident() not in threads
    await session.close()
    with pytest.raises(Unavailable):
        await following


def test_what_is_too_much_to_look_up_is_refused() -> None:
    items = [{"a": 1, "v": 1}] * 20_000
    keys = [(str(at), parse_place(f"s[k{at}=1].v")) for at in range(1000)]
    many = [({"v": 1})] * 10_000
    places = [(str(at), ["v"]) for at in range(101)]
    for documents, wanted in (([{"s": items}], keys), (many, places)):
        with pytest.raises(LimitExceeded) as caught:
            samples_of(documents, wanted, settings())
        assert caught.value.code == "connectors.webhook_too_much"


async def test_a_session_waits_for_what_is_sent() -> None:
    connector = WebhookConnector()
    session = await connector.open(settings())
    delivered: list[Any] = []

    async def deliver(samples: Any) -> None:
        delivered.extend(samples)

    with pytest.raises(Unavailable) as caught:  # nothing is mapped yet: it is kept to be mapped, and to be sent again
        await session.receive(b'{"line":{"speed":7,"unit":"m/s"}}', "")
    assert caught.value.code == "connectors.webhook_unmapped"
    (line,) = (await session.browse()).items
    assert [node.address for node in (await session.browse(line.address)).items] == ["/line/speed", "/line/unit"]
    following = asyncio.create_task(session.run([Point(id="p", address="/line/speed")], deliver))
    await asyncio.sleep(0)
    assert await session.receive(b'{"line":{"speed":8}}', "") == 1
    assert await session.receive(b'{"line":{}}', "") == 0
    assert [(each.point_id, each.value) for each in delivered] == [("p", 8)]
    (bad,) = await session.read(["/nowhere"])
    assert bad.quality == BAD
    await session.close()
    with pytest.raises(Unavailable):
        await following


async def test_of_the_conformance_suite_what_a_webhook_can_pass() -> None:
    connector = WebhookConnector()
    check_kind(connector)
    check_settings(connector)
    check_addresses(connector, ["/a/b", "a[0].b", "a[x=1].b"], "\x00 is no address")
    await check_identity(connector, {"token": TOKEN})
    with pytest.raises(Invalid):
        await connector.open(settings(scheme="github"))
