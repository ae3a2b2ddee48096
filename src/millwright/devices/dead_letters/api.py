"""Routes of dead letters below ``/api/v1``."""

from __future__ import annotations

import base64
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, Parameter, PathParameter
from msgspec import Meta

from millwright.devices.dead_letters.model import DeadLetter
from millwright.devices.dead_letters.service import DeadLetters, Summary
from millwright.devices.dead_letters.stream import StoredLetter
from millwright.devices.rights import DEAD_LETTERS_READ, DEAD_LETTERS_WRITE
from millwright.kernel import Invalid
from millwright.parties import permit

_PREVIEW = 200
_LAST = 2**63 - 1
_LONGEST = 255  # both become part of a subject, and the broker hangs up on a line that is too long
Sequence = Annotated[int, PathParameter(description="Its place in the stream.", ge=1, le=_LAST)]


class Letter(msgspec.Struct, frozen=True):
    """A dead letter in a list; ``preview`` is the beginning of the payload as text, as far as it is any."""

    sequence: int
    reason: Annotated[str, Meta(examples=["telemetry.not_json"])]
    text: Annotated[str, Meta(description="The reason for a person.")]
    device_id: str | None
    topic: str
    received_ms: int
    size: Annotated[int, Meta(description="Bytes of payload.")]
    preview: str


class LetterPage(msgspec.Struct, frozen=True):
    """Dead letters, newest first; ``next`` continues the list."""

    items: list[Letter]
    next: str | None


class WholeLetter(msgspec.Struct, frozen=True):
    """A dead letter with its payload: as text when it is UTF-8, and in base64 always."""

    sequence: int
    reason: str
    text: str
    device_id: str | None
    topic: str
    received_ms: int
    size: int
    payload_text: str | None
    payload_base64: str


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which letters: either ``sequences``, or ``all`` (of one ``reason`` or ``device_id`` when given)."""

    sequences: Annotated[list[Annotated[int, Meta(ge=1, le=_LAST)]], Meta(max_length=10_000)] = []
    all: bool = False
    reason: Annotated[str, Meta(max_length=_LONGEST)] | None = None
    device_id: Annotated[str, Meta(max_length=_LONGEST)] | None = None


class Replayed(msgspec.Struct, frozen=True):
    """How many letters went into the intake again."""

    replayed: int


class Discarded(msgspec.Struct, frozen=True):
    """How many letters were removed."""

    discarded: int


class DeadLetterController(Controller):
    """What could not be read: listed, inspected, replayed, discarded."""

    path = "/dead-letters"
    tags = ("Dead letters",)

    @get(summary="List dead letters, newest first", guards=[permit(DEAD_LETTERS_READ)])
    async def list_letters(
        self,
        dead_letters: NamedDependency[DeadLetters],
        cursor: FromQuery[str | None] = None,
        reason: Annotated[str | None, Parameter(max_length=_LONGEST)] = None,
        device_id: Annotated[str | None, Parameter(max_length=_LONGEST)] = None,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
    ) -> LetterPage:
        """Those that ``reason`` and ``device_id`` match."""
        before = None if cursor is None else _sequence(cursor)
        found = await dead_letters.list(before=before, limit=limit, reason=reason, device_id=device_id)
        following = str(found[-1].sequence) if len(found) == limit else None
        return LetterPage([_brief(stored) for stored in found], following)

    @get("/summary", summary="Count dead letters by reason", guards=[permit(DEAD_LETTERS_READ)])
    async def summarise(self, dead_letters: NamedDependency[DeadLetters]) -> Summary:
        """In all, by reason, and by the devices that have most."""
        return await dead_letters.summary()

    @get("/{sequence:int}", summary="Read one dead letter", guards=[permit(DEAD_LETTERS_READ)])
    async def read(self, dead_letters: NamedDependency[DeadLetters], sequence: Sequence) -> WholeLetter:
        """With its whole payload."""
        stored = await dead_letters.get(sequence)
        letter = stored.letter
        return WholeLetter(
            stored.sequence,
            letter.reason,
            letter.text,
            letter.device_id or None,
            letter.topic,
            letter.received_ms,
            len(letter.payload),
            _text(letter),
            base64.b64encode(letter.payload).decode(),
        )

    @post("/replay", summary="Read dead letters again", status_code=200, guards=[permit(DEAD_LETTERS_WRITE)])
    async def replay(self, dead_letters: NamedDependency[DeadLetters], data: JSONBody[Selection]) -> Replayed:
        """Put letters into the intake again, after what kept them from being read was mended."""
        chosen = _chosen(data)
        return Replayed(await dead_letters.replay(chosen, reason=data.reason, device_id=data.device_id))

    @post("/discard", summary="Remove dead letters", status_code=200, guards=[permit(DEAD_LETTERS_WRITE)])
    async def discard(self, dead_letters: NamedDependency[DeadLetters], data: JSONBody[Selection]) -> Discarded:
        """Remove letters for good."""
        chosen = _chosen(data)
        return Discarded(await dead_letters.discard(chosen, reason=data.reason, device_id=data.device_id))


def _chosen(selection: Selection) -> list[int] | None:
    if selection.all == bool(selection.sequences):
        raise Invalid(
            "Choose dead letters by `sequences` or by `all`.",
            code="dead_letters.nothing_chosen",
            hint='Send {"sequences": [1, 2]} or {"all": true, "reason": "telemetry.not_json"}.',
        )
    return None if selection.all else selection.sequences


def _sequence(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 19:
        raise Invalid("The cursor is none of this list.", code="dead_letters.cursor", hint="Begin without a cursor.")
    return int(cursor)


def _brief(stored: StoredLetter) -> Letter:
    letter = stored.letter
    return Letter(
        stored.sequence,
        letter.reason,
        letter.text,
        letter.device_id or None,
        letter.topic,
        letter.received_ms,
        len(letter.payload),
        letter.payload[:_PREVIEW].decode("utf-8", "replace"),
    )


def _text(letter: DeadLetter) -> str | None:
    try:
        return letter.payload.decode()
    except UnicodeDecodeError:
        return None


ROUTES = [DeadLetterController]
"""What the web host mounts."""
