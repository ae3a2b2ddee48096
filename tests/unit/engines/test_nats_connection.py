"""The connection to NATS without a broker."""

from __future__ import annotations

import asyncio

import pytest

from millwright.engines.nats import NatsConnection


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
