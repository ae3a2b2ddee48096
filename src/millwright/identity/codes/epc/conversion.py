"""Between EPC identities and GS1 Application Identifiers (Tag Data Standard, clause 7).

From GS1 to EPC one must know how many digits the company prefix has. It is not in the code, and no list of prefixes is
free to carry; the caller says it.
"""

from __future__ import annotations

from collections.abc import Sequence

from millwright.identity.codes.epc.components import escape
from millwright.identity.codes.epc.identity import CLASS, ID, IDPAT, Identity, read_identity
from millwright.identity.codes.epc.schemes import SCHEMES
from millwright.identity.codes.errors import no_such_form
from millwright.identity.codes.gs1.check_digits import check_digit
from millwright.identity.codes.gs1.elements import Element
from millwright.identity.codes.gs1.table import table

_BY_KEY = {scheme.key: scheme for scheme in SCHEMES.values() if scheme.key and scheme.name not in ("sgtin", "upui")}


def pairs_of(identity: Identity) -> dict[str, str]:
    """The Application Identifiers that say what an identity says; raises ``Unsupported`` when there are none."""
    scheme, values = identity.scheme, identity.values
    if not scheme.key:
        raise no_such_form("GS1 element strings", f"a {scheme.name} is no GS1 key.")
    known = values[: values.index("*")] if identity.form == "idpat" and "*" in values else values
    # The piece and the total are part of the key of an ITIP.
    if len(known) < (4 if scheme.name == "itip" else 2):
        raise no_such_form("GS1 element strings", "the pattern leaves the key open.")
    prefix, reference = known[:2]
    if scheme.form == "indicator":
        digits = reference[0] + prefix + reference[1:]
    else:
        digits = ("0" if scheme.form == "padded" else "") + prefix + reference
    # The leading zero of a GRAI weighs nothing in its check digit.
    key = digits if scheme.form == "none" else digits + check_digit(digits)
    rest = known[2:]
    if scheme.name == "itip":
        key += "".join(rest[:2])
        rest = rest[2:]
    if rest and not scheme.serial:
        key += rest[0]
    found = {scheme.key: key}
    if rest and scheme.serial and not (scheme.name == "sgln" and rest[0] == "0"):
        found[scheme.serial] = rest[0]
    return found


def elements_from(pairs: dict[str, str]) -> list[Element]:
    """Elements of Application Identifiers with their values, as if they had been read."""
    by_ai = table().by_ai
    return [Element(by_ai[ai], value, 0, 0) for ai, value in pairs.items()]


def from_elements(elements: Sequence[Element], prefix_length: int) -> Identity:
    """The EPC of elements whose key begins with a company prefix of ``prefix_length`` digits (6 to 12).

    With a serial number it is an identity; a GTIN with a batch is a class; without either, a pattern of all serials.
    Raises ``Unsupported`` when there is no such EPC.
    """
    pairs = {element.entry.ai: element.value for element in elements}
    if not 6 <= prefix_length <= 12:
        raise no_such_form("an EPC", "a company prefix has 6 to 12 digits here.")
    if "01" in pairs:
        return _of_gtin(pairs, prefix_length)
    key = next((ai for ai in pairs if ai in _BY_KEY), None)
    if key is None:
        raise no_such_form("an EPC", "none of its identifiers is the key of an EPC scheme.")
    scheme, value = _BY_KEY[key], pairs[key]
    fields: list[str | None]
    if scheme.name == "itip":
        fields = [*_split_gtin(value[:14], prefix_length), value[14:16], value[16:], pairs.get("21")]
    elif scheme.form == "indicator":
        fields = [*_split_gtin(value, prefix_length)]
    elif scheme.form == "none":
        prefix, reference = value[:prefix_length], value[prefix_length:]
        if not prefix.isdecimal() or not reference:
            raise no_such_form("an EPC", f"({key}) does not begin with a company prefix of {prefix_length} digits.")
        fields = [prefix, reference]
        if scheme.serial:
            fields.append(pairs.get(scheme.serial))
    else:
        digits = value[1 : scheme.digits + 1] if scheme.form == "padded" else value[: scheme.digits]
        fields = [digits[:prefix_length], digits[prefix_length:]]
        if scheme.name == "sgln":
            fields.append(pairs.get("254", "0"))
        elif len(scheme.fields) > 2:
            fields.append(value[scheme.digits + (2 if scheme.form == "padded" else 1) :] or None)
    return _identity(scheme.name, fields)


def _of_gtin(pairs: dict[str, str], prefix_length: int) -> Identity:
    fields = _split_gtin(pairs["01"], prefix_length)
    if "21" in pairs:
        return _identity("sgtin", [*fields, pairs["21"]])
    if "235" in pairs:
        return _identity("upui", [*fields, pairs["235"]])
    if "10" in pairs:
        return read_identity(f"{CLASS}lgtin:{'.'.join(map(escape, [*fields, pairs['10']]))}")
    return _identity("sgtin", [*fields, None])


def _split_gtin(digits: str, prefix_length: int) -> list[str]:
    return [digits[1 : prefix_length + 1], digits[0] + digits[prefix_length + 1 : -1]]


def _identity(name: str, fields: Sequence[str | None]) -> Identity:
    """The identity with these fields; one that is not there leaves a pattern open."""
    start = IDPAT if None in fields else ID
    return read_identity(f"{start}{name}:{'.'.join('*' if field is None else escape(field) for field in fields)}")
