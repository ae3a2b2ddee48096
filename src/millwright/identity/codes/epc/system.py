"""EPC as a code system: identities, classes, patterns, tag URIs and what tags hold in hexadecimal."""

from __future__ import annotations

import re

from millwright.identity.codes.epc.conversion import elements_from, from_elements, pairs_of
from millwright.identity.codes.epc.identity import Identity, read_identity
from millwright.identity.codes.epc.plus import is_plus, read_plus, write_plus
from millwright.identity.codes.epc.tags import BY_HEADER, TAG, Tag, read_hex, read_tag_uri, tag_of
from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.gs1 import system as gs1
from millwright.identity.codes.gs1.compression import compress
from millwright.identity.codes.gs1.digital_link import CANONICAL_STEM, write_link
from millwright.identity.codes.gs1.elements import (
    Element,
    check_together,
    find_fault,
    refuse,
    write_bracketed,
    write_transmitted,
)
from millwright.identity.codes.model import Code, Part, System

MOST_CHARACTERS = 512

VERIFIED_PLUS = frozenset({"sgtin+", "dsgtin+", "sscc+"})
"""The ``+`` schemes of which an example written elsewhere was read; of the others only the tables are known."""

_HEX = re.compile("(?:[0-9A-Fa-f]{2}){4,64}")


def likely(text: str) -> bool:
    """Whether a text could be an EPC."""
    if text[:8] == "urn:epc:":
        return True
    if _HEX.fullmatch(text) is None:
        return False
    # Fewer than 96 bits that begin with a digit are rather a number.
    return is_plus(text) or (len(text) >= 20 and int(text[:2], 16) in BY_HEADER)


def parse(text: str) -> Code:
    """What an EPC identifies; raises ``Invalid`` (``identity.code_invalid``) with the character that is wrong."""
    if len(text) > MOST_CHARACTERS:
        raise bad_code(
            text,
            MOST_CHARACTERS,
            f"it is longer than {MOST_CHARACTERS} characters.",
            why_zh=f"超过 {MOST_CHARACTERS} 个字符。",
        )
    if text.startswith(TAG):
        return _of_tag(text, read_tag_uri(text))
    if text.startswith("urn:"):
        return _of_identity(text, read_identity(text), ())
    if _HEX.fullmatch(text) is None:
        raise bad_code(
            text,
            0,
            "this is neither an EPC URI nor the hexadecimal digits of one.",
            why_zh="既不是 EPC URI，也不是其十六进制。",
        )
    return _of_plus(text) if is_plus(text) else _of_tag(text, read_hex(text))


def _of_tag(text: str, tag: Tag) -> Code:
    # In hexadecimal digits nothing stands as such.
    at = len(TAG) if text.startswith(TAG) else -1
    named = Part(name="encoding", value=tag.encoding.name, label="Binary encoding", label_zh="二进制编码", at=at)
    if not tag.encoding.filter_bits:
        return _of_identity(text, tag.identity, (named,))
    behind = at + len(tag.encoding.name) + 1 if at >= 0 else -1
    filtered = Part(name="filter", value=str(tag.filter), label="Filter value", label_zh="过滤值", at=behind)
    return _of_identity(text, tag.identity, (named, filtered))


def _of_identity(text: str, identity: Identity, before: tuple[Part, ...]) -> Code:
    scheme = identity.scheme
    if scheme.key and identity.form != "idpat":
        # A key's own check may forbid what the URI's grammar allows, such as a prefix of a reserved range.
        _check_key(text, identity)
    places = identity.places or (-1,) * len(identity.values)
    parts = [
        Part(name=field.name, value=value, label=field.label, label_zh=field.label_zh, at=at)
        for field, value, at in zip(scheme.fields, identity.values, places, strict=True)
    ]
    kind = scheme.name if identity.form != "idpat" else f"{scheme.name}-pattern"
    return Code(system="epc", kind=kind, text=text, canonical=identity.uri(), parts=(*before, *parts))


def _check_key(text: str, identity: Identity) -> None:
    for element in elements_from(pairs_of(identity)):
        if fault := find_fault(element.entry, element.value):
            refuse(text, identity.places[0] if identity.places else 0, fault._replace(at=0))


def _of_plus(text: str) -> Code:
    tag = read_plus(text)
    elements = elements_from(tag.pairs)
    for element in elements:
        if fault := find_fault(element.entry, element.value):
            refuse(text, 3, fault._replace(at=0))
    check_together(text, elements)
    return Code(
        system="epc",
        kind=tag.name,
        text=text,
        # Without the company prefix's length there is no pure identity: the Digital Link is the one text it has.
        canonical=write_link(elements, canonical=True) or "",
        certainty="verified" if tag.name in VERIFIED_PLUS else "recalled",
        parts=(
            Part(name="filter", value=str(tag.filter), label="Filter value", label_zh="过滤值"),
            *(
                Part(name=one.entry.ai, value=one.value, label=one.entry.title, label_zh=one.entry.title_zh)
                for one in elements
            ),
        ),
    )


def _identity(code: Code) -> Identity:
    if not code.canonical.startswith("urn:"):
        raise no_such_form("an EPC URI", f"a {code.kind} does not say how long its GS1 Company Prefix is.")
    return read_identity(code.canonical)


def elements_of(code: Code) -> list[Element]:
    """The GS1 elements that say what an EPC says; raises ``Unsupported`` when it is no GS1 key."""
    if code.canonical.startswith("urn:"):
        return elements_from(pairs_of(read_identity(code.canonical)))
    return gs1.elements_of(code)


def element_string(code: Code) -> str:
    """As an element string with brackets."""
    return write_bracketed(elements_of(code))


def gs1_128(code: Code) -> str:
    """As a scanner transmits it from a GS1-128 symbol."""
    return "]C1" + write_transmitted(elements_of(code))


def digital_link(code: Code) -> str:
    """As a Digital Link at id.gs1.org."""
    link = write_link(elements_of(code))
    if link is None:
        raise no_such_form("a Digital Link", "it has no primary key of one.")
    return link


def digital_link_compressed(code: Code) -> str:
    """As a compressed Digital Link at id.gs1.org."""
    digital_link(code)
    return f"{CANONICAL_STEM}/{compress({one.entry.ai: one.value for one in elements_of(code)})}"


def epc_uri(code: Code) -> str:
    """As a pure identity, class or pattern URI."""
    return _identity(code).uri()


def epc_tag_uri(code: Code) -> str:
    """As a tag URI, in the encoding and with the filter value it has, else the shortest encoding and filter value 0."""
    return _tag(code).uri()


def epc_hex(code: Code) -> str:
    """As the hexadecimal digits of a tag's EPC memory."""
    if not code.canonical.startswith("urn:"):
        return write_plus({one.entry.ai: one.value for one in elements_of(code)}, _filter(code))
    return _tag(code).hex()


def _filter(code: Code) -> int:
    return int(next((part.value for part in code.parts if part.name == "filter"), "0"))


def _tag(code: Code) -> Tag:
    encoding = next((part.value for part in code.parts if part.name == "encoding"), "")
    return tag_of(_identity(code), encoding, _filter(code))


def epc_of(code: Code, prefix_length: int) -> Code:
    """The EPC of a GS1 code whose company prefix has ``prefix_length`` digits; raises ``Unsupported`` without one."""
    identity = from_elements(gs1.elements_of(code), prefix_length)
    return _of_identity(identity.uri(), identity, ())


SYSTEM = System(
    name="epc",
    label="EPC identities and RFID tags",
    label_zh="EPC 标识与射频标签",
    standard="GS1 EPC Tag Data Standard 1.13, clauses 6 to 8, 12 and 14; 2.0, clause 14.5 (+ schemes)",
    example="urn:epc:id:sgtin:0614141.812345.6789",
    likely=likely,
    parse=parse,
    conversions={
        "element_string": element_string,
        "gs1_128": gs1_128,
        "digital_link": digital_link,
        "digital_link_compressed": digital_link_compressed,
        "epc_uri": epc_uri,
        "epc_tag_uri": epc_tag_uri,
        "epc_hex": epc_hex,
    },
)
"""EPC as a code system."""
