"""DID documents: computed from a ``did:key``, read or composed from a record for the others.

A record holds a whole document in a value of type ``DID.DOCUMENT`` (JSON, its ``id`` that of the record), or what one
is composed of: each public HS_PUBKEY is a verification method, each ``URL`` a service, and so is each ``DID.SERVICE``
(JSON with ``type`` and ``serviceEndpoint``). A value ``DID.DEACTIVATED`` says that the DID is in use no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from millwright.identity.codes import Code, convert
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.json_form import key_to_json
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.special import HS_PUBKEY

CORE = "https://www.w3.org/ns/did/v1"
_MULTIKEY = "https://w3id.org/security/multikey/v1"
_JWK = "https://w3id.org/security/suites/jws-2020/v1"
_DOCUMENT, _SERVICE, _DEACTIVATED = b"DID.DOCUMENT", b"DID.SERVICE", b"DID.DEACTIVATED"
_ALL = ("authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation")


def of_key(code: Code) -> dict[str, Any]:
    """The document of a ``did:key`` (did:key Method Specification, 3.1)."""
    did = convert(code, "did")
    value = did.removeprefix("did:key:")
    method = f"{did}#{value}"
    key = next(part.meaning.partition(",")[0] for part in code.parts if part.name == "key")
    shown: dict[str, Any] = {"@context": [CORE, _MULTIKEY], "id": did}
    entry: dict[str, Any] = {"id": method, "type": "Multikey", "controller": did, "publicKeyMultibase": value}
    shown["verificationMethod"] = [entry]
    # X25519 agrees on keys and signs nothing; Ed25519 the other way round; the other curves do both.
    if key != "x25519-pub":
        shown |= {name: [method] for name in _ALL}
    if key not in ("ed25519-pub", "rsa-pub"):
        shown["keyAgreement"] = [method]
    return shown


def of_record(did: str, values: Iterable[HandleValue]) -> dict[str, Any]:
    """The document of a DID from the public values of its record."""
    public = [value for value in values if value.public]
    for value in public:
        if value.is_type(_DOCUMENT) and (given := _object(value.data)) is not None and given.get("id") == did:
            return given
    methods, services = [], []
    for value in public:
        if value.is_type(HS_PUBKEY):
            try:
                jwk = key_to_json(value.data)
            except (MessageError, ValueError):
                continue
            if jwk["kty"] == "RSA":
                methods.append(
                    {"id": f"{did}#{value.index}", "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk}
                )
        elif value.is_type(_SERVICE) and (given := _object(value.data)) is not None:
            if {"type", "serviceEndpoint"} <= set(given):
                services.append({"id": f"{did}#{value.index}"} | given)
        elif value.is_type(b"URL"):
            address = value.data.decode(errors="replace")
            services.append({"id": f"{did}#{value.index}", "type": "LinkedDomains", "serviceEndpoint": address})
    shown: dict[str, Any] = {"@context": [CORE, _JWK] if methods else [CORE], "id": did}
    if methods:
        shown["verificationMethod"] = methods
        shown |= {name: [each["id"] for each in methods] for name in ("authentication", "assertionMethod")}
    if services:
        shown["service"] = services
    return shown


def is_deactivated(values: Iterable[HandleValue]) -> bool:
    """Whether the record says, for everybody to read, that its DID is in use no more."""
    return any(value.public and value.is_type(_DEACTIVATED) for value in values)


def changed_s(values: Iterable[HandleValue]) -> int:
    """When what is shown was changed last, in seconds since 1970; what is not shown does not count."""
    return max((value.timestamp_s for value in values if value.public), default=0)


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        shown = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None
    return shown if isinstance(shown, dict) else None
