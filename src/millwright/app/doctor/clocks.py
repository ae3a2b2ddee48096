"""Clocks beside this machine's: how far apart they are, as well as questions and answers can tell."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

from millwright.app.doctor.finding import Finding, ok, warning, wrong
from millwright.app.logs import hide_secrets
from millwright.engines.nats import read_clock
from millwright.kernel import Unavailable

_QUESTIONS = 5
_WARN_MS, _WRONG_MS = 250.0, 2000.0
_HINT = "Set both by a time server (NTP); devices' source times are kept as they are."

Sample = tuple[float, float, float]
"""When the other was asked, the time it told, when the answer came; UTC milliseconds."""


@dataclass(frozen=True, slots=True)
class Skew:
    """The other clock minus this machine's: ``ms``, give or take ``within_ms``."""

    ms: float
    within_ms: float


def estimate(samples: Sequence[Sample], resolution_ms: float = 0.0) -> Skew:
    """From the quickest answer: the other clock told its time somewhere between question and answer.

    ``resolution_ms`` is the step of a clock that rounds down.
    """
    sent, told, received = min(samples, key=lambda sample: abs(sample[2] - sample[0]))
    half = abs(received - sent) / 2
    return Skew(told + resolution_ms / 2 - (sent + received) / 2, half + resolution_ms / 2)


def judge(check: str, whose: str, skew: Skew) -> Finding:
    """A finding about the clock of ``whose``; only what exceeds the uncertainty counts."""
    message = f"{whose} is {skew.ms:+.1f} ms from this machine's (± {skew.within_ms:.1f} ms)."
    certain_ms = abs(skew.ms) - skew.within_ms
    if certain_ms > _WRONG_MS:
        return wrong(check, message, _HINT)
    if certain_ms > _WARN_MS:
        return warning(check, message, _HINT)
    return ok(check, message)


def check_node(url: str, tls: ssl.SSLContext | None) -> list[Finding]:
    """The clock of the running node's web role. Nothing when it does not answer: others say that."""
    samples = []
    try:
        for _ in range(_QUESTIONS):
            sent_ms = time.time_ns() / 1e6
            with urllib.request.urlopen(f"{url}/healthz", timeout=5, context=tls) as reply:  # noqa: S310 - our own URL
                body = reply.read()
            samples.append((sent_ms, float(json.loads(body)["at_ms"]), time.time_ns() / 1e6))
    except (OSError, ValueError, KeyError):
        return []
    skew = estimate(samples, resolution_ms=1.0)
    return [judge("clock of the node", f"The clock of the running node ({url})", skew)]


def check_nats(servers: str) -> list[Finding]:
    """The clocks of NATS servers on other machines. Nothing for one that cannot be reached: others say that."""
    return [finding for server in servers.split(",") for finding in _check_one(server.strip())]


def _check_one(server: str) -> list[Finding]:
    shown = hide_secrets(server)
    try:
        samples = asyncio.run(read_clock(server, _QUESTIONS))
    except Unavailable:
        return []
    if not samples:
        return [ok("clock of NATS", f"{shown} tells no time before the node's first start; not compared.")]
    return [judge("clock of NATS", f"The clock of the NATS server {shown}", estimate(samples))]
