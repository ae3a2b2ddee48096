"""Parsing a text of an unknown system, and writing codes in other forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from millwright.identity.codes.model import Code, System
from millwright.identity.codes.systems import SYSTEMS
from millwright.identity.codes.text import check_length
from millwright.kernel import Invalid, Unsupported


class Refusal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a system does not take a text; ``at`` is the offset in characters."""

    system: str
    at: int
    why: str
    why_zh: str = ""
    likely: bool = False


class Found(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a text turned out to be; ``also`` names other systems that would take it."""

    code: Code
    also: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()


def parse_any(text: str, systems: Sequence[System] = SYSTEMS) -> Found:
    """Try each system in order; spaces around the text are left out.

    Raises ``Invalid`` (``identity.code_unknown``; ``identity.code_invalid`` for a text longer than any identifier).

    A system that the text does not look like is believed only when no likely one takes it.
    """
    text = text.strip()
    # Before any system looks at it, which could take long.
    check_length(text)
    taken: list[tuple[bool, Code]] = []
    refused: list[Refusal] = []
    for system in systems:
        likely = system.likely(text)
        try:
            taken.append((likely, system.parse(text)))
        except Invalid as error:
            detail = error.detail
            refused.append(
                Refusal(
                    system=system.name, at=int(detail.get("at", 0)), why=str(detail.get("why", error.message)),
                    why_zh=str(detail.get("why_zh", "")), likely=likely,
                )
            )  # fmt: skip
    # A likely system that refuses knows better than one that would take anything of that shape.
    certain = [code for likely, code in taken if likely]
    if not certain and any(each.likely for each in refused):
        taken = []
    codes = certain + [code for likely, code in taken if not likely]
    if not codes:
        raise _unknown(text, refused)
    return Found(code=codes[0], also=tuple(code.system for code in codes[1:]), refused=tuple(refused))


def _unknown(text: str, refused: list[Refusal]) -> Invalid:
    likely = [each for each in refused if each.likely]
    # Of several, the one that understood most of the text says best what is wrong with it.
    nearest = max(likely or refused, key=lambda each: each.at, default=None)
    detail: dict[str, Any] = {
        "text": text[:200],
        "tried": [
            {"system": each.system, "at": each.at, "why": each.why, "why_zh": each.why_zh, "likely": each.likely}
            for each in refused
        ],
    }
    if likely and nearest is not None:
        detail |= {"system": nearest.system, "at": nearest.at, "why": nearest.why, "why_zh": nearest.why_zh}
        message = f"It looks like {nearest.system}, but at character {nearest.at + 1}: {nearest.why}"
    else:
        message = "No code system takes this text"
    return Invalid(
        message, code="identity.code_unknown", hint="`tried` says why each system refused it.", detail=detail
    )


def system_named(name: str) -> System:
    """The system of that name. Raises ``Invalid``."""
    found = next((system for system in SYSTEMS if system.name == name), None)
    if found is None:
        names = ", ".join(system.name for system in SYSTEMS)
        raise Invalid(f"There is no code system {name!r}", code="identity.system_unknown", hint=f"One of {names}.")
    return found


def parse_as(text: str, system: str | None = None) -> Found:
    """Parse by one system, or by whichever takes it. Raises ``Invalid``."""
    return parse_any(text) if system is None else Found(code=system_named(system).parse(text.strip()))


def convert(code: Code, form: str) -> str:
    """The code in another form. Raises ``Unsupported`` (``identity.no_such_form``)."""
    conversions = system_named(code.system).conversions
    if form not in conversions:
        raise Unsupported(
            f"{code.system} codes have no form {form!r}",
            code="identity.no_such_form",
            hint=f"One of {', '.join(conversions)}.",
        )
    return conversions[form](code)


def forms_of(code: Code) -> dict[str, str]:
    """Every form this very code has."""
    found = {}
    for form in system_named(code.system).conversions:
        try:
            found[form] = convert(code, form)
        except (Unsupported, Invalid):
            continue
    return found
