"""Dead letters over HTTP: what is looked for is text, never a pattern of the broker's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from millwright.devices.dead_letters import DeadLetter, DeadLetterStream
from support.web import RunningWeb, running_web

LETTER = DeadLetter("telemetry.not_json", "This is no JSON.", "dev_1", "millwright/v1/telemetry", b"x", 1)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        await DeadLetterStream(running.bus).append(LETTER)
        yield running


@pytest.mark.parametrize("odd", ["*", ">", "a b", "telemetry.*", "a\r\nPUB x 0\r\n\r\n", "死", "a" * 255])
async def test_a_reason_or_device_that_there_is_not_finds_nothing(web: RunningWeb, odd: str) -> None:
    administrator = await web.set_up()
    for name in ("reason", "device_id"):
        found = await administrator.get("/api/v1/dead-letters", params={name: odd})
        assert (found.status_code, found.json().get("items")) == (200, []), found.text
        for done in ("discard", "replay"):
            answer = await administrator.post(f"/api/v1/dead-letters/{done}", json={"all": True, name: odd})
            assert (answer.status_code, *answer.json().values()) == (200, 0)
    assert (await administrator.get("/api/v1/dead-letters/summary")).json()["count"] == 1
    kept = await administrator.get("/api/v1/dead-letters", params={"reason": LETTER.reason, "device_id": "dev_1"})
    assert len(kept.json()["items"]) == 1


async def test_a_line_that_the_broker_would_hang_up_on_is_not_sent(web: RunningWeb) -> None:
    administrator = await web.set_up()
    long = "a" * 5000
    assert (await administrator.get("/api/v1/dead-letters", params={"reason": long})).status_code == 400
    body = {"all": True, "device_id": long}
    assert (await administrator.post("/api/v1/dead-letters/discard", json=body)).status_code == 400
