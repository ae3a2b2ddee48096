"""What was not written here, against our server: CNRI's Java client and CAICT's ID-SDK (:mod:`support.witnesses`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from millwright.identity.handle import Reference, sm2
from millwright.identity.handle.keys import decode_public_key, encode_public_key
from support.handle import ADMIN, SECRET, admin_value, running_handle, value
from support.identifiers import put
from support.witnesses import (
    CNRI,
    ID_POINTER,
    ID_SDK,
    check_cnri,
    check_id_sdk,
    classpath,
    drive,
    large_values,
    new_key,
    port_below_ten_thousand,
    write_sm2_key,
)

KEY_ADMIN = Reference(ADMIN.handle, 301)


@pytest.mark.parametrize("minor", ["1", "3", "6", "7", "11"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_cnri_client(tmp_path: Path, transport: str, minor: str) -> None:
    path = classpath(CNRI)
    key = new_key(tmp_path / "key")
    public = encode_public_key(key.public_key())
    known = value(301, b"HS_PUBKEY", public), admin_value(KEY_ADMIN, index=101)
    async with running_handle(tmp_path, *known, key=key) as running:
        put(running.records, (b"86.1000.1/large", large_values()))
        told = await drive(
            tmp_path, "CnriWitness.java", path, "127.0.0.1", str(running.port), transport, "86.1000.1", SECRET.decode(),
            public.hex(), str(tmp_path / "key"), minor,
        )  # fmt: skip
    check_cnri(told, minor, listed=2)


async def test_caict_id_sdk(tmp_path: Path) -> None:
    path = classpath(ID_SDK)
    key = new_key(tmp_path / "right.pem")
    new_key(tmp_path / "wrong.pem")
    known = value(301, b"HS_PUBKEY", encode_public_key(key.public_key())), admin_value(KEY_ADMIN, index=101)
    async with running_handle(tmp_path, *known, key=key, port=port_below_ten_thousand()) as running:
        told = await drive(
            tmp_path, "CaictWitness.java", path, "127.0.0.1", str(running.port), "tcp", "86.1000.1",
            str(tmp_path / "right.pem"), str(tmp_path / "wrong.pem"),
        )  # fmt: skip
    check_id_sdk(told)


async def test_id_pointer_sdk_by_sm2(tmp_path: Path) -> None:
    path = classpath(ID_POINTER)
    key = sm2.generate()
    write_sm2_key(tmp_path / "right.der", key)
    write_sm2_key(tmp_path / "wrong.der", sm2.generate())
    public = encode_public_key(key.public_key())
    async with running_handle(tmp_path, value(301, b"HS_PUBKEY", public), admin_value(KEY_ADMIN, index=101)) as running:
        told = await drive(
            tmp_path, "IdPointerWitness.java", path, "127.0.0.1", str(running.port), "86.1000.1", "301",
            str(tmp_path / "right.der"), str(tmp_path / "wrong.der"),
        )  # fmt: skip
        with running.records.view() as view:
            kept, gone = view.find(b"86.1000.1/kept"), view.find(b"86.1000.1/made-by-id-pointer")
    assert told["create by wrong key"].startswith("exception"), told
    assert told["resolve"] == "1=URL 2=EMAIL 100=HS_ADMIN"
    assert {told[each] for each in ("create", "add", "modify", "remove", "delete", "keep")} == {"done"}
    assert kept is not None
    assert gone is None
    # It reads what we write as a key, and we what it writes.
    assert told["read key"] == "EC"
    assert decode_public_key(bytes.fromhex(told["written key"])) == key.public_key()
