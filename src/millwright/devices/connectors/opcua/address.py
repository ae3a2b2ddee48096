"""Addresses: node ids as text, with the namespace's number or URI, and a part of an array before them.

i=2258                                       the server's clock
ns=2;s=Line1.Oven.Temperature                by number: shorter, but numbers may change when a server restarts
nsu=http://example.com/plant;s=Line1.Oven    by URI
index=3;ns=2;s=Temperatures                  the fourth element of an array
index=0:9;ns=2;s=Temperatures                a part of it; ``index=1,0`` in a matrix
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import unquote

from msgspec import Struct

from millwright.kernel import Invalid

IdKind = Literal["i", "s", "g", "b"]
_MOST = 4096
_INDEX = re.compile(r"\d{1,9}(?::\d{1,9})?(?:,\d{1,9}(?::\d{1,9})?)*")
_UINT32 = 0xFFFF_FFFF


class Address(Struct, frozen=True, kw_only=True):
    """One node, or a part of its value. ``identifier`` is in its text form, ``index`` is a NumericRange or empty."""

    kind: IdKind
    identifier: str
    namespace: int = 0
    uri: str | None = None
    index: str = ""

    @property
    def element(self) -> tuple[int, ...] | None:
        """The place of a single element in each dimension, or ``None`` when it is a range or the whole."""
        if not self.index or ":" in self.index:
            return None
        return tuple(int(part) for part in self.index.split(","))

    def __str__(self) -> str:
        index = f"index={self.index};" if self.index else ""
        if self.uri is not None:
            space = f"nsu={self.uri.replace('%', '%25').replace(';', '%3B')};"
        else:
            space = f"ns={self.namespace};" if self.namespace else ""
        return f"{index}{space}{self.kind}={self.identifier}"


def parse(text: str) -> Address:
    """Read an address. Raises ``Invalid`` (``connectors.opcua_address``)."""
    rest, index, uri, namespace = text.strip(), "", None, 0
    if len(rest) > _MOST:
        raise _wrong(text[:80] + "…", f"it is longer than {_MOST} characters")
    if rest.startswith("index="):
        index, _, rest = rest[6:].partition(";")
        _check_index(text, index)
    if rest.startswith("nsu="):
        escaped, _, rest = rest[4:].partition(";")
        uri = unquote(escaped)
        if not uri:
            raise _wrong(text, "the namespace's URI is empty")
    elif rest.startswith("ns="):
        number, _, rest = rest[3:].partition(";")
        if not number.isascii() or not number.isdigit() or int(number) > 0xFFFF:
            raise _wrong(text, f"{number!r} is no number of a namespace")
        namespace = int(number)
    kind, equals, identifier = rest.partition("=")
    if not equals or kind not in ("i", "s", "g", "b"):
        raise _wrong(text, "after the namespace comes i=, s=, g= or b=")
    return Address(
        kind=kind,  # type: ignore[arg-type]  # one of the four, as was just asked
        identifier=_identifier(text, kind, identifier),
        namespace=namespace,
        uri=uri,
        index=index,
    )


def _identifier(text: str, kind: str, identifier: str) -> str:
    if not identifier:
        raise _wrong(text, "the identifier is empty")
    if kind == "i":
        if not identifier.isascii() or not identifier.isdigit() or int(identifier) > _UINT32:
            raise _wrong(text, f"{identifier!r} is no number from 0 to {_UINT32}")
        return str(int(identifier))
    if kind == "g":
        try:
            return str(uuid.UUID(identifier))
        except ValueError as error:
            raise _wrong(text, f"{identifier!r} is no GUID") from error
    if kind == "b":
        try:
            base64.b64decode(identifier, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _wrong(text, f"{identifier!r} is no base64") from error
    return identifier


def _check_index(text: str, index: str) -> None:
    if not _INDEX.fullmatch(index):
        raise _wrong(text, f"{index!r} is no part of an array: write 3, 0:9 or 1,2")
    for part in index.split(","):
        first, colon, last = part.partition(":")
        if colon and int(first) >= int(last):
            raise _wrong(text, f"{part!r} does not go upwards")


def node_id(address: Address, namespaces: Sequence[str]) -> Any | None:
    """The address as asyncua's ``NodeId`` on a server with these namespaces; ``None`` when it has no such URI."""
    from asyncua import ua

    namespace = address.namespace
    if address.uri is not None:
        if address.uri not in namespaces:
            return None
        namespace = namespaces.index(address.uri)
    match address.kind:
        case "i":
            return ua.NodeId(int(address.identifier), namespace)
        case "s":
            return ua.NodeId(address.identifier, namespace)
        case "g":
            return ua.NodeId(uuid.UUID(address.identifier), namespace)
        case "b":
            return ua.NodeId(base64.b64decode(address.identifier), namespace)


def of_node_id(found: Any, namespaces: Sequence[str], index: str = "") -> Address:
    """The address of a ``NodeId``: by URI where the server tells it."""
    raw = found.Identifier
    kind: IdKind
    if isinstance(raw, int):
        kind, identifier = "i", str(int(raw))
    elif isinstance(raw, uuid.UUID):
        kind, identifier = "g", str(raw)
    elif isinstance(raw, bytes):
        kind, identifier = "b", base64.b64encode(raw).decode()
    else:
        kind, identifier = "s", str(raw)
    number = int(found.NamespaceIndex)
    uri = namespaces[number] if 0 < number < len(namespaces) else None
    return Address(kind=kind, identifier=identifier, namespace=0 if uri else number, uri=uri or None, index=index)


def _wrong(text: str, why: str) -> Invalid:
    return Invalid(
        f"{text!r} is no address of OPC UA: {why}.",
        code="connectors.opcua_address",
        hint="Write a node id: ns=2;s=Line1.Oven.Temperature, nsu=http://example.com/plant;i=1001, i=2258, or with a "
        "place in an array before it: index=3;ns=2;s=Temperatures. Browsing shows right ones.",
    )
