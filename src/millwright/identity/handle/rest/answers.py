"""Response codes of the Handle protocol as answers over HTTP (Handle.Net 9 Technical Manual, 14.4)."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

from millwright.identity.handle.elsewhere import SIGNATURE_REFUSED
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.model import Reference
from millwright.identity.handle.service import rc_of
from millwright.identity.handle.wire.codes import Rc
from millwright.kernel import MillwrightError

STATUS: dict[int, int] = {
    Rc.SUCCESS: 200,
    Rc.ERROR: 500,
    Rc.SERVER_BUSY: 503,
    Rc.PROTOCOL_ERROR: 400,
    Rc.OPERATION_DENIED: 403,
    Rc.HANDLE_NOT_FOUND: 404,
    Rc.HANDLE_ALREADY_EXISTS: 409,
    Rc.INVALID_HANDLE: 400,
    Rc.VALUE_NOT_FOUND: 400,
    Rc.VALUE_ALREADY_EXISTS: 409,
    Rc.VALUE_INVALID: 400,
    Rc.SERVER_NOT_RESPONSIBLE: 404,
    Rc.SERVICE_REFERRAL: 404,
    Rc.PREFIX_REFERRAL: 404,
    Rc.INVALID_ADMIN: 403,
    Rc.INSUFFICIENT_PERMISSIONS: 403,
    Rc.AUTHENTICATION_NEEDED: 401,
    Rc.AUTHENTICATION_FAILED: 401,
    Rc.INVALID_CREDENTIAL: 401,
    Rc.AUTHENTICATION_TIMEOUT: 401,
    Rc.AUTHENTICATION_ERROR: 401,
}
"""A handle that has none of the values asked for is read with 200: the handle is there (:data:`READ_EMPTY`)."""

READ_EMPTY = 200


class Refusal(Exception):
    """What is asked is not done; ``code`` is the protocol's, ``claimed`` who somebody did not prove to be."""

    def __init__(self, code: int, message: str = "", status: int = 0, claimed: Reference | None = None) -> None:
        super().__init__(message)
        self.claimed = claimed
        self.code, self.message = int(code), message
        self.status = status or STATUS.get(code, 500)


def refusal_of(error: MillwrightError) -> Refusal:
    """An error of the node as the protocol says it; the text is that of a caller's mistake only."""
    code = rc_of(error) or Rc.ERROR
    told = error.family in ("invalid", "conflict", "denied", "not_found", "limit_exceeded", "unsupported")
    if error.code == SIGNATURE_REFUSED:
        # Nothing failed here, and who asks must know why there is no record.
        return Refusal(code, str(error.detail["why"]), 503)
    text = str(error.detail.get("why") or error.message) if told else "The server failed; its log says why."
    if isinstance(error, MessageError):
        code = Rc.PROTOCOL_ERROR
    return Refusal(code, text, 413 if error.family == "limit_exceeded" else 0)


def encode(code: int, handle: str | None = None, more: dict[str, Any] | None = None, *, pretty: bool = False) -> bytes:
    """An answer's body."""
    shown: dict[str, Any] = {"responseCode": int(code)}
    if handle is not None:
        shown["handle"] = handle
    body = msgspec.json.encode(shown | (more or {}))
    return msgspec.json.format(body, indent=2) if pretty else body


def etag_of(body: bytes) -> bytes:
    """Of what is shown and nothing else: a change of what is not shown does not change it."""
    return b'"%08x%08x%x"' % (zlib.crc32(body), zlib.adler32(body), len(body))
