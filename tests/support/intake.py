"""What a listener stored: the runs in the stream INTAKE."""

from __future__ import annotations

from millwright.devices.intake import INTAKE, Run, decode_frame
from millwright.engines.nats import NatsConnection


async def stored_runs(nats_url: str) -> list[Run]:
    """Every run in INTAKE, in order."""
    connection = NatsConnection(nats_url, "test reader")
    await connection.start()
    try:
        await connection.ensure_stream(INTAKE)
        return [run async for message in connection.scan(INTAKE.name) for run in decode_frame(message.data).runs]
    finally:
        await connection.stop()


async def stored_payloads(nats_url: str) -> list[bytes]:
    """Every payload in INTAKE, in order."""
    return [payload for run in await stored_runs(nats_url) for payload in run.payloads]
