"""The Handle server over real sockets, asked by our own client and by raw bytes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from millwright.identity.handle import HandleClient, HandleServer, KeyCredentials, Reference
from millwright.identity.handle.keys import encode_public_key
from millwright.identity.handle.site import Site, encode_site
from millwright.identity.handle.transport import Address, ask
from millwright.identity.handle.wire.codes import Flag, Op, Rc
from millwright.identity.handle.wire.message import Message
from millwright.identity.handle.wire.requests import OfHandle, Resolve, SetupSession, encode_request
from millwright.identity.handle.wire.responses import decode_error, decode_resolved
from millwright.kernel import Conflict, Corrupt, Denied, NotFound, Unavailable, Unsupported
from support.handle import ADMIN, SECRET, admin_value, fill, running_handle, site_for, value
from support.identifiers import home, open_records, put

PRODUCT = b"86.1000.1/Product-1"


def only(site: Site, transport: int) -> Site:
    (server,) = site.servers
    kept = tuple(each for each in server.interfaces if each.transport == transport)
    return Site(servers=(type(server)(server.id, server.address, server.public_key, kept),))


async def code_of(
    port: int, op: int, body: bytes, *, tcp: bool = True, version: tuple[int, int] = (2, 11)
) -> tuple[int, str]:
    address = Address("127.0.0.1", None if tcp else port, port if tcp else None)
    found = (await ask(address, Message(op=op, flags=Flag.REQUEST_DIGEST, body=body), version=version))[0]
    code = found.message.response_code
    return code, decode_error(found.body) if code not in (Rc.SUCCESS, Rc.AUTHENTICATION_NEEDED) else ""


@pytest.mark.parametrize("transport", [0, 1])
async def test_everything_an_administrator_does(tmp_path: Path, transport: int) -> None:
    async with running_handle(tmp_path) as running:
        client = HandleClient([only(running.site, transport)], running.client(SECRET)._credentials)
        made = b"86.1000.1/made"
        await client.create(made, [value(1), admin_value()])
        with pytest.raises(Conflict):
            await client.create(made, [value(1)])
        await client.add(made, [value(2, b"EMAIL", b"a@example.com")])
        with pytest.raises(Conflict):
            await client.add(made, [value(2)])
        await client.add(made, [value(2, b"EMAIL", b"b@example.com")], overwrite=True)
        await client.modify(made, [value(1, data=b"changed")])
        assert [each.data for each in await client.resolve(made, indexes=[1])] == [b"changed"]
        await client.remove(made, [1])
        assert [each.index for each in await client.resolve(made)] == [2, 100]
        await client.create(made, [value(7)], overwrite=True)
        assert [each.index for each in await client.resolve(made)] == [7]
        with pytest.raises(Denied):
            await client.delete(made)
        assert (await client.site_info()).servers[0].find_port(1) == running.port


async def test_public_and_restricted_values(tmp_path: Path) -> None:
    async with running_handle(tmp_path) as running:
        prefix = b"0.NA/86.1000.1"
        assert [each.index for each in await running.client().resolve(prefix)] == [100]
        assert [each.index for each in await running.client().resolve(b"86.1000.1")] == [100]
        assert [each.index for each in await running.client(SECRET).resolve(prefix, restricted=True)] == [100, 300]
        for asked in ({"indexes": [300]}, {"types": [b"HS_SECKEY"]}):
            with pytest.raises(NotFound):
                await running.client().resolve(prefix, **asked)  # type: ignore[arg-type]
        with pytest.raises(Denied) as error:
            await running.client().resolve(prefix, restricted=True)
        assert error.value.detail["response_code"] == Rc.AUTHENTICATION_NEEDED
        with pytest.raises(Denied) as error:
            await running.client(b"wrong").resolve(prefix, restricted=True)
        assert error.value.detail["response_code"] == Rc.AUTHENTICATION_FAILED
        with pytest.raises(Denied) as error:
            await running.client(SECRET, Reference(b"86.1000.1/nobody", 300)).resolve(prefix, restricted=True)
        assert error.value.detail["response_code"] == Rc.INVALID_CREDENTIAL


@pytest.mark.parametrize("kind", ["rsa", "dsa", "ec"])
async def test_keys_authenticate_and_certify(tmp_path: Path, kind: str) -> None:
    make: Any = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "dsa": lambda: dsa.generate_private_key(2048),
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    }[kind]
    key, other = make(), make()
    who = Reference(ADMIN.handle, 301)
    public = value(301, b"HS_PUBKEY", encode_public_key(key.public_key()))
    async with running_handle(tmp_path, public, admin_value(who, index=101), key=key) as running:
        client = HandleClient([running.site], KeyCredentials(who, key), certified=True)
        await client.create(b"86.1000.1/k", [value(1), admin_value(who)])
        assert [each.index for each in await client.resolve(b"86.1000.1/k")] == [1, 100]
        with pytest.raises(Denied):
            await HandleClient([running.site], KeyCredentials(who, other)).delete(b"86.1000.1/k")
        await client.delete(b"86.1000.1/k")
        forged = HandleClient(
            [site_for(running.port, public_key=encode_public_key(other.public_key()))], certified=True
        )
        with pytest.raises(Unavailable):
            await forged.resolve(PRODUCT)


@pytest.mark.parametrize("version", [(2, 1), (2, 3), (2, 6), (2, 7), (2, 11)])
async def test_every_version_is_spoken(tmp_path: Path, version: tuple[int, int]) -> None:
    key = rsa.generate_private_key(65537, 2048)
    async with running_handle(tmp_path, key=key) as running:
        site = site_for(running.port, public_key=running.site.servers[0].public_key, version=version)
        client = HandleClient([site], running.client(SECRET)._credentials, certified=True)
        assert len(await client.resolve(PRODUCT)) == 3
        await client.create(b"86.1000.1/v", [value(1), admin_value()])
        await client.delete(b"86.1000.1/v")


async def test_what_is_not_done_is_said_so(tmp_path: Path) -> None:
    async with running_handle(tmp_path) as running:
        port, prefix = running.port, encode_request(OfHandle(b"0.NA/86.1000.1"))
        for op in (Op.HOME_PREFIX, Op.UNHOME_PREFIX, Op.BACKUP_SERVER, Op.GET_NEXT_TXN_ID, Op.LOGIN, 77):
            code, text = await code_of(port, op, prefix)
            assert code == Rc.OPERATION_DENIED
            assert text
        assert await code_of(port, Op.LIST_HANDLES, prefix, tcp=False) == (
            Rc.OPERATION_DENIED,
            "A list is too long for UDP; ask over TCP.",
        )
        assert (await code_of(port, Op.RESOLUTION, b"\xff"))[0] == Rc.PROTOCOL_ERROR
        assert (await code_of(port, Op.RESOLUTION, encode_request(Resolve(b"86.1000.1/no"))))[0] == Rc.HANDLE_NOT_FOUND
        resolve = encode_request(Resolve(PRODUCT, (77,)))
        assert (await code_of(port, Op.RESOLUTION, resolve))[0] == Rc.VALUE_NOT_FOUND
        setup = encode_request(SetupSession(4, 60, b"", 0, b"no key"))
        assert (await code_of(port, Op.SESSION_SETUP, setup))[0] == Rc.PROTOCOL_ERROR
        assert (await code_of(port, Op.SESSION_SETUP, setup, version=(2, 3)))[0] == Rc.INVALID_SESSION_SETUP
        server_key = encode_request(SetupSession(2, 60, b"", 0))
        assert (await code_of(port, Op.SESSION_SETUP, server_key))[0] == Rc.NEED_RSA_KEY_FOR_SESSION
        with pytest.raises(Unsupported):
            await running.client(SECRET)._run(Op.HOME_PREFIX, OfHandle(b"0.NA/86.1000.1"), 0)


async def test_a_list_comes_in_parts_and_needs_permission(tmp_path: Path) -> None:
    async with running_handle(tmp_path, listed_at_once=7) as running:
        put(running.records, *((b"86.1000.1/%03d" % number, (value(1),)) for number in range(40)))
        listed = await running.client(SECRET).list_handles(b"0.NA/86.1000.1")
        assert len(listed) == 41
        assert b"86.1000.1/Product-1" in listed
        with pytest.raises(Denied):
            await running.client(b"no").list_handles(b"0.NA/86.1000.1")


async def test_server_administrators_may_do_everything(tmp_path: Path) -> None:
    async with running_handle(tmp_path, administrators=(ADMIN,)) as running:
        put(running.records, (b"86.1000.1/orphan", (value(1),)))
        await running.client(SECRET).delete(b"86.1000.1/orphan")


# --- referrals -------------------------------------------------------------------------------------------------------


async def test_referrals_are_followed_and_loops_end(tmp_path: Path) -> None:
    async with running_handle(tmp_path / "leaf") as leaf:
        top = open_records(tmp_path / "top" / "handles")
        home(top, b"0.NA")
        leaf_site = encode_site(leaf.site)
        put(top, (b"0.NA/86.1000.1", (value(1, b"HS_SITE", leaf_site),)))
        async with running_handle(tmp_path / "top", records=top) as root:
            client = HandleClient([root.site], leaf.client(SECRET)._credentials)
            assert len(await client.resolve(PRODUCT)) == 3
            await client.create(b"86.1000.1/far", [value(1), admin_value()])
            # By a service handle, which names the sites.
            put(
                top,
                (b"0.NA/86.1000.1", (value(1, b"HS_SERV", b"0.NA/86.SERV"),)),
                (b"0.NA/86.SERV", (value(1, b"HS_SITE", leaf_site),)),
            )
            assert len(await client.resolve(b"86.1000.1/far")) == 2
            # A prefix derived from one whose handle names the sites for all derived ones.
            put(leaf.records, (b"0.NA/86.1000.1.7", (value(1, data=b"derived"),)))
            put(top, (b"0.NA/86.1000.1", (value(1, b"HS_SITE.PREFIX", leaf_site),)))
            assert [each.data for each in await client.resolve(b"0.NA/86.1000.1.7")] == [b"derived"]
            # Nobody knows it, and nobody goes round.
            with pytest.raises(NotFound):
                await client.resolve(b"77.7/1")
            put(top, (b"0.NA/77.7", (value(1, b"HS_SITE", encode_site(root.site)),)))
            with pytest.raises(NotFound) as error:
                await client.resolve(b"77.7/1")
            assert error.value.code == "handle.not_responsible"
            body = encode_request(Resolve(b"77.7/1"))
            message = Message(op=Op.RESOLUTION, flags=Flag.DO_NOT_REFER, body=body)
            found = await ask(Address("127.0.0.1", None, root.port), message)
            assert found[0].message.response_code == Rc.SERVER_NOT_RESPONSIBLE
            found = await ask(Address("127.0.0.1", None, root.port), Message(op=Op.RESOLUTION, body=body))
            assert found[0].message.response_code == Rc.SERVICE_REFERRAL
            assert decode_resolved(found[0].body).handle == b"0.NA/77.7"


async def test_a_broken_record_is_an_error_and_the_others_are_answered(tmp_path: Path, caplog: Any) -> None:
    async with running_handle(tmp_path) as running:
        index = running.records._current()
        index._environment.write(lambda write: write.put("handles", b"86.1000.1/BROKEN", b"\x01" + bytes(60)))
        with pytest.raises(Unavailable):
            await running.client().resolve(b"86.1000.1/broken")
        assert len(await running.client().resolve(PRODUCT)) == 3
        with pytest.raises(Corrupt):
            running.records.verify()
    assert "broken" in caplog.text


async def test_a_taken_port_is_said_so(tmp_path: Path) -> None:
    async with running_handle(tmp_path) as running:
        with pytest.raises(Unavailable, match="in use") as error:
            await HandleServer(running.server.service).start()
        assert error.value.code == "handle.port_taken"
    await asyncio.sleep(0)
    records = open_records(tmp_path / "again")
    fill(records)
    async with running_handle(tmp_path, records=records, port=running.port) as again:
        assert len(await again.client().resolve(PRODUCT)) == 3
