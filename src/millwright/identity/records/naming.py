"""The one name under which the record of a code is kept, whatever the code system.

A name has the shape of a handle, so that a native Handle client may ask for it: ``OID/1.2.156.3``, ``DID/did:web:…``,
``GS1/01/09506000134352/21/7`` (the path of its Digital Link in canonical order), ``ECODE/…``, ``MA/156.…``. A handle
(a VAA or DOI name too) is its own name; an EPC has the name of the GS1 key that it stands for.

Names are compared without regard to the case of A to Z, as handles are; a serial number of GS1 or a DID is not. So in
the names of such systems a letter in the case that the system seldom uses stands behind ``~``, which none of them has:
serial number ``aB`` is ``…/21/~aB``, and no other serial number is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from millwright.identity.codes import Code, bad_code, convert, parse_any
from millwright.identity.codes.epc import elements_of as elements_of_epc
from millwright.identity.codes.errors import no_such_form
from millwright.identity.codes.gs1 import elements_of as elements_of_gs1
from millwright.identity.codes.gs1.digital_link import CANONICAL_STEM, write_link
from millwright.identity.codes.gs1.elements import Element
from millwright.identity.codes.parsing import system_named
from millwright.kernel import Invalid, Unsupported

_OWN_ADDRESS = re.compile(r"https?://[^/?#]+/(?:id|api/handles|1\.0/identifiers)/(?P<rest>[^?#]+)", re.IGNORECASE)

_GS1_PATH = re.compile(r"(?:0[01]|25[35]|40[12]|41[47]|80(?:0[346]|1[0378]))/[!-~]")
"""The path of a Digital Link alone, as one that copies half of an address has it."""


class _Room(NamedTuple):
    """A prefix that the names of one code system begin with; ``seldom`` is the case that is marked."""

    system: str
    seldom: str
    begins: str
    """What stands before the rest of a name in the code's own text."""

    def marked(self, text: str) -> str:
        return re.sub(f"[~{self.seldom}]", lambda found: "~" + found[0], text)

    def unmarked(self, text: str) -> str:
        """Whatever the case of the name: what is not marked has the usual one."""
        usual, seldom = (str.upper, str.lower) if self.seldom == "a-z" else (str.lower, str.upper)
        shown = re.split("(~.)", text)
        return "".join(seldom(each[1]) if at % 2 else _ascii(usual, each) for at, each in enumerate(shown))


def _ascii(change: Callable[[str], str], text: str) -> str:
    return re.sub("[A-Za-z]+", lambda found: change(found[0]), text)


_ROOMS = {
    "GS1": _Room("gs1", "a-z", f"{CANONICAL_STEM}/"),
    "OID": _Room("oid", "a-z", ""),
    "DID": _Room("did", "A-Z", ""),
    "ECODE": _Room("ecode", "a-z", ""),
    "MA": _Room("idcode", "a-z", "MA."),
    "AHM": _Room("idcode", "a-z", "AHM"),
}
"""By the prefix of the name. Prefixes of handles that are registered are numbers, so none of them is one."""


def name_of(code: Code) -> str:
    """The name under which the record of a code is kept. Raises ``Unsupported`` (``identity.no_such_form``).

    What only describes (a weight, an expiry date in a Digital Link's query) is no part of it.
    """
    match code.system:
        case "handle":
            return convert(code, "handle")
        case "gs1":
            return name_of_elements(elements_of_gs1(code))
        case "epc":
            return name_of_elements(elements_of_epc(code))
        case "oid":
            return f"OID/{code.canonical}"
        case "did":
            return "DID/" + _ROOMS["DID"].marked(convert(code, "did"))
        case "ecode":
            return "ECODE/" + _ROOMS["ECODE"].marked(code.canonical)
        case "idcode":
            prefix = "AHM" if code.canonical.startswith("AHM") else "MA"
            room = _ROOMS[prefix]
            return f"{prefix}/" + room.marked(code.canonical.removeprefix(room.begins))
    raise no_such_form("a name", f"the code system {code.system!r} has none.")


def name_of_elements(elements: list[Element]) -> str:
    """The name of what GS1 elements identify. Raises ``Unsupported`` (``identity.no_such_form``)."""
    return "GS1/" + _ROOMS["GS1"].marked(_path(elements))


def _path(elements: list[Element]) -> str:
    """``01/09506000134352/21/7``: key and qualifiers in the order of the standard."""
    link = write_link(elements, canonical=True)
    if link is None:
        # Something stands beside the key that no Digital Link may say: it is not part of the name anyway.
        key = next((one for one in elements if one.entry.key), None)
        kept = [] if key is None else [one for one in elements if one is key or one.entry.ai in key.entry.qualifiers]
        link = write_link(kept, canonical=True)
    if link is None:
        raise no_such_form("a name", "it has no key of a thing, only what describes one.")
    return link.removeprefix(f"{CANONICAL_STEM}/").partition("?")[0]


def code_of(name: str) -> Code:
    """The code whose record is kept under a name, in whatever case. Raises ``Invalid`` (``identity.code_invalid``)."""
    prefix, slash, rest = name.partition("/")
    room = _ROOMS.get(prefix.upper()) if slash else None
    if room is None:
        return system_named("handle").parse(name)
    return system_named(room.system).parse(room.begins + room.unmarked(rest))


def name_of_text(text: str) -> str:
    """The name of what a person typed, scanned or pasted: a code of any system, a name, an address of a page here.

    Raises ``Invalid`` (``identity.code_unknown``, ``identity.code_invalid``) and ``Unsupported``
    (``identity.no_such_form``).
    """
    return name_of(code_of_text(text))


def code_of_text(text: str) -> Code:
    """The code that a text means; see :func:`name_of_text`."""
    text = text.strip()
    if text.partition("/")[0].upper() in _ROOMS and "/" in text:
        return _code_of_typed_name(text)
    if _GS1_PATH.match(text):
        # It has the shape of a handle as well, but no prefix of handles begins so.
        try:
            return system_named("gs1").parse(f"{CANONICAL_STEM}/{text}")
        except (Invalid, Unsupported):
            pass
    try:
        return parse_any(text).code
    except Invalid:
        found = _OWN_ADDRESS.match(text)
        if found is None:
            raise
    return code_of_text(_decoded(text, found["rest"]))


def _code_of_typed_name(text: str) -> Code:
    """A name may be typed with its marks or without them, as the code itself is written."""
    if "~" not in text:
        room = _ROOMS[text.partition("/")[0].upper()]
        try:
            return system_named(room.system).parse(room.begins + text.partition("/")[2])
        except (Invalid, Unsupported):
            pass
    return code_of(text)


def _decoded(text: str, rest: str) -> str:
    try:
        return unquote_to_bytes(rest).decode()
    except UnicodeDecodeError:
        raise bad_code(text, text.find(rest), "the percent escapes are no UTF-8") from None
