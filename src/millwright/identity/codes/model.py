"""What a parsed identifier is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

Certainty = Literal["verified", "recalled"]
"""Whether a rule was checked against its standard's text or an independent engine, or is only known from use."""


class Part(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part of a code.

    ``at`` is its offset in characters in :attr:`Code.text`, -1 when it does not stand there as such; ``label`` and
    ``label_zh`` say to people what it is; ``meaning`` is what its value stands for (a country, a date as ISO 8601),
    where that is known.
    """

    name: str
    value: str
    label: str
    label_zh: str
    at: int = -1
    meaning: str = ""
    meaning_zh: str = ""


class Code(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An identifier that was parsed.

    ``system`` names the code system (``gs1``, ``epc``, ``handle``, ``oid``, ``ecode``, ``idcode``, ``did``); ``kind``
    the kind within it (``gtin``, ``sgtin`` …). ``canonical`` is the one text by which equal identifiers are equal;
    ``text`` is what was given. ``certainty`` is that of the weakest rule that was applied; ``notes`` say what is
    unusual, in English.
    """

    system: str
    kind: str
    text: str
    canonical: str
    parts: tuple[Part, ...] = ()
    certainty: Certainty = "verified"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class System:
    """A code system.

    ``likely`` says cheaply whether a text could be one of its codes; ``parse`` raises ``Invalid``
    (``identity.code_invalid``, :func:`.bad_code`). ``conversions`` write a code in another form, by the form's name
    (``epc_uri``, ``digital_link`` …); one that does not apply raises ``Unsupported`` (``identity.no_such_form``).
    ``standard`` names standard, edition and clause.
    """

    name: str
    label: str
    label_zh: str
    standard: str
    example: str
    likely: Callable[[str], bool]
    parse: Callable[[str], Code]
    conversions: dict[str, Callable[[Code], str]]
