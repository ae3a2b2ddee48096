"""Handle values as JSON, as the Handle REST API of Handle.Net 8 has them (Technical Manual, 14)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import dsa, rsa

from millwright.identity import base64url
from millwright.identity.handle import special
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.keys import decode_public_key, encode_public_key
from millwright.identity.handle.model import (
    DEFAULT_PERMISSIONS,
    DEFAULT_TTL_S,
    MAX_INDEX,
    TTL_ABSOLUTE,
    TTL_RELATIVE,
    HandleValue,
    Permission,
    Reference,
)
from millwright.identity.handle.site import Interface, Server, Site, Transport, decode_site, encode_site, parse_address

_UINT32 = 0xFFFFFFFF
_SITE_TYPES = (special.HS_SITE, special.HS_SITE_PREFIX, special.HS_NA_DELEGATE)
_PERMISSION_BITS = (Permission.ADMIN_READ, Permission.ADMIN_WRITE, Permission.PUBLIC_READ, Permission.PUBLIC_WRITE)


def value_to_json(value: HandleValue) -> dict[str, Any]:
    """A value as the REST API shows it."""
    shown: dict[str, Any] = {
        "index": value.index,
        "type": value.type.decode(errors="replace"),
        "data": data_to_json(value.type, value.data),
    }
    if value.permissions != DEFAULT_PERMISSIONS:
        shown["permissions"] = "".join("1" if value.permissions & bit else "0" for bit in _PERMISSION_BITS)
    shown["ttl"] = _time(value.ttl) if value.ttl_type == TTL_ABSOLUTE else value.ttl
    if value.timestamp_s:
        shown["timestamp"] = _time(value.timestamp_s)
    if value.references:
        shown["references"] = [reference_to_json(each) for each in value.references]
    return shown


def value_from_json(shown: Any) -> HandleValue:
    """A value from what the REST API shows or takes. Raises ``MessageError``."""
    try:
        index = shown["index"]
        if type(index) is not int or not 0 < index <= MAX_INDEX:
            raise MessageError("an index is not a positive number")
        ttl = shown.get("ttl", DEFAULT_TTL_S)
        absolute = isinstance(ttl, str)
        if not absolute and (type(ttl) is not int or not 0 <= ttl <= _UINT32):
            raise MessageError("a time to live is neither seconds of 32 bits nor a point in time")
        return HandleValue(
            index=index,
            type=shown["type"].encode(),
            data=data_from_json(shown.get("data", "")),
            permissions=_permissions(shown.get("permissions")),
            ttl_type=TTL_ABSOLUTE if absolute else TTL_RELATIVE,
            ttl=_seconds(ttl) if absolute else ttl,
            timestamp_s=_seconds(shown["timestamp"]) if shown.get("timestamp") else 0,
            references=tuple(reference_from_json(each) for each in shown.get("references") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise MessageError(f"a value in JSON lacks or has wrong members ({error})") from error


def data_to_json(kind: bytes, data: bytes) -> dict[str, Any]:
    """Data as an object of ``format`` and ``value``; what its type's form does not fit is text or Base64."""
    kind = kind.upper()
    try:
        if kind == special.HS_ADMIN:
            return {"format": "admin", "value": _admin_to_json(special.decode_admin(data))}
        if kind == special.HS_VLIST:
            listed = [reference_to_json(each) for each in special.decode_references(data)]
            return {"format": "vlist", "value": listed}
        if kind in _SITE_TYPES:
            return {"format": "site", "value": _site_to_json(decode_site(data))}
        if kind == special.HS_PUBKEY:
            return {"format": "key", "value": key_to_json(data)}
    except MessageError:
        pass
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"format": "base64", "value": base64.b64encode(data).decode()}
    if any(ord(character) < 32 and character not in "\t\r\n" for character in text):
        return {"format": "base64", "value": base64.b64encode(data).decode()}
    return {"format": "string", "value": text}


def data_from_json(shown: Any) -> bytes:
    """Data from text or from an object of ``format`` and ``value``. Raises ``MessageError``."""
    try:
        if isinstance(shown, str):
            return shown.encode()
        form, value = str(shown["format"]).lower(), shown["value"]
        match form:
            case "string":
                return str(value).encode()
            case "base64":
                return base64.b64decode(value, validate=True)
            case "hex":
                return bytes.fromhex(value)
            case "admin":
                return special.encode_admin(_admin_from_json(value))
            case "vlist":
                return special.encode_references(tuple(reference_from_json(each) for each in value))
            case "site":
                return encode_site(_site_from_json(value))
            case "key":
                return key_from_json(value)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise MessageError(f"data in JSON does not fit its format ({error})") from error
    raise MessageError("data in JSON has an unknown format")


def reference_to_json(reference: Reference) -> dict[str, Any]:
    """A reference as ``handle`` and ``index``."""
    return {"handle": reference.handle.decode(errors="replace"), "index": reference.index}


def reference_from_json(shown: Any) -> Reference:
    """A reference from ``handle`` and ``index``. Raises ``MessageError`` and what wrong members raise."""
    index = shown["index"]
    if type(index) is not int or not 0 <= index <= _UINT32:
        raise MessageError("a reference has no index")
    return Reference(shown["handle"].encode(), index)


def _admin_to_json(admin: special.Admin) -> dict[str, Any]:
    shown = reference_to_json(admin.administrator) | {"permissions": format(admin.permissions & 0x0FFF, "012b")}
    return shown | ({"legacyByteLength": True} if admin.legacy else {})


def _admin_from_json(shown: Any) -> special.Admin:
    given = shown.get("permissions")
    if given in ("*", True):
        permissions = int(special.ALL_ADMIN_PERMISSIONS)
    elif given in (None, "", False):
        permissions = 0
    elif isinstance(given, list):
        permissions = sum(1 << place for place, flag in enumerate(given[:12]) if flag)
    else:
        permissions = int(str(given)[-12:], 2)
    return special.Admin(reference_from_json(shown), permissions, bool(shown.get("legacyByteLength")))


def _site_to_json(site: Site) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "version": site.format_version,
        "protocolVersion": "{}.{}".format(*site.protocol_version),
        "serialNumber": site.serial,
        "primarySite": site.primary,
        "multiPrimary": site.multi_primary,
    }
    if site.hash_option != 2:
        shown["hashOption"] = site.hash_option
    if site.hash_filter:
        shown["hashFilter"] = site.hash_filter.decode(errors="replace")
    shown["attributes"] = [
        {"name": name.decode(errors="replace"), "value": value.decode(errors="replace")}
        for name, value in site.attributes
    ]
    shown["servers"] = [_server_to_json(server) for server in site.servers]
    return shown


def _server_to_json(server: Server) -> dict[str, Any]:
    try:
        key = {"format": "key", "value": key_to_json(server.public_key)}
    except MessageError:
        key = {"format": "base64", "value": base64.b64encode(server.public_key).decode()}
    names = {each.value: each.name for each in Transport}
    return {
        "serverId": server.id,
        "address": str(server.address),
        "publicKey": key,
        "interfaces": [
            {
                "query": bool(each.service & 2),
                "admin": bool(each.service & 1),
                "protocol": names.get(each.transport, each.transport),
                "port": each.port,
            }
            for each in server.interfaces
        ],
    }


def _site_from_json(shown: Any) -> Site:
    major, _, minor = str(shown.get("protocolVersion", "2.11")).partition(".")
    given = shown.get("attributes") or []
    if isinstance(given, dict):
        given = [{"name": name, "value": value} for name, value in given.items()]
    return Site(
        servers=tuple(_server_from_json(each) for each in shown["servers"]),
        format_version=int(shown.get("version", 1)),
        protocol_version=(int(major), int(minor)),
        serial=int(shown.get("serialNumber", 1)),
        primary=bool(shown.get("primarySite", True)),
        multi_primary=bool(shown.get("multiPrimary", False)),
        hash_option=int(shown.get("hashOption", 2)),
        hash_filter=str(shown.get("hashFilter", "")).encode(),
        attributes=tuple((str(each["name"]).encode(), str(each["value"]).encode()) for each in given),
    )


def _server_from_json(shown: Any) -> Server:
    interfaces = []
    for each in shown.get("interfaces") or ():
        service = (2 if each.get("query") else 0) | (1 if each.get("admin") else 0)
        named = each["protocol"]
        transport = Transport[named].value if isinstance(named, str) else int(named)
        interfaces.append(Interface(service, transport, int(each["port"])))
    key = data_from_json(shown["publicKey"]) if shown.get("publicKey") else b""
    return Server(int(shown.get("serverId", 1)), parse_address(str(shown["address"])), key, tuple(interfaces))


def key_to_json(data: bytes) -> dict[str, str]:
    """HS_PUBKEY as a JSON Web Key (RFC 7517) for RSA, and in the same way for DSA. Raises ``MessageError``."""
    key = decode_public_key(data)
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _encode_number(numbers.n), "e": _encode_number(numbers.e)}
    if isinstance(key, dsa.DSAPublicKey):
        own = key.public_numbers()
        shared = own.parameter_numbers
        members = {"y": own.y, "p": shared.p, "q": shared.q, "g": shared.g}
        return {"kty": "DSA"} | {name: _encode_number(number) for name, number in members.items()}
    raise MessageError("this kind of key has no form in JSON")


def key_from_json(shown: Any) -> bytes:
    """HS_PUBKEY from a JSON Web Key. Raises ``MessageError`` and what wrong members raise."""
    kind = str(shown["kty"]).upper()
    if kind == "RSA":
        return encode_public_key(rsa.RSAPublicNumbers(_number(shown["e"]), _number(shown["n"])).public_key())
    if kind == "DSA":
        parameters = dsa.DSAParameterNumbers(_number(shown["p"]), _number(shown["q"]), _number(shown["g"]))
        return encode_public_key(dsa.DSAPublicNumbers(_number(shown["y"]), parameters).public_key())
    raise MessageError("a kind of key is not known")


def _encode_number(number: int) -> str:
    size = max(1, (number.bit_length() + 7) // 8)
    return base64url.encode(number.to_bytes(size, "big"))


def _number(text: str) -> int:
    return int.from_bytes(base64url.decode(text), "big")


def _permissions(given: Any) -> int:
    if given is None:
        return int(DEFAULT_PERMISSIONS)
    text = "1111" if given == "*" else str(given)
    if len(text) > 4 or set(text) - {"0", "1"}:
        raise MessageError("permissions are not up to four of 0 and 1")
    return int(text or "0", 2)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise MessageError("a point in time does not say its zone")
    seconds = int(moment.timestamp())
    if not 0 <= seconds <= _UINT32:
        raise MessageError("a point in time lies before 1970 or after 2106")
    return seconds
