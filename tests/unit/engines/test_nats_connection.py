"""The connection to NATS without a broker."""

from __future__ import annotations

import asyncio

import nats.errors
import nats.js.errors
import pytest

from millwright.engines.nats import NatsConnection
from millwright.engines.nats import connection as module


async def test_losing_the_broker_while_an_append_expires_raises_nothing() -> None:
    """nats-py gives up reconnecting for good when this callback raises."""
    connection = NatsConnection("nats://127.0.0.1:1", "test")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0) as limit:
            connection._appending.add(limit)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await connection._on_disconnected()
                raise


@pytest.mark.parametrize(
    "error",
    [
        nats.errors.NoRespondersError(),
        nats.js.errors.ServiceUnavailableError(),
        nats.js.errors.APIError(err_code=10005),
    ],
    ids=["nobody there", "not ready", "no peers"],
)
async def test_a_broker_without_its_streams_is_asked_at_intervals(
    monkeypatch: pytest.MonkeyPatch, error: nats.errors.Error
) -> None:
    monkeypatch.setattr(module, "_RESTORE_TIMEOUT_S", 0.35)
    calls = 0

    async def call() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        raise error

    with pytest.raises(type(error)):
        await module._once_restored(call)
    assert 1 < calls <= 5
