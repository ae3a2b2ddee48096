"""Prefixes of every code system: checked by the codes room, written in one form, and compared.

The *name* of a prefix is that by which the register knows it: ``88.118.8``, ``GS1:950600``, ``OID:1.2.156.3``,
``DID:did:bid:ef…``, ``MA:156.1000``, ``ECODE:10064``. Its *key* is the name in capitals, for the register compares
without case: two prefixes are the same when their keys are. One is *below* another when every code of it is a code of
the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from millwright.identity.codes import Code, Part
from millwright.identity.codes.gs1.check_digits import check_digit
from millwright.identity.codes.gs1.prefixes import find_organisation
from millwright.identity.codes.model import Certainty
from millwright.identity.codes.tables import rows
from millwright.identity.prefixes.errors import prefix_invalid
from millwright.kernel import Invalid

PrefixSystem: TypeAlias = Literal["handle", "gs1", "oid", "did", "ma", "ecode"]
"""The code system of a prefix; ``handle`` is that of VAA too, ``ma`` that of IDcode."""

MOST_CHARACTERS: Final = 200

_GS1_DIGITS = (4, 12)
_RESERVED_GS1 = re.compile(r"02|04|05|2|96|97[789]|98|99")
"""Ranges of restricted distribution, GTIN-8, ISSN, ISBN, coupons and receipts: no company is given a prefix there."""
_RESERVED_HANDLE = re.compile(r"(?:0|GS1|OID|DID|MA|AHM|ECODE)(?:[.:]|$)", re.IGNORECASE)
"""The handle system's own, and those under which the codes of other systems are registered."""


@dataclass(frozen=True, slots=True)
class ReadPrefix:
    """A prefix that was checked: in its canonical form, with name and key, and its parts as the codes room has them."""

    system: PrefixSystem
    prefix: str
    name: str
    key: str
    parts: tuple[Part, ...]
    certainty: Certainty
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rule:
    """How the prefixes of a system are read, and what stands between their parts (nothing: any character counts)."""

    read: Callable[[str], tuple[str, Code]]
    label: str
    separator: str
    least: int
    """Segments, or characters where nothing separates them, that the shortest prefix has."""


def read_prefix(system: PrefixSystem, text: str) -> ReadPrefix:
    """Check a prefix. Raises ``Invalid`` (``prefixes.prefix_invalid``) with the character that is wrong."""
    text = text.strip()
    if not text or len(text) > MOST_CHARACTERS:
        why = f"a prefix has 1 to {MOST_CHARACTERS} characters"
        raise prefix_invalid(system, text, 0, why, f"前缀应为 1–{MOST_CHARACTERS} 个字符")
    rule = _RULES[system]
    prefix, code = rule.read(text)
    parts = tuple(part for part in code.parts if part.name not in ("suffix", "check"))
    if system == "gs1":
        parts = _gs1_parts(prefix)
    name = f"{rule.label}{prefix}"
    return ReadPrefix(system, prefix, name, name.translate(_CAPITALS), parts, code.certainty, code.notes)


def name_of(system: str, prefix: str) -> str:
    """The name of a prefix that was checked."""
    return f"{_RULES[system].label}{prefix}"


def parents_of(key: str) -> list[str]:
    """The keys of everything that this one is below, the nearest first."""
    rule, body = _rule_of(key)
    if not rule.separator:
        return [f"{rule.label}{body[:end]}" for end in range(len(body) - 1, rule.least - 1, -1)]
    segments = body.split(rule.separator)
    return [
        f"{rule.label}{rule.separator.join(segments[:count])}" for count in range(len(segments) - 1, rule.least - 1, -1)
    ]


def beginning_of(key: str) -> str:
    """What every key below this one begins with."""
    return key + _rule_of(key)[0].separator


def _rule_of(key: str) -> tuple[_Rule, str]:
    for rule in _RULES.values():
        if rule.label and key.startswith(rule.label):
            return rule, key[len(rule.label) :]
    return _RULES["handle"], key


_CAPITALS = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


# --- the systems -----------------------------------------------------------------------------------------------------


def _parsed(system: str, text: str, parse: Callable[[str], Code], sample: str, shift: int = 0) -> Code:
    """Parse a code that begins with the prefix; what is wrong is said of the prefix. ``shift``: characters before."""
    try:
        return parse(sample)
    except Invalid as error:
        detail: dict[str, Any] = error.detail
        at = max(0, min(int(detail.get("at", 0)) - shift, len(text)))
        why = str(detail.get("why", error.message))
        raise prefix_invalid(system, text, at, why, str(detail.get("why_zh", ""))) from error


def _handle(text: str) -> tuple[str, Code]:
    from millwright.identity.codes import handle

    slash = text.find("/")
    if slash >= 0:
        raise prefix_invalid("handle", text, slash, "a prefix ends before the slash", "前缀不含斜杠")
    if _RESERVED_HANDLE.match(text):
        raise prefix_invalid("handle", text, 0, "this prefix is reserved", "该前缀为系统保留")
    return text, _parsed("handle", text, handle.parse, f"{text}/x")


def _gs1(text: str) -> tuple[str, Code]:
    from millwright.identity.codes import gs1

    least, most = _GS1_DIGITS
    wrong = next((at for at, character in enumerate(text) if character not in "0123456789"), None)
    if wrong is not None:
        raise prefix_invalid("gs1", text, wrong, "a company prefix is digits", "厂商识别代码应为数字")
    if not least <= len(text) <= most:
        why = f"a company prefix has {least} to {most} digits"
        raise prefix_invalid("gs1", text, min(len(text), most), why, f"厂商识别代码应为 {least}–{most} 位数字")
    organisation = find_organisation(text[:3])
    if organisation is None or _RESERVED_GS1.match(text):
        raise prefix_invalid("gs1", text, 0, "GS1 issues no company prefixes here", "GS1 不在此号段发放厂商识别代码")
    body = "0" + text.ljust(12, "0")
    return text, _parsed("gs1", text, gs1.SYSTEM.parse, f"(01){body}{check_digit(body)}", shift=5)


def _gs1_parts(prefix: str) -> tuple[Part, ...]:
    name, name_zh = find_organisation(prefix[:3]) or ("", "")
    return (
        Part(
            name="company_prefix", value=prefix, label="Company prefix", label_zh="厂商识别代码",
            meaning=name, meaning_zh=name_zh,
        ),
    )  # fmt: skip


def _oid(text: str) -> tuple[str, Code]:
    from millwright.identity.codes import oid

    code = _parsed("oid", text, oid.parse, text)
    return code.canonical, code


def _did(text: str) -> tuple[str, Code]:
    from millwright.identity.codes import did

    code = _parsed("did", text, did.parse, text)
    more = next((at for at, character in enumerate(text) if character in "/?#"), None)
    if more is not None:
        raise prefix_invalid("did", text, more, "a prefix has no path, query or fragment", "前缀不含路径、查询或片段")
    return code.canonical, code


def _ma(text: str) -> tuple[str, Code]:
    from millwright.identity.codes import idcode

    shift = 0 if text.startswith("MA.") else 3
    whole = text if not shift else f"MA.{text}"
    slash = text.find("/")
    if slash >= 0:
        raise prefix_invalid("ma", text, slash, "a prefix ends before the slash", "前缀不含斜杠")
    # Its general form: the medical form has a fixed length, and a prefix is only the beginning of it.
    code = _parsed("ma", text, idcode.parse_general, whole, shift)
    return whole[3:], code


def _ecode(text: str) -> tuple[str, Code]:
    from millwright.identity.codes import ecode

    code = _parsed("ecode", text, ecode.parse, text)
    return code.canonical, code


_RULES: Final[dict[str, _Rule]] = {
    "handle": _Rule(_handle, "", ".", 1),
    "gs1": _Rule(_gs1, "GS1:", "", _GS1_DIGITS[0]),
    "oid": _Rule(_oid, "OID:", ".", 2),
    "did": _Rule(_did, "DID:", ":", 3),
    "ma": _Rule(_ma, "MA:", ".", 2),
    "ecode": _Rule(_ecode, "ECODE:", "", 2 + min(int(row["nsi_digits"]) for row in rows("ecode", "version"))),
}
