"""From what a person types to the name of a record, and making suffixes."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Callable
from typing import Final

from millwright.identity.codes import Code, bad_code
from millwright.identity.codes.gs1.check_digits import check_digit
from millwright.identity.handle.naming import MAX_HANDLE_BYTES, PREFIX_HANDLES, prefix_of
from millwright.identity.records.naming import code_of, code_of_text, name_of
from millwright.identity.registration.errors import invalid, no_generator
from millwright.identity.registration.model import NewSuffix
from millwright.kernel import MillwrightError

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SSCC_DIGITS: Final = 16
_UDI_REGISTRANT: Final = re.compile(r"[0-9]{3}\.M0\.", re.IGNORECASE)


def read_identifier(text: str) -> tuple[Code, bytes]:
    """The code that a text means and the name it is kept under. Raises ``Invalid``, ``Unsupported``."""
    code = code_of_text(text)
    return code, checked_name(text, code)


def checked_name(text: str, code: Code) -> bytes:
    """The name of a code, if it is one that is registered here. Raises ``Invalid``, ``Unsupported``."""
    name = name_of(code).encode()
    if len(name) > MAX_HANDLE_BYTES:
        raise bad_code(text, 0, f"it has more than {MAX_HANDLE_BYTES} bytes", why_zh=f"超过 {MAX_HANDLE_BYTES} 字节")
    if prefix_of(name).upper() == PREFIX_HANDLES:
        raise bad_code(text, 0, "it is a prefix, not an identifier", "Apply for prefixes.", why_zh="这是前缀，不是标识")
    return name


def shown(name: bytes) -> tuple[str, str, str]:
    """Canonical text, system and kind of the code that is kept under a name."""
    text = name.decode(errors="replace")
    try:
        code = code_of(text)
    except MillwrightError:  # registered by a native client: a handle as any
        return text, "handle", "handle"
    return (text if code.system == "handle" else code.canonical), code.system, code.kind


def system_of(prefix: str) -> tuple[str, str]:
    """Code system and bare prefix of a prefix of the register: ``GS1:950600`` is ``gs1`` and ``950600``."""
    label, colon, rest = prefix.partition(":")
    known = {"GS1": "gs1", "OID": "oid", "DID": "did", "MA": "ma", "ECODE": "ecode"}
    system = known.get(label.upper()) if colon else None
    return (system, rest) if system else ("handle", prefix)


def serial_key(prefix: str, wanted: NewSuffix) -> str:
    """What numbers are counted behind."""
    return f"{prefix.upper()} {wanted.kind} {wanted.gtin or wanted.extension} {wanted.before}"[:400]


def counts(wanted: NewSuffix) -> bool:
    """Whether numbers are counted for it."""
    return wanted.kind in ("serial", "sscc")


def writer(prefix: str, wanted: NewSuffix, secret: bytes | None = None) -> Callable[[int], str]:
    """Writes the identifier with a number. What is random is so each time, or, with a ``secret``, for each number.

    The function raises ``Invalid`` when a number has become too long. Raises ``Unsupported``
    (``identifiers.no_generator``).
    """
    system, bare = system_of(prefix)
    if wanted.kind == "sscc":
        if system != "gs1":
            raise no_generator(wanted.kind, system)
        return lambda number: _sscc(bare, wanted.extension, number)
    tail = _tails(wanted, secret)
    if system == "handle":
        return lambda number: f"{bare}/{wanted.before}{tail(number)}"
    if system == "did":
        return lambda number: f"{bare}:{wanted.before}{tail(number)}"
    if system == "oid" and wanted.kind == "serial":
        return lambda number: f"{bare}.{wanted.before}{number}"
    if system == "gs1" and wanted.gtin is not None:
        gtin = wanted.gtin.zfill(14)
        return lambda number: f"(01){gtin}(21){wanted.before}{tail(number)}"
    if system == "ma":
        # Of a registrant of medical devices ``before`` is the product, and the number its serial.
        start = f"MA.{bare}.{wanted.before}.S" if _UDI_REGISTRANT.match(bare) else f"MA.{bare}/{wanted.before}"
        return lambda number: f"{start}{tail(number)}"
    if system == "ecode" and wanted.kind == "serial":
        return lambda number: f"ecode:{bare}{wanted.before}{tail(number)}"
    raise no_generator(wanted.kind, system)


def _tails(wanted: NewSuffix, secret: bytes | None) -> Callable[[int], str]:
    def some(number: int) -> bytes:
        if secret is None:
            return secrets.token_bytes(32)
        return hashlib.sha256(secret + number.to_bytes(8, "big")).digest()

    if wanted.kind == "uuid":
        return lambda number: str(uuid.UUID(bytes=some(number)[:16], version=4))
    if wanted.kind == "random":
        return lambda number: "".join(_ALPHABET[each & 31] for each in some(number)[: wanted.digits])

    def serial(number: int) -> str:
        text = str(number).zfill(wanted.digits)
        if len(text) > wanted.digits:
            why = f"The numbers of {wanted.digits} digits are used up"
            raise invalid("/suffix/digits", why, f"{wanted.digits} 位序列号已用完", "Take more digits.")
        return text

    return serial


def _sscc(company: str, extension: int, number: int) -> str:
    room = _SSCC_DIGITS - len(company)
    text = str(number).zfill(room)
    if len(text) > room:
        raise invalid("/suffix/kind", "The serial numbers of this company prefix are used up", "序列号已用完")
    body = f"{extension}{company}{text}"
    return f"(00){body}{check_digit(body)}"
