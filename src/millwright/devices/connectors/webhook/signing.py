"""Whether a request is of whom it should be of, and of now: HMAC-SHA256 as GitHub, Stripe and many others send it.

Secrets and signatures are compared in constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from millwright.devices.connectors.webhook.settings import WebhookSettings
from millwright.kernel import Denied

_GITHUB: Final = "x-hub-signature-256"
_STRIPE: Final = "stripe-signature"
_IDS: Final = ("x-github-delivery", "idempotency-key", "webhook-id", "x-delivery-id", "x-request-id")
_MOST_SIGNATURES: Final = 10


def check(settings: WebhookSettings, headers: Mapping[str, str], body: bytes, now_s: float) -> str | None:
    """Raise ``Denied`` (``connectors.webhook_signature``, ``connectors.webhook_replayed``) unless the body is signed as
    the settings want it. ``headers``: by lower-case name.

    Returns what stands for this signature, where it counts once: made of what was signed, not of the headers as they
    came, so nothing a stranger may change in them makes another of it.
    """
    key = settings.signing_secret.encode()
    if settings.scheme == "none":
        return None
    if settings.scheme == "github":
        kind, _, given = headers.get(_GITHUB, "").partition("=")
        wanted = _hex(key, body)
        _need(kind == "sha256", [given], wanted, _GITHUB)
        return _proof(wanted) if settings.once else None
    if settings.scheme == "stripe":
        said = [part.partition("=") for part in headers.get(_STRIPE, "").split(",")]
        times = [value for name, _, value in said if name.strip() == "t"]
        signatures = [value for name, _, value in said if name.strip() == "v1"]
        stamp = times[0] if len(times) == 1 else ""
        wanted = _hex(key, stamp.encode() + b"." + body)
        _need(bool(stamp), signatures, wanted, _STRIPE)
        _need_now(stamp, now_s, settings.tolerance_s)
        return _proof(wanted)
    stamp, signed = "", body
    if settings.time_header:
        stamp = headers.get(settings.time_header.lower(), "").strip()
        signed = stamp.encode() + b"." + body
    given = headers.get(settings.signature_header.lower(), "").strip().removeprefix("sha256=")
    digest = hmac.digest(key, signed, hashlib.sha256)
    wanted = digest.hex() if settings.scheme == "hex" else base64.b64encode(digest).decode()
    _need(True, [given], wanted, settings.signature_header)
    if settings.time_header:
        _need_now(stamp, now_s, settings.tolerance_s)
    return _proof(digest.hex()) if settings.time_header or settings.once else None


def is_token(settings: WebhookSettings, token: str) -> bool:
    """Whether the secret of the address is right."""
    return hmac.compare_digest(settings.token.encode(), token.encode())


def delivery_id(settings: WebhookSettings, headers: Mapping[str, str]) -> str | None:
    """What the sender calls this delivery, where it does."""
    names = (settings.id_header.lower(),) if settings.id_header else _IDS[:3]
    return next((found[:255] for name in names if (found := headers.get(name, "").strip())), None)


def _proof(signature: str) -> str:
    return hashlib.sha256(signature.encode()).hexdigest()


def _hex(key: bytes, signed: bytes) -> str:
    return hmac.digest(key, signed, hashlib.sha256).hex()


def _need(form: bool, given: list[str], wanted: str, header: str) -> None:
    found = [hmac.compare_digest(each.strip().encode(), wanted.encode()) for each in given[:_MOST_SIGNATURES]]
    if not form or not any(found):
        raise Denied(
            f"The signature in {header} is missing or wrong.",
            code="connectors.webhook_signature",
            hint="Compare the secret of the signature with the sender's; what is signed is the body as it is sent.",
        )


def _need_now(stamp: str, now_s: float, tolerance_s: float) -> None:
    try:
        away_s = abs(now_s - float(stamp))
    except ValueError:
        away_s = float("inf")
    if not away_s <= tolerance_s:
        raise Denied(
            "The time that was signed is too far from now.",
            code="connectors.webhook_replayed",
            hint="Compare the clocks; a request that is sent again has to be signed again.",
        )
