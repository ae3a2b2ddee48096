"""Keys of a prefix's Handle administrators: given over HTTP, used by a Handle client on a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from millwright.identity.handle import HandleClient, Reference, SecretCredentials, sm2
from millwright.identity.handle.client import KeyCredentials
from millwright.kernel import Denied
from support.handle import RunningHandle, admin_value, running_handle, value
from support.tenants import join, send
from support.web import RunningWeb, running_web

FORM = {
    "system": "handle", "prefix": "88.118.8", "credit_code": "91350100M000100Y43", "industry": "C34", "use": "pumps",
    "contact": {"name": "Li", "telephone": "1"},
}  # fmt: skip
SEARCH = "/identifiers/search?q=88.118.8&among=own"
PREFIX_HANDLE = b"0.NA/88.118.8"


@dataclass
class Town:
    web: RunningWeb
    root: httpx.AsyncClient
    red: httpx.AsyncClient
    red_id: str
    prefix_id: str

    @property
    def keys(self) -> str:
        return f"/prefixes/{self.prefix_id}/handle-keys"

    async def refused(self, client: httpx.AsyncClient, new: dict[str, Any]) -> tuple[int, str]:
        answer = await client.post(f"/api/v1{self.keys}", json=new)
        return answer.status_code, answer.json()["code"]


async def found(web: RunningWeb, root: httpx.AsyncClient, name: str) -> tuple[str, httpx.AsyncClient]:
    organisation = {"parent_id": "org_root", "kind": "enterprise", "name": name}
    made = (await send(root, "POST", "/organisations", organisation))["id"]
    invited = await send(root, "POST", f"/organisations/{made}/invitations", {"role": "administrator"})
    return made, await join(web, invited["token"], f"{name} administrator")


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_web(tmp_path, written=True) as web:
        root = await web.set_up()
        red_id, red = await found(web, root, "Red")
        prefix_id = (await send(red, "POST", "/prefixes", FORM))["id"]
        for client, step in ((red, "submit"), (root, "review"), (root, "approve")):
            await send(client, "POST", f"/prefixes/{prefix_id}/{step}", {}, 200)
        await send(root, "PUT", f"/prefixes/{prefix_id}/certification", {"certified_by": "CAICT"}, 200)
        yield Town(web, root, red, red_id, prefix_id)


async def activate(town: Town) -> None:
    await send(town.root, "POST", f"/prefixes/{town.prefix_id}/activate", {}, 200)


class Kept:
    """The web host's register, which the Handle server does not close."""

    def __init__(self, register: Any) -> None:
        self._register = register

    def __getattr__(self, name: str) -> Any:
        return getattr(self._register, name)

    def close(self) -> None:
        pass


@asynccontextmanager
async def handles(town: Town, folder: Path) -> AsyncIterator[RunningHandle]:
    register: Any = Kept(town.web.services.more["register"])
    async with running_handle(folder, records=register) as running:
        yield running


def pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


async def test_a_client_administers_by_a_key_until_it_is_removed(town: Town, tmp_path: Path) -> None:
    assert await town.refused(town.red, {}) == (409, "prefixes.keys_not_here")
    await activate(town)
    assert await send(town.red, "GET", town.keys, status=200) == {"handle": "0.NA/88.118.8", "items": []}
    key = ec.generate_private_key(ec.SECP256R1())
    made = await send(town.red, "POST", town.keys, {"public_key": pem(key), "permissions": "all"})
    assert (made["index"], made["administrator"], made["kind"]) == (300, "300:0.NA/88.118.8", "public_key")
    assert (made["algorithm"], made["bits"], made["permissions"], made["secret"]) == ("P-256", 256, "all", None)
    assert len(made["fingerprint"]) == 64
    assert await town.refused(town.red, {"public_key": pem(key)}) == (409, "prefixes.key_known")
    assert await town.refused(town.red, {"index": 300}) == (409, "prefixes.key_index_taken")
    assert await town.refused(town.red, {"public_key": "ssh-rsa"}) == (400, "prefixes.key_invalid")
    secret = await send(town.red, "POST", town.keys, {})
    assert (secret["index"], secret["kind"], secret["permissions"]) == (301, "secret", "create")
    assert secret["secret"].startswith("mwh_")

    everything, creating = Reference(PREFIX_HANDLE, 300), Reference(PREFIX_HANDLE, 301)
    async with handles(town, tmp_path / "server") as running:
        by_key = HandleClient([running.site], KeyCredentials(everything, key))
        by_secret = HandleClient([running.site], SecretCredentials(creating, secret["secret"].encode()))
        await by_key.create(b"88.118.8/pump-1", [value(1), admin_value(everything)])
        await by_secret.create(b"88.118.8/pump-2", [value(1), admin_value(creating)])
        await by_secret.modify(b"88.118.8/pump-2", [value(1, data=b"https://example.cn/2")])
        for wanted in (b"88.118.8/pump-2", b"88.118.8/PUMP-1"):
            assert [each.index for each in await by_key.resolve(wanted)] == [1, 100]
        # Who may create only takes nobody's key and gives itself no more.
        with pytest.raises(Denied):
            await by_secret.modify(PREFIX_HANDLE, [value(300, b"HS_SECKEY", b"mine")])
        with pytest.raises(Denied):
            await by_secret.add(PREFIX_HANDLE, [admin_value(creating, index=150)])
        with pytest.raises(Denied):
            await by_secret.delete(b"88.118.8/pump-1")
        # A secret is read by nobody again.
        assert secret["secret"].encode() not in [each.data for each in await by_key.resolve(PREFIX_HANDLE)]
        wrong = HandleClient([running.site], SecretCredentials(creating, b"mwh_guess"))
        with pytest.raises(Denied):
            await wrong.create(b"88.118.8/pump-3", [value(1)])

        answer = await town.red.delete(f"/api/v1{town.keys}", params={"index": 301})
        assert answer.status_code == 204, answer.text
        with pytest.raises(Denied):
            await by_secret.create(b"88.118.8/pump-4", [value(1)])
        again = await town.red.delete(f"/api/v1{town.keys}", params={"index": 301})
        assert (again.status_code, again.json()["code"]) == (404, "prefixes.key_unknown")
        # Its number is another key's only when somebody says so: with it goes what was registered with it.
        third = await send(town.red, "POST", town.keys, {})
        assert third["index"] == 302
        heir = await send(town.red, "POST", town.keys, {"index": 301})
        assert heir["index"] == 301
        inherits = HandleClient([running.site], SecretCredentials(creating, heir["secret"].encode()))
        await inherits.delete(b"88.118.8/pump-2")
    # What stands in a prefix's own handle is no identifier to be found among the others.
    names: list[str] = []
    for _ in range(200):
        names = [each["identifier"] for each in (await send(town.red, "GET", SEARCH, status=200))["items"]]
        if "88.118.8/pump-1" in names:
            break
        await asyncio.sleep(0.05)
    assert names == ["88.118.8/pump-1"]
    listed = await send(town.red, "GET", town.keys, status=200)
    assert [(each["index"], each["permissions"]) for each in listed["items"]] == [
        (300, "all"), (301, "create"), (302, "create"),
    ]  # fmt: skip
    assert "mwh_" not in json.dumps(listed)


async def test_keys_are_the_holders_and_go_with_it(town: Town, tmp_path: Path) -> None:
    await activate(town)
    blue_id, blue = await found(town.web, town.root, "Blue")
    invited = await send(town.red, "POST", f"/organisations/{town.red_id}/invitations", {"role": "viewer"})
    viewer = await join(town.web, invited["token"], "Red viewer")
    made = await send(town.red, "POST", town.keys, {"permissions": "all"})
    assert await town.refused(blue, {}) == (404, "prefixes.unknown")
    assert (await viewer.post(f"/api/v1{town.keys}", json={})).status_code == 403
    assert [each["index"] for each in (await send(viewer, "GET", town.keys, status=200))["items"]] == [300]
    for method in ("GET", "DELETE"):
        answer = await blue.request(method, f"/api/v1{town.keys}", params={"index": 300})
        assert (answer.status_code, answer.json()["code"]) == (404, "prefixes.unknown")

    await send(town.root, "POST", f"/prefixes/{town.prefix_id}/transfer", {"to_id": blue_id, "comment": "sold"}, 200)
    assert (await send(blue, "GET", town.keys, status=200))["items"] == []
    async with handles(town, tmp_path / "server") as running:
        former = HandleClient([running.site], SecretCredentials(Reference(PREFIX_HANDLE, 300), made["secret"].encode()))
        with pytest.raises(Denied):
            await former.create(b"88.118.8/pump-1", [value(1)])
    assert (await send(blue, "POST", town.keys, {}))["index"] == 301


async def test_a_secret_is_kept_in_no_answer_and_no_entry(town: Town) -> None:
    await activate(town)
    repeated = {"Idempotency-Key": "k1"}
    made = await town.red.post(f"/api/v1{town.keys}", json={}, headers=repeated)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    again = await town.red.post(f"/api/v1{town.keys}", json={}, headers=repeated)
    assert again.json()["code"] == "web.idempotency_answer_gone"
    secret = made.json()["secret"]
    assert len((await send(town.red, "GET", town.keys, status=200))["items"]) == 1
    await town.red.delete(f"/api/v1{town.keys}", params={"index": 300})
    entries: list[dict[str, Any]] = []
    for _ in range(100):
        entries = (await send(town.red, "GET", "/ledger/entries?limit=200", status=200))["items"]
        if {"prefixes.handle_keys.add", "prefixes.handle_keys.remove"} <= {each["action"] for each in entries}:
            break
    told = [each for each in entries if each["action"].startswith("prefixes.handle_keys.")]
    assert {(each["action"], each["target"]["id"], each["outcome"]) for each in told} == {
        ("prefixes.handle_keys.add", town.prefix_id, "done"),
        ("prefixes.handle_keys.remove", town.prefix_id, "done"),
    }
    assert "300:0.NA/88.118.8" in json.dumps(told)
    assert secret not in json.dumps(entries)


async def test_a_key_takes_a_second_person_where_the_policy_says_so(town: Town) -> None:
    await activate(town)
    invited = await send(town.red, "POST", f"/organisations/{town.red_id}/invitations", {"role": "administrator"})
    second = await join(town.web, invited["token"], "Red second")
    policy = {"actions": ["prefixes.handle_keys.add"]}
    await send(town.red, "PUT", f"/organisations/{town.red_id}/approval-policy", policy, 200)
    held = await town.red.post(f"/api/v1{town.keys}", json={})
    assert held.status_code == 202, held.text
    assert (await send(town.red, "GET", town.keys, status=200))["items"] == []
    path = f"/approvals/{held.json()['approval']['id']}"
    done = await send(second, "POST", f"{path}/approve", {"comment": "ok"}, 200)
    assert done["state"] == "done", done
    assert "mwh_" not in json.dumps(await send(second, "GET", path, status=200))
    assert [each["index"] for each in (await send(town.red, "GET", town.keys, status=200))["items"]] == [300]


async def test_a_client_administers_by_a_key_of_sm2(town: Town, tmp_path: Path) -> None:
    await activate(town)
    key = sm2.generate()
    point = key.public_key().point.hex()
    assert await town.refused(town.red, {"public_key": point[:-2] + "00"}) == (400, "prefixes.key_invalid")
    made = await send(town.red, "POST", town.keys, {"public_key": f"04{point}", "permissions": "all"})
    assert (made["algorithm"], made["bits"], made["administrator"]) == ("SM2", 256, "300:0.NA/88.118.8")
    who = Reference(PREFIX_HANDLE, 300)
    async with handles(town, tmp_path / "server") as running:
        client = HandleClient([running.site], KeyCredentials(who, key))
        await client.create(b"88.118.8/pump-1", [value(1), admin_value(who)])
        await client.modify(b"88.118.8/pump-1", [value(1, data=b"https://example.cn/1")])
        await client.delete(b"88.118.8/pump-1")
        stranger = HandleClient([running.site], KeyCredentials(who, sm2.generate()))
        with pytest.raises(Denied):
            await stranger.create(b"88.118.8/pump-2", [value(1)])
