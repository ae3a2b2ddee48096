"""Values whose data has a form: HS_ADMIN, HS_VLIST, HS_SERV, HS_ALIAS, HS_SECKEY, HS_NAMESPACE (RFC 3651, 3.2)."""

from __future__ import annotations

import hashlib
from enum import IntFlag
from xml.etree import ElementTree

from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.model import Reference
from millwright.identity.handle.wire.reader import Reader, write_bytes, write_int

HS_ADMIN = b"HS_ADMIN"
HS_ALIAS = b"HS_ALIAS"
HS_CERT = b"HS_CERT"
HS_NAMESPACE = b"HS_NAMESPACE"
HS_PUBKEY = b"HS_PUBKEY"
HS_SECKEY = b"HS_SECKEY"
HS_SERV = b"HS_SERV"
HS_SERV_PREFIX = b"HS_SERV.PREFIX"
HS_SIGNATURE = b"HS_SIGNATURE"
HS_SITE = b"HS_SITE"
HS_SITE_6 = b"HS_SITE.6"
HS_SITE_PREFIX = b"HS_SITE.PREFIX"
HS_NA_DELEGATE = b"HS_NA_DELEGATE"
HS_VLIST = b"HS_VLIST"

SITE_TYPES = (HS_SITE, HS_SITE_6)
PREFIX_SITE_TYPES = (HS_SITE_PREFIX, HS_NA_DELEGATE)
"""Sites that answer for the prefixes derived from the one whose handle holds them (Handle.Net 8)."""


class AdminPermission(IntFlag):
    """What an administrator may do (RFC 3651, 3.2.1; the last as Handle.Net has it)."""

    ADD_HANDLE = 0x0001
    DELETE_HANDLE = 0x0002
    ADD_DERIVED_PREFIX = 0x0004
    DELETE_DERIVED_PREFIX = 0x0008
    MODIFY_VALUE = 0x0010
    REMOVE_VALUE = 0x0020
    ADD_VALUE = 0x0040
    MODIFY_ADMIN = 0x0080
    REMOVE_ADMIN = 0x0100
    ADD_ADMIN = 0x0200
    READ_VALUE = 0x0400
    LIST_HANDLES = 0x0800


ALL_ADMIN_PERMISSIONS = AdminPermission(0x0FFF)


class Admin(Struct, frozen=True):
    """HS_ADMIN: an administrator, or a group of them, and what they may do.

    ``legacy`` is set for the form of early servers, with two more octets at the end, which is kept.
    """

    administrator: Reference
    permissions: int = int(ALL_ADMIN_PERMISSIONS)
    legacy: bool = False


def encode_admin(admin: Admin) -> bytes:
    """HS_ADMIN as data (RFC 3651, 3.2.1)."""
    who = admin.administrator
    head = (admin.permissions & 0xFFFF).to_bytes(2, "big")
    return head + write_bytes(who.handle) + write_int(who.index) + (b"\x00\x00" if admin.legacy else b"")


def decode_admin(data: bytes) -> Admin:
    """HS_ADMIN from data. Raises ``MessageError``."""
    reader = Reader(data)
    permissions = reader.short()
    administrator = reader.array()
    index = reader.number()
    legacy = reader.remaining == 2
    if legacy:
        reader.short()
    reader.end()
    return Admin(Reference(administrator, index), permissions & 0x0FFF, legacy)


def encode_references(references: tuple[Reference, ...]) -> bytes:
    """HS_VLIST as data (RFC 3651, 3.2.7): values, and groups of values, by reference."""
    parts = [write_int(len(references))]
    for reference in references:
        parts += write_bytes(reference.handle), write_int(reference.index)
    return b"".join(parts)


def decode_references(data: bytes) -> tuple[Reference, ...]:
    """HS_VLIST from data. Raises ``MessageError``."""
    reader = Reader(data)
    found = tuple(Reference(reader.array(), reader.number()) for _ in range(reader.count(8)))
    reader.end()
    return found


def decode_handle_data(data: bytes) -> bytes:
    """The handle that an HS_SERV or HS_ALIAS holds (RFC 3651, 3.2.4 and 3.2.5). Raises ``MessageError``."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise MessageError("a handle is not UTF-8") from error
    if not data or len(data) > 2048:
        raise MessageError("a handle is empty or too long")
    return data


def hashed_secret(passphrase: bytes) -> bytes:
    """An HS_SECKEY whose passphrase is not stored itself: its SHA-1 in lower-case hexadecimal (Handle.Net)."""
    return hashlib.sha1(passphrase, usedforsecurity=False).hexdigest().encode()


class Namespace(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """HS_NAMESPACE: what holds for all handles of a prefix, as XML (Handle.Net Technical Manual, 11)."""

    status: str = "active"
    status_message: str = ""
    contact: str = ""
    locations: tuple[str, ...] = ()
    template_delimiter: str = ""


def decode_namespace(data: bytes) -> Namespace:
    """HS_NAMESPACE from data. Raises ``MessageError``; XML with declarations of its own is refused."""
    if len(data) > 65_536 or b"<!" in data:
        raise MessageError("an HS_NAMESPACE is too long or declares a document type")
    try:
        root = ElementTree.fromstring(data.decode())  # noqa: S314 - no declarations, so no entities
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError) as error:
        raise MessageError("an HS_NAMESPACE is not XML") from error
    template = root.find("template")
    return Namespace(
        status=root.findtext("status") or "active",
        status_message=root.findtext("statusmsg") or "",
        contact=root.findtext("contact") or "",
        locations=tuple(each.text or "" for each in root.findall("locs")),
        template_delimiter=(template.get("delimiter") or "") if template is not None else "",
    )


def encode_namespace(namespace: Namespace) -> bytes:
    """HS_NAMESPACE as data."""
    root = ElementTree.Element("namespace")
    for tag, text in (
        ("contact", namespace.contact),
        ("statusmsg", namespace.status_message),
        ("status", namespace.status),
    ):
        if text:
            ElementTree.SubElement(root, tag).text = text
    for location in namespace.locations:
        ElementTree.SubElement(root, "locs").text = location
    if namespace.template_delimiter:
        ElementTree.SubElement(root, "template", delimiter=namespace.template_delimiter)
    return ElementTree.tostring(root)
