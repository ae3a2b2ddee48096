"""What time a NATS server has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import nats.errors
from nats.aio.client import Client

from millwright.kernel import Unavailable

_PREFIX = "$JS.API.STREAM."
_WAIT_S = 3.0


class _Names(msgspec.Struct):
    streams: list[str] | None = None


class _Info(msgspec.Struct):
    ts: str | None = None


async def read_clock(server: str, count: int = 5) -> Sequence[tuple[float, float, float]]:
    """``count`` times when a server was asked, what time it had, and when its answer came; UTC milliseconds.

    A server dates what it tells of a stream (JetStream, from 2.10 on): none has a time to tell before the first stream
    is made, and the answer is empty. Raises ``Unavailable`` (``engines.nats_unavailable``).
    """
    try:
        client = Client()
        try:
            # The client goes on trying for as long as its servers refuse, whatever the number of attempts.
            async with asyncio.timeout(_WAIT_S):
                await client.connect(
                    servers=[server], name="millwright/doctor", allow_reconnect=False, error_cb=_pass_over
                )
            reply = await client.request(f"{_PREFIX}NAMES", b"", timeout=_WAIT_S)
            streams = msgspec.json.decode(reply.data, type=_Names).streams
            if not streams:
                return []
            samples = []
            for _ in range(count):
                sent_ms = _now_ms()
                reply = await client.request(f"{_PREFIX}INFO.{streams[0]}", b"", timeout=_WAIT_S)
                received_ms = _now_ms()
                stamp = msgspec.json.decode(reply.data, type=_Info).ts
                if stamp is None:
                    return []
                samples.append((sent_ms, _milliseconds(stamp), received_ms))
            return samples
        finally:
            await client.close()
    except (OSError, nats.errors.Error, msgspec.DecodeError, ValueError) as error:  # a timeout is an OSError
        raise Unavailable(
            f"The NATS server does not tell its time: {str(error) or type(error).__name__}",
            code="engines.nats_unavailable",
            hint="Start it, or correct [nats] url.",
        ) from error


async def _pass_over(_error: Exception) -> None:
    """What goes wrong is raised where it is asked."""


def _now_ms() -> float:
    return time.time_ns() / 1e6


def _milliseconds(stamp: str) -> float:
    """RFC 3339 with up to nine digits of a second, which is more than ``datetime`` reads, as UTC milliseconds."""
    whole, _, rest = stamp.removesuffix("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
    return seconds * 1000 + (float(f"0.{rest}") * 1000 if rest else 0.0)
