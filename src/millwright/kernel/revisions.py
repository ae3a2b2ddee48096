"""Revisions as HTTP carries them (RFC 9110, 8.8.3 and 13.1.1): an ETag is the number of a revision in quotes."""

from __future__ import annotations

from millwright.kernel.errors import Invalid


def etag(revision: int) -> dict[str, str]:
    """The header of an answer that shows this revision."""
    return {"ETag": f'"{revision}"'}


def revision_of(if_match: str | None) -> int | None:
    """The revision that a change rests on, by its ``If-Match``; none without one, and for ``*``.

    Raises ``Invalid`` (``kernel.etag_invalid``).
    """
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(
            "If-Match is no ETag of what is to be changed.",
            code="kernel.etag_invalid",
            hint='Send the ETag as it came, such as "3".',
        )
    return int(text)
