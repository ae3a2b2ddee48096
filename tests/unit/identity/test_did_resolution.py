"""DIDs are resolved in the HTTP form of DIF's universal resolver."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from millwright.identity.handle.keys import encode_public_key
from millwright.identity.records.naming import name_of_text
from support.handle import value
from support.identifiers import put
from support.resolution import BID, HIDDEN, STAMP_S, hidden, resolver

ED25519 = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


@pytest.fixture
async def client(tmp_path: Path):
    async with resolver(tmp_path, misses_per_min=0) as (client, _, _):
        yield client


async def test_a_key_is_its_own_document(client: httpx.AsyncClient) -> None:
    shown = (await client.get(f"/1.0/identifiers/{ED25519}")).json()
    document = shown["didDocument"]
    method = f"{ED25519}#{ED25519.removeprefix('did:key:')}"
    assert document["id"] == ED25519
    assert document["verificationMethod"] == [
        {
            "id": method, "type": "Multikey", "controller": ED25519,
            "publicKeyMultibase": ED25519.removeprefix("did:key:"),
        }
    ]  # fmt: skip
    assert document["authentication"] == document["assertionMethod"] == [method]
    assert "keyAgreement" not in document
    assert shown["didResolutionMetadata"] == {"contentType": "application/did+ld+json"}


async def test_a_key_that_only_agrees_on_keys(client: httpx.AsyncClient) -> None:
    did = "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"
    document = (await client.get(f"/1.0/identifiers/{did}")).json()["didDocument"]
    assert "authentication" not in document
    assert document["keyAgreement"] == [f"{did}#{did.removeprefix('did:key:')}"]


@pytest.mark.parametrize("escaped", [ED25519.replace(":", "%3A"), ED25519])
async def test_a_did_may_be_escaped(client: httpx.AsyncClient, escaped: str) -> None:
    assert (await client.get(f"/1.0/identifiers/{escaped}")).json()["didDocument"]["id"] == ED25519


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/did-resolution"),
        ("application/did-resolution", "application/did-resolution"),
        ('application/ld+json;profile="https://w3id.org/did-resolution"', 'application/ld+json;profile="https://w3id.org/did-resolution"'),
        ("application/did+json", "application/did+json"),
        ("application/did+ld+json", "application/did+ld+json"),
        ("application/did", "application/did"),
    ],
)  # fmt: skip
async def test_the_form_is_chosen_by_accept(client: httpx.AsyncClient, accept: str, kind: str) -> None:
    answer = await client.get(f"/1.0/identifiers/{ED25519}", headers={"accept": accept})
    assert answer.headers["content-type"] == kind
    assert ("didDocument" in answer.json()) == ("resolution" in kind)


@pytest.mark.parametrize(
    ("did", "accept", "status", "error"),
    [
        ("did:key:zzz", "*/*", 400, "invalidDid"),
        ("did:", "*/*", 400, "invalidDid"),
        ("hello", "*/*", 400, "invalidDid"),
        (f"{ED25519}%23key-1", "*/*", 400, "invalidDid"),
        ("did:web:other.example", "*/*", 404, "notFound"),
        ("did:example:123", "*/*", 501, "methodNotSupported"),
        (ED25519, "image/png", 406, "representationNotSupported"),
    ],
)
async def test_errors_are_said_in_the_metadata(
    client: httpx.AsyncClient, did: str, accept: str, status: int, error: str
) -> None:
    answer = await client.get(f"/1.0/identifiers/{did}", headers={"accept": accept})
    assert answer.status_code == status
    assert answer.json()["didResolutionMetadata"]["error"] == error
    assert answer.json()["didDocument"] is None


async def test_a_record_becomes_a_document(tmp_path: Path) -> None:
    async with resolver(tmp_path) as (client, _, records):
        key = rsa.generate_private_key(65537, 2048)
        values = (
            value(1, b"URL", b"https://bid.example/", timestamp_s=STAMP_S),
            value(2, b"HS_PUBKEY", encode_public_key(key.public_key())),
            value(3, b"DID.SERVICE", b'{"type": "DIDComm", "serviceEndpoint": "https://a.example"}'),
            value(4, b"DID.SERVICE", b"[]"),
            hidden(5, b"URL"),
        )
        put(records, *[(name_of_text(BID).encode(), values)])
        answer = await client.get(f"/1.0/identifiers/{BID}")
        document = answer.json()["didDocument"]
        assert document["id"] == BID
        assert document["verificationMethod"][0]["publicKeyJwk"]["kty"] == "RSA"
        assert document["authentication"] == [f"{BID}#2"]
        assert [each["id"] for each in document["service"]] == [f"{BID}#1", f"{BID}#3"]
        # When it was changed, as far as one may see.
        assert answer.json()["didDocumentMetadata"] == {"updated": "2026-05-28T20:26:40Z"}
        assert HIDDEN not in answer.content


async def test_a_document_of_this_host_is_at_its_address(client: httpx.AsyncClient) -> None:
    answer = await client.get("/press/did.json")
    assert answer.status_code == 200
    assert answer.json()["id"] == "did:web:node.example:press"
    assert (await client.get("/1.0/identifiers/did:web:node.example:press")).json()["didDocument"] == answer.json()
    for other in ("/.well-known/did.json", "/other/did.json", "/a/../did.json"):
        assert (await client.get(other)).status_code == 404
    assert (await client.get("/press/did.json", headers={"host": "other.example"})).status_code == 404


async def test_a_did_in_use_no_more(tmp_path: Path) -> None:
    async with resolver(tmp_path) as (client, _, records):
        put(records, *[(name_of_text(BID).encode(), (value(1, b"DID.DEACTIVATED", b"1"),))])
        answer = await client.get(f"/1.0/identifiers/{BID}")
        assert answer.status_code == 410
        assert answer.json()["didDocumentMetadata"]["deactivated"] is True


async def test_a_kept_document_must_be_of_its_did(tmp_path: Path) -> None:
    async with resolver(tmp_path) as (client, _, records):
        put(records, *[(name_of_text(BID).encode(), (value(1, b"DID.DOCUMENT", b'{"id": "did:web:other.example"}'),))])
        assert (await client.get(f"/1.0/identifiers/{BID}")).json()["didDocument"]["id"] == BID


async def test_methods_and_options(client: httpx.AsyncClient) -> None:
    assert (await client.get("/1.0/methods")).json() == ["key", "web", "bid"]
    assert (await client.options(f"/1.0/identifiers/{ED25519}")).status_code == 204
    assert (await client.post(f"/1.0/identifiers/{ED25519}")).status_code == 405
