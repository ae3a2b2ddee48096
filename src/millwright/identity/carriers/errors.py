"""Errors of carriers."""

from __future__ import annotations

from millwright.kernel import Corrupt, Invalid, LimitExceeded


def content_refused(text: str, at: int, why: str, why_zh: str) -> Invalid:
    """The text cannot be carried by the symbology, from character ``at`` on."""
    return Invalid(
        f"At character {at + 1}: {why}",
        code="identity.carrier_content",
        hint="Choose another symbology, or correct the text.",
        detail={"at": at, "why": why, "why_zh": why_zh, "text": text[:200]},
    )


def content_too_long(symbology: str, why: str) -> Invalid:
    """The text does not fit into the largest symbol, or its writer refuses it."""
    return Invalid(
        f"A {symbology} symbol cannot hold this: {why}",
        code="identity.carrier_refused",
        hint="Shorten the text, or choose another symbology or a lower level of correction.",
        detail={"why": why},
    )


def picture_unreadable(why: str) -> Invalid:
    """What was sent is no picture of a kind that is read."""
    return Invalid(
        f"This is no picture that can be read: {why}",
        code="identity.picture_unreadable",
        hint="Send a PNG, JPEG, WebP, GIF or BMP picture.",
    )


def picture_too_large(why: str) -> LimitExceeded:
    """More bytes or more pixels than are looked at."""
    return LimitExceeded(
        f"The picture is too large: {why}",
        code="identity.picture_too_large",
        hint="Send a smaller picture, or the part with the code alone.",
    )


def labels_refused(why: str, row: int | None = None) -> Invalid:
    """A list of labels that cannot be printed."""
    where = "" if row is None else f"Row {row}: "
    return Invalid(
        f"{where}{why}", code="identity.labels_refused", hint="Correct the list.", detail={"row": row, "why": why}
    )


def bank_refused(why: str) -> Invalid:
    """An EPC or a layout that no tag can hold."""
    return Invalid(why, code="identity.tag_refused", hint="Give hexadecimal digits in words of four, up to 124 digits.")


def bank_corrupt(why: str) -> Corrupt:
    """A dump of memory that is not what a tag holds."""
    return Corrupt(why, code="identity.tag_corrupt", hint="Read the tag again, from word 0 of bank 01.")
