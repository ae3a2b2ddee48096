"""What happens in the register when a prefix passes to another organisation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from millwright.identity.handle import sm2
from millwright.identity.handle.keys import encode_public_key
from millwright.identity.prefixes.handle_keys import HolderIndex, keys_of
from millwright.identity.records import Prefix, Records
from support.handle import SECRET, admin_value, value
from support.identifiers import open_records, put

HANDLE = b"0.NA/86.1000.1"


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Records]:
    records = open_records(tmp_path)
    yield records
    records.close()


def give(register: Records, organisation_id: str, prefix: str = "86.1000.1") -> None:
    HolderIndex(register).put_prefix(
        Prefix(prefix=prefix, organisation_id=organisation_id, state="active"), who="per_1"
    )


def indexes(register: Records) -> list[int] | None:
    with register.view() as view:
        record = view.find(HANDLE)
    return None if record is None else [each.index for each in record.values]


def test_keys_go_with_the_holder_and_sites_stay(register: Records) -> None:
    give(register, "red")
    secret, certificate = value(300, b"HS_SECKEY", SECRET), value(400, b"HS_CERT", b"x.y.z")
    put(register, (HANDLE, (value(1, b"HS_SITE", b"site"), admin_value(), secret, certificate)))
    position = register.position
    give(register, "red")  # told again, as at every start
    assert (register.position, indexes(register)) == (position, [1, 100, 300, 400])
    give(register, "blue")
    assert (register.position, indexes(register)) == (position + 1, [1])  # in one batch
    put(register, (HANDLE, (admin_value(), value(300, b"HS_SECKEY", SECRET))))
    give(register, "red")
    assert indexes(register) is None
    give(register, "blue")
    with register.view() as view:
        found = view.find_prefix(b"86.1000.1")
    assert found is not None
    assert found.organisation_id == "blue"


def test_what_a_client_has_written_is_shown_as_it_is() -> None:
    values = (
        value(300, b"HS_PUBKEY", b"no key"), value(301, b"HS_SECKEY", b"x"), value(302, b"hs_seckey", b"y"),
        admin_value(permissions=0x0011), value(101, b"HS_ADMIN", b"broken"),
    )  # fmt: skip
    told = [(each.index, each.kind, each.algorithm, each.permissions) for each in keys_of(HANDLE, values)]
    assert told == [
        (300, "public_key", "?", "other"), (301, "secret", None, "none"), (302, "secret", None, "none"),
    ]  # fmt: skip


def test_a_key_of_sm2_is_shown_by_its_name_and_fingerprint() -> None:
    key = sm2.generate().public_key()
    shown = keys_of(HANDLE, (value(300, b"HS_PUBKEY", encode_public_key(key)),))[0]
    fingerprint = hashlib.sha256(sm2.encode_info(key)).hexdigest()
    assert (shown.algorithm, shown.bits, shown.fingerprint) == ("SM2", 256, fingerprint)
