"""Documents for connections are taken once by their id, also when nobody heard the answer."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from millwright.devices.connectors.taking import KEPT, Taking
from millwright.devices.connectors.webhook.receiving import Webhooks
from millwright.devices.connectors.webhook.settings import WebhookSettings
from millwright.kernel import Invalid, SystemClock, Unavailable


class Session:
    """Counts what it is given; what it was given is durable when ``durable`` is set."""

    def __init__(self) -> None:
        self.taken, self.durable = 0, asyncio.Event()

    async def take(self) -> int:
        self.taken += 1
        await self.durable.wait()
        return 2


async def test_what_is_still_to_become_durable_is_waited_for_by_who_sends_it_again() -> None:
    session, taking = Session(), Taking()
    with pytest.raises(Unavailable):
        await taking.once("con_1", "a", session.take, 0.01)
    again = asyncio.create_task(taking.once("con_1", "a", session.take, 30))
    other = asyncio.create_task(taking.once("con_2", "a", session.take, 30))
    await asyncio.sleep(0)
    session.durable.set()
    assert list(await asyncio.gather(again, other)) == [2, 2]
    assert await taking.once("con_1", "a", session.take, 30) == 2
    assert session.taken == 2


async def test_what_failed_is_taken_anew_and_not_everything_is_remembered() -> None:
    session, taking = Session(), Taking()
    session.durable.set()

    async def wrong() -> int:
        raise Invalid("No JSON.", code="connectors.webhook_document")

    with pytest.raises(Invalid):
        await taking.once("con_1", "a", wrong, 30)
    await taking.once("con_1", "a", session.take, 30)
    for number in range(KEPT):
        await taking.once("con_1", str(number), session.take, 30)
    assert session.taken == KEPT + 1
    assert len(taking._tasks) == KEPT
    await taking.once("con_1", "a", session.take, 30)
    assert session.taken == KEPT + 2, "it is long ago"


class Host:
    """Takes one document at a time, or says how many came at once."""

    def __init__(self) -> None:
        self.busy = self.most = 0
        self.ids: list[str | None] = []

    async def receive(
        self, _connection: str, _body: bytes, _type: str, _timeout_s: float, delivery_id: str, *_: int
    ) -> int:
        self.busy += 1
        self.most, self.ids = max(self.most, self.busy), [*self.ids, delivery_id]
        await asyncio.sleep(0.01)
        self.busy -= 1
        raise Unavailable("Not now.", code="connectors.not_running")


async def test_requests_with_the_same_id_go_one_after_the_other_whoever_comes_when() -> None:
    class Deliveries:
        def was_taken(self, *_: str) -> bool:
            return False

        def begin(self, *_: Any) -> int:
            return 1

        def add(self, *_: Any, **__: Any) -> None:
            """Kept."""

    host, nothing = Host(), cast(Any, None)
    hooks = Webhooks(nothing, nothing, nothing, cast(Any, host), cast(Any, Deliveries()), SystemClock())
    chosen = WebhookSettings(token="a-secret-of-24-characters")

    async def known(*_: str) -> tuple[WebhookSettings, str]:
        return chosen, "org"

    hooks._find = known  # type: ignore[method-assign,assignment]

    async def post() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"{}"}

        scope = {
            "path": "/hooks/con_1/secret", "method": "POST", "client": ("127.0.0.1", 1),
            "headers": [(b"idempotency-key", b"a")],
        }  # fmt: skip
        with pytest.raises(Unavailable):
            await hooks(scope, receive, None)

    async def late(at: int) -> None:
        await asyncio.sleep(at * 0.004)
        await post()

    await asyncio.gather(*(late(at) for at in range(20)))
    assert (host.most, host.ids) == (1, ["a"] * 20)
    assert not hooks._under_way
