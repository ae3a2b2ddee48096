"""CNRI's client and CAICT's ID-SDK (:mod:`support.witnesses`) against a node: below a prefix that was applied for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.identity.handle import Reference
from millwright.identity.handle.keys import encode_public_key
from millwright.identity.handle.model import SECRET_PERMISSIONS
from millwright.identity.records import Records
from support.handle import SECRET, admin_value, value
from support.identifiers import put, records_over
from support.node import RunningNode
from support.other_host import other_host
from support.ports import free_port
from support.witnesses import (
    CNRI,
    ID_SDK,
    check_cnri,
    check_id_sdk,
    check_id_sdk_resolves,
    classpath,
    drive,
    large_values,
    new_key,
    port_below_ten_thousand,
)

PREFIX = "88.200"
FORM = {
    "system": "handle", "prefix": PREFIX, "credit_code": "91350100M000100Y43", "industry": "C34", "use": "pumps",
    "contact": {"name": "Li", "telephone": "0591 1"},
}  # fmt: skip
BY_SECRET, BY_KEY = (Reference(f"0.NA/{PREFIX}".encode(), index) for index in (300, 301))
ADDED_CHANGED_REMOVED = ["add", "change", "change", "change", "remove"]
WRITTEN, UNDONE = ["add", "change", "change"], ["add", "remove"]


class Works:
    """A node that an enterprise's prefix is in force on, with its administrator's keys."""

    def __init__(self, node: RunningNode, records: Records, http: httpx.Client, folder: Path, public: bytes) -> None:
        self.node, self.records, self.http, self.folder, self.public = node, records, http, folder, public

    def listed(self) -> int:
        with self.records.view() as view:
            return sum(1 for _ in view.iter_handles(PREFIX.encode()))

    def entries(self, handle: str, expected: list[str], by: Reference) -> None:
        """In the ledger the changes of a handle stand, in their order, and none besides."""
        with closing(self.node.administrator()) as api:
            query = {"object_kind": "identifier", "object_id": handle, "outcome": "done"}

            def found() -> Any:
                items = api.get("/ledger/entries", params=query).json()["items"]
                return items if len(items) >= len(expected) else None

            items = self.node.wait_for(f"entries of {handle}", found)
        assert [each["action"] for each in reversed(items)] == [f"identifiers.{each}" for each in expected]
        assert str(by) in {each["actor"]["id"] for each in items}
        assert {each["actor"]["id"] for each in items} <= {str(BY_SECRET), str(BY_KEY)}

    def denied(self, handle: str) -> list[str]:
        with closing(self.node.administrator()) as api:
            query = {"object_kind": "identifier", "object_id": handle, "outcome": "denied"}
            items = self.node.wait_for(
                f"denials of {handle}", lambda: api.get("/ledger/entries", params=query).json()["items"]
            )
        return [each["actor"]["id"] for each in items]

    def seen(self, handle: str, expected: list[tuple[int, str]]) -> None:
        """Both roles show a handle over HTTP, for programs and for people."""
        for url in (self.node.url, str(self.http.base_url)):
            values = self.http.get(f"{url}/api/handles/{handle}").json()["values"]
            assert [(each["index"], each["type"]) for each in values] == expected
            page = self.http.get(f"{url}/id/{handle}", headers={"accept": "text/html"})
            assert page.status_code == 200
            assert values[0]["data"]["value"] in page.text

    def gone(self, handle: str) -> None:
        assert self.http.get(f"/api/handles/{handle}").json()["responseCode"] == 100


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    if not (os.environ.get(CNRI) or os.environ.get(ID_SDK)):
        pytest.skip(f"set {CNRI} or {ID_SDK} to the jars of a witness")
    folder = tmp_path_factory.mktemp("node")
    key = new_key(folder / "right.pem")
    new_key(folder / "wrong.pem")
    server = encode_public_key(new_key(folder / "server.pem").public_key())
    http_port = free_port()
    settings = {
        "handle": {"port": port_below_ten_thousand(), "key": str(folder / "server.pem")},
        "resolution": {"host": "127.0.0.1", "port": http_port},
    }
    with RunningNode(folder, settings) as node, records_over(node.nats_url, node.data) as records:
        take_up(node)
        public = encode_public_key(key.public_key())
        secret = value(300, b"HS_SECKEY", SECRET, permissions=int(SECRET_PERMISSIONS))
        put(
            records,
            (
                BY_SECRET.handle,
                (admin_value(BY_SECRET), admin_value(BY_KEY, index=101), secret, value(301, b"HS_PUBKEY", public)),
            ),
            (
                f"{PREFIX}/Product-1".encode(),
                (value(1), value(2, b"EMAIL", b"a@example.com"), admin_value(BY_SECRET)),
            ),
            (f"{PREFIX}/large".encode(), large_values()),
        )
        with httpx.Client(base_url=f"http://127.0.0.1:{http_port}", trust_env=False, timeout=10) as http:
            yield Works(node, records, http, folder, server)


def take_up(node: RunningNode) -> None:
    """A prefix is applied for, approved, certified and put in force."""
    with closing(node.administrator()) as api:

        def sent(method: str, path: str, **body: object) -> Any:
            answer = api.request(method, path, json=body)
            assert answer.status_code in (200, 201), answer.text
            return answer.json()

        path = f"/prefixes/{sent('POST', '/prefixes', **FORM)['id']}"
        for step in ("submit", "review", "approve"):
            sent("POST", f"{path}/{step}")
        sent("PUT", f"{path}/certification", certified_by="CAICT")
        sent("POST", f"{path}/activate")


@pytest.mark.parametrize("minor", ["1", "6", "11"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_cnri_client(works: Works, tmp_path: Path, transport: str, minor: str) -> None:
    path = classpath(CNRI)
    listed = works.listed()
    told = await drive(
        tmp_path, "CnriWitness.java", path, "127.0.0.1", str(works.node.handle_port), transport, PREFIX,
        SECRET.decode(), works.public.hex(), str(works.folder / "right.pem"), minor,
    )  # fmt: skip
    check_cnri(told, minor, listed)
    own = f"by-cnri-{transport}-{minor}"
    works.seen(f"{PREFIX}/kept-{own}", [(1, "URL"), (2, "EMAIL"), (100, "HS_ADMIN"), (101, "HS_ADMIN")])
    works.gone(f"{PREFIX}/made-{own}")
    works.entries(f"{PREFIX}/kept-{own}", WRITTEN, BY_KEY)
    sessions = UNDONE * [told["session"], told["session encrypted"]].count("1 1")
    works.entries(f"{PREFIX}/made-{own}", ADDED_CHANGED_REMOVED + UNDONE + sessions, BY_SECRET)
    assert works.denied(f"{PREFIX}/made-{own}") == [f"300:{PREFIX}/large"]


async def test_caict_id_sdk(works: Works, tmp_path: Path) -> None:
    path = classpath(ID_SDK)
    told = await drive(
        tmp_path, "CaictWitness.java", path, "127.0.0.1", str(works.node.handle_port), "tcp", PREFIX,
        str(works.folder / "right.pem"), str(works.folder / "wrong.pem"),
    )  # fmt: skip
    check_id_sdk(told)
    works.seen(f"{PREFIX}/kept-by-id-sdk", [(1, "URL"), (100, "HS_ADMIN")])
    works.gone(f"{PREFIX}/made-by-id-sdk")
    works.entries(f"{PREFIX}/kept-by-id-sdk", ["add"], BY_KEY)
    works.entries(f"{PREFIX}/made-by-id-sdk", ADDED_CHANGED_REMOVED, BY_KEY)


async def test_caict_id_sdk_over_udp(works: Works, tmp_path: Path) -> None:
    path = classpath(ID_SDK)
    # It binds the port that it asks, so it can only ask another host.
    with other_host(works.node.handle_port) as there:
        told = await drive(
            tmp_path, "CaictWitness.java", path, there.address, str(works.node.handle_port), "udp", PREFIX,
            str(works.folder / "right.pem"), str(works.folder / "wrong.pem"), within=there.within,
        )  # fmt: skip
    check_id_sdk_resolves(told)


def test_nothing_failed_on_the_way(works: Works) -> None:
    assert "Traceback" not in works.node.output()
    with closing(works.node.administrator()) as api:
        assert api.get("/system").json()["problems"] == []
