"""A signed request that is sent again under another name: taken once, as long as its signature is good."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millwright.devices.connectors.webhook import deliveries
from millwright.devices.connectors.webhook.deliveries import DeliveryStore
from millwright.devices.connectors.webhook.receiving import Webhooks
from millwright.kernel import Unavailable
from millwright.kernel.scope import EVERYTHING
from support.web import RunningWeb, running_web

TOKEN, KEY = "0123456789abcdef", "shared"


class Host:
    """Takes documents, or is away."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.asked: list[tuple[str | None, int | None]] = []
        self.away = False

    async def receive(
        self,
        _connection_id: str,
        body: bytes,
        _content_type: str,
        _timeout_s: float,
        delivery_id: str | None = None,
        received_ms: int | None = None,
    ) -> int:
        await asyncio.sleep(0)
        self.asked.append((delivery_id, received_ms))
        if self.away:
            raise Unavailable("Away.", code="connectors.lost")
        self.taken.append(body)
        return 1


async def send(webhooks: Webhooks, path: str, body: bytes, **headers: str) -> dict[str, Any]:
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def answer(message: dict[str, Any]) -> None:
        told.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await webhooks({"path": path, "method": "POST", "headers": named, "client": ("::1", 1)}, receive, answer)
    found: dict[str, Any] = msgspec.json.decode(told[1]["body"])
    return found


async def opened(web: RunningWeb, host: Host, **settings: Any) -> tuple[Webhooks, str]:
    client = await web.set_up()
    given = {"token": TOKEN, "signing_secret": KEY, **settings}
    answer = await client.post("/api/v1/connectors", json={"name": "w", "kind": "webhook", "settings": given})
    assert answer.status_code == 201, answer.text
    made = web.services.more["connectors"]
    kept = DeliveryStore(web.services.records.scoped(EVERYTHING))
    store = type(made._store)(web.services.records.scoped(EVERYTHING))
    webhooks = Webhooks(store, made._vault, made._catalogue, host, kept, web.services.clock)  # type: ignore[arg-type]
    return webhooks, f"/hooks/{answer.json()['id']}/{TOKEN}"


async def test_a_replay_under_another_name_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_web(tmp_path) as web:
        host = Host()
        webhooks, path = await opened(web, host, scheme="hex", time_header="X-Time")

        stamp = str(web.services.clock.now_ms() // 1000)

        async def post(body: bytes, **headers: str) -> dict[str, Any]:
            signature = hmac.new(KEY.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
            return await send(webhooks, path, body, x_signature=signature, x_time=stamp, **headers)

        host.away = True
        with pytest.raises(Unavailable):
            await post(b"{}", idempotency_key="a")
        host.away = False
        again = await asyncio.gather(*(post(b"{}", idempotency_key=str(at)) for at in range(5)), post(b"{}"))
        assert sorted(each["repeated"] for each in again) == [False, *[True] * 5]
        monkeypatch.setattr(deliveries, "KEPT", 2)
        monkeypatch.setattr("millwright.devices.connectors.webhook.receiving._TRIM_EVERY", 1)
        for at in range(4):  # neither replays nor others push out what is still good
            assert (await post(b"{}", idempotency_key=f"b{at}"))["repeated"]
            assert not (await post(b"[%d]" % at, idempotency_key=f"c{at}"))["repeated"]
        assert (await post(b"{}", idempotency_key="d"))["repeated"]
        assert len(host.taken) == 5
        assert not webhooks._under_way


@pytest.mark.parametrize("once", [True, False])
async def test_a_signature_without_a_time_counts_once_where_that_is_wanted(tmp_path: Path, once: bool) -> None:
    async with running_web(tmp_path) as web:
        host = Host()
        webhooks, path = await opened(web, host, scheme="github", once=once)
        signature = "sha256=" + hmac.new(KEY.encode(), b"{}", hashlib.sha256).hexdigest()
        for name in ("a", "b"):
            await send(webhooks, path, b"{}", x_hub_signature_256=signature, x_github_delivery=name)
        assert len(host.taken) == (1 if once else 2)


async def test_what_is_sent_again_was_received_when_it_first_came(tmp_path: Path) -> None:
    """The host may have died when it had stored it: told with the same moment, it stores the same."""
    async with running_web(tmp_path) as web:
        host = Host()
        webhooks, path = await opened(web, host, scheme="none")
        store, connection_id = webhooks._deliveries, path.split("/")[2]
        host.away = True
        for name in ("a", "a", "b"):
            with pytest.raises(Unavailable):
                await send(webhooks, path, b"{}", idempotency_key=name)
            await asyncio.sleep(0.01)
        (_, first), (_, again), (_, other) = host.asked
        assert first == again
        assert first is not None
        assert other is not None
        assert other > first
        assert {each.outcome for each in store.latest(connection_id, 10)} == {"refused"}
        host.away = False
        assert await send(webhooks, path, b"{}", idempotency_key="a") == {"readings": 1, "repeated": False}
        assert host.asked[-1] == ("a", first)
        assert (await send(webhooks, path, b"{}", idempotency_key="a"))["repeated"]
        assert store.begin(connection_id, "b", None, first + 10**6) == other, "b is not over"
        assert store.begin(connection_id, "a", None, first + 10**6) == first + 10**6, "what is over is forgotten"
