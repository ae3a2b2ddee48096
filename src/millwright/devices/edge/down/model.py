"""What an edge says of the parts of its desired state."""

from __future__ import annotations

from msgspec import Struct


class SectionRefusal(Struct, frozen=True, kw_only=True):
    """Something that the edge cannot or will not do, in words. ``what`` is its name, ``id`` that of the record."""

    id: str
    what: str
    code: str
    message: str
    hint: str = ""


class SectionReport(Struct, frozen=True, kw_only=True):
    """One section of the desired state: how many were ``desired`` and how many of these are ``in_force``.

    ``refused`` names the others, at most twenty.
    """

    name: str
    desired: int
    in_force: int
    refused: list[SectionRefusal] = []


MOST_REFUSALS = 20
