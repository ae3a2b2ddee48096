"""Handles (RFC 3650, RFC 3651): a prefix, a slash, a suffix; DOI names (ISO 26324) and VAA names among them.

A prefix is one or more segments between dots. Characters are those of ISO/IEC 10646 in UTF-8. Case: prefixes are
compared without the case of A to Z, for the Global Handle Registry does so (RFC 3651, section 2.1.3); suffixes by the
rule of the server that keeps them, and the servers in use fold A to Z as well. So does :attr:`Code.canonical`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.model import Certainty, Code, Part, System
from millwright.identity.codes.tables import rows, weakest
from millwright.identity.codes.text import ascii_lower, check_text, percent_decoded
from millwright.identity.handle.naming import MAX_HANDLE_BYTES

_SCHEMES = re.compile(
    r"(?P<web>https?://(?:hdl\.handle\.net|(?:dx\.|www\.)?doi\.org)/(?:api/handles/)?)"
    r"|(?P<info>info:(?:hdl|doi)/)"
    r"|(?P<short>hdl:|doi:)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^/]*://")
_BARE = re.compile(r"[0-9][\w-]*(?:\.[^/.\s]+)*/.")
_SAFE = "/:;@!$&'()*+,=~"
"""What RFC 3986 leaves unescaped in a path; ``%``, ``?`` and ``#`` are not in it."""


@dataclass(frozen=True, slots=True)
class Named:
    """The two halves of a handle, decoded, and where they begin in the text."""

    prefix: str
    suffix: str
    prefix_at: int
    suffix_at: int
    notes: tuple[str, ...]


def likely(text: str) -> bool:
    """Whether the text names a handle's scheme, or begins like a registered prefix."""
    return bool(_SCHEMES.match(text) or _BARE.match(text))


def parse(text: str) -> Code:
    """A handle as ``20.500/a``, ``hdl:``, ``info:hdl/``, ``doi:``, or a proxy's URL. Raises ``Invalid``."""
    check_text(text)
    named = _split(text)
    parts, certainty = _parts(named)
    kind = "doi" if named.prefix == "10" or named.prefix.startswith("10.") else _kind(named.prefix)
    return Code(
        system="handle",
        kind=kind,
        text=text,
        canonical=ascii_lower(f"{named.prefix}/{named.suffix}"),
        parts=parts,
        certainty=certainty,
        notes=named.notes,
    )


def _split(text: str) -> Named:
    scheme = _SCHEMES.match(text)
    if scheme is None and _ADDRESS.match(text):
        raise bad_code(text, 0, "an address that is no handle proxy's", why_zh="不是 Handle 代理服务器的网址")
    start = scheme.end() if scheme else 0
    end, notes = len(text), []
    if scheme and scheme["web"]:
        # A proxy's own parameters (?noredirect, ?auth) and a fragment are not part of the handle.
        end = min([at for at in (text.find("?", start), text.find("#", start)) if at >= 0], default=end)
        if end < len(text):
            notes.append(f"{text[end:]!r} is for the proxy and no part of the handle.")
    slash = text.find("/", start, end)
    escaped = scheme is not None
    if slash < 0:
        raise bad_code(
            text,
            end,
            "no slash after the prefix",
            "A handle is prefix/suffix, such as 20.500/abc.",
            why_zh="前缀后缺少斜杠",
        )
    prefix = percent_decoded(text, start, slash) if escaped else text[start:slash]
    suffix = percent_decoded(text, slash + 1, end) if escaped else text[slash + 1 : end]
    _check_prefix(text, prefix, start)
    if not suffix:
        raise bad_code(text, slash + 1, "nothing after the slash", "Give the suffix.", why_zh="斜杠后没有后缀")
    _check_whole(text, f"{prefix}/{suffix}", start, slash + 1)
    return Named(prefix, suffix, start, slash + 1, tuple(notes))


def _check_whole(text: str, handle: str, start: int, suffix_at: int) -> None:
    """What decoded would be read as something else, or is too long for those who keep handles."""
    if _SCHEMES.match(handle) or _ADDRESS.match(handle):
        raise bad_code(
            text,
            start,
            "a scheme within a scheme",
            "Write the handle behind one scheme.",
            why_zh="前缀处又出现了方案名",
        )
    if handle[-1].isspace():
        raise bad_code(text, suffix_at, "a space at the end of the suffix", "Remove it.", why_zh="后缀末尾有空格")
    size = len(handle.encode())
    if size > MAX_HANDLE_BYTES:
        raise bad_code(
            text, suffix_at, f"a handle has at most {MAX_HANDLE_BYTES} bytes and this one {size}",
            why_zh=f"Handle 最长 {MAX_HANDLE_BYTES} 字节，此处为 {size} 字节",
        )  # fmt: skip


def _check_prefix(text: str, prefix: str, start: int) -> None:
    at = start
    for segment in prefix.split("."):
        if not segment:
            raise bad_code(
                text, at, "an empty segment of the prefix", "Dots stand between segments.", why_zh="前缀中有空的段"
            )
        for offset, character in enumerate(segment):
            if character.isspace() or character == "/":
                raise bad_code(text, at + offset, "not allowed in a prefix", why_zh="前缀中不允许的字符")
        at += len(segment) + 1


def _kind(prefix: str) -> str:
    first = prefix.partition(".")[0]
    return next(
        (str(row["kind"]) for row in rows("handle", "prefix") if row["first"] == first and "kind" in row), "handle"
    )


def _parts(named: Named) -> tuple[tuple[Part, ...], Certainty]:
    segments = named.prefix.split(".")
    known = next((row for row in rows("handle", "prefix") if row["first"] == segments[0]), None)
    parts, at = [], named.prefix_at
    found: Certainty = "verified"
    for index, segment in enumerate(segments):
        name, label, label_zh, meaning, meaning_zh = f"prefix_{index + 1}", "Prefix", "前缀", "", ""
        if index == 0 and known is not None:
            meaning, meaning_zh = known["meaning"], known["meaning_zh"]
            found = weakest(found, known["certainty"])
        elif index and known is not None and "levels" in known:
            level = known["levels"][min(index, len(known["levels"])) - 1]
            name, label, label_zh = level["name"], level["label"], level["label_zh"]
        elif index:
            label, label_zh = "Derived prefix", "派生前缀"
        parts.append(
            Part(
                name=name, value=segment, label=label, label_zh=label_zh, at=at, meaning=meaning, meaning_zh=meaning_zh
            )
        )
        at += len(segment) + 1
    parts.append(Part(name="suffix", value=named.suffix, label="Suffix", label_zh="后缀", at=named.suffix_at))
    return tuple(parts), found


# --- other forms -----------------------------------------------------------------------------------------------------


def _plain(code: Code) -> str:
    """``prefix/suffix`` in the case it was given in: servers keep the case of a handle although they fold it."""
    named = _split(code.text)
    return f"{named.prefix}/{named.suffix}"


def _escaped(code: Code) -> str:
    return quote(_plain(code), safe=_SAFE)


def _doi(code: Code) -> str:
    if code.kind != "doi":
        raise no_such_form("a DOI", "its prefix does not begin with 10.")
    return _escaped(code)


SYSTEM = System(
    name="handle",
    label="Handle, DOI and VAA names",
    label_zh="Handle（含 DOI、VAA）",
    standard="RFC 3650, RFC 3651; DOI: ISO 26324",
    example="88.118.8/pump-7",
    likely=likely,
    parse=parse,
    conversions={
        "handle": _plain,
        "hdl": lambda code: f"hdl:{_escaped(code)}",
        "https": lambda code: f"https://hdl.handle.net/{_escaped(code)}",
        "info": lambda code: f"info:hdl/{_escaped(code)}",
        "doi": lambda code: f"doi:{_doi(code)}",
        "doi_https": lambda code: f"https://doi.org/{_doi(code)}",
    },
)
"""Handles; ``hdl:`` is the form of the Handle System's own documents, ``info:hdl/`` that of RFC 4452."""
