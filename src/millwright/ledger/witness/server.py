"""A witness over HTTP: ``POST /add-checkpoint`` (C2SP tlog-witness), and what it saw, for whoever verifies."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from typing import TYPE_CHECKING, Any

from millwright.kernel import MillwrightError
from millwright.ledger.notes import Note
from millwright.ledger.witness.state import Refused, Witness

if TYPE_CHECKING:
    from litestar.types import Receive, Send

logger = logging.getLogger(__name__)

_MOST_BYTES = 64 * 1024
_MOST_PROOF = 63
_SIZE_TYPE, _TEXT_TYPE = "text/x.tlog.size", "text/plain; charset=utf-8"


def parse_request(body: bytes) -> tuple[int, list[bytes], Note]:
    """The old size, the consistency proof and the tree head of a request. Raises ``ValueError`` or ``Invalid``."""
    head, found, note = body.decode().partition("\n\n")
    first, *lines = head.split("\n")
    word, _, said = first.partition(" ")
    plain = said.isascii() and said.isdigit() and (said == "0" or not said.startswith("0")) and len(said) < 19
    if not found or word != "old" or not plain or len(lines) > _MOST_PROOF:
        raise ValueError("This is no request to co-sign.")
    proof = [base64.b64decode(line, validate=True) for line in lines]
    if any(len(each) != 32 for each in proof):
        raise ValueError("A hash has 32 bytes.")
    return int(said), proof, Note.parse(note)


def create_witness(witness: Witness) -> Any:
    """The ASGI application."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        if path.endswith("/add-checkpoint"):
            if method != "POST":
                await _answer(send, 405, "Send a tree head by POST.\n")
                return
            await _answer(send, *await _add(witness, receive))
        elif method == "GET" and path == "/key":
            await _answer(send, 200, f"{witness.verifier}\n")
        elif method == "GET" and path == "/latest":
            origin = scope["query_string"].decode("latin-1").removeprefix("origin=")
            note = await asyncio.to_thread(witness.last, origin)
            await _answer(send, 404 if note is None else 200, "Nothing was seen.\n" if note is None else str(note))
        else:
            await _answer(send, 404, "There is nothing here.\n")

    return app


async def _add(witness: Witness, receive: Receive) -> tuple[int, str, str]:
    body = b""
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            return 400, "The request ended early.\n", _TEXT_TYPE
        body += message.get("body", b"")
        if len(body) > _MOST_BYTES:
            return 413, "That is too much.\n", _TEXT_TYPE
        if not message.get("more_body", False):
            break
    try:
        old, proof, note = parse_request(body)
        lines = await asyncio.to_thread(witness.add, old, proof, note)
    except Refused as refused:
        if refused.size is not None:
            return refused.status, f"{refused.size}\n", _SIZE_TYPE
        logger.warning("a tree head is not co-signed: %s", refused)
        return refused.status, f"{refused}\n", _TEXT_TYPE
    except (MillwrightError, ValueError, binascii.Error) as error:
        return 400, f"{error}\n", _TEXT_TYPE
    return 200, lines, _TEXT_TYPE


async def _answer(send: Send, status: int, text: str, media_type: str = _TEXT_TYPE) -> None:
    body = text.encode()
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
