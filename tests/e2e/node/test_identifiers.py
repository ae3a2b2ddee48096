"""Identifiers on a node: written by one process, resolved by another; changed natively; watched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from millwright.identity.handle import HandleClient, Reference, SecretCredentials
from millwright.identity.handle.model import SECRET_PERMISSIONS
from millwright.identity.records import Records
from millwright.kernel import ROOT, Corrupt, Denied, NotFound
from support.handle import SECRET, admin_value, site_for, value
from support.identifiers import home, put, records_over
from support.node import RunningNode

PREFIX = b"88.118.8"
ADMIN = Reference(b"0.NA/" + PREFIX, 300)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture(scope="module")
def records(node: RunningNode) -> Iterator[Records]:
    """The register, opened by this process beside those of the node."""
    with records_over(node.nats_url, node.data) as found:
        home(found, PREFIX, organisation_id=ROOT)
        secret = value(300, b"HS_SECKEY", SECRET, permissions=int(SECRET_PERMISSIONS))
        put(found, (b"0.NA/" + PREFIX, (admin_value(ADMIN), secret)))
        yield found


def client(node: RunningNode, secret: bytes | None = None) -> HandleClient:
    credentials = SecretCredentials(ADMIN, secret) if secret is not None else None
    return HandleClient([site_for(node.handle_port)], credentials)


def test_what_one_process_writes_another_resolves(node: RunningNode, records: Records) -> None:
    put(records, (PREFIX + b"/pump-1", (value(1),)))
    # There is nothing to wait for: both look at one index.
    assert asyncio.run(client(node).resolve(PREFIX + b"/PUMP-1")) == (value(1),)
    with pytest.raises(NotFound):
        asyncio.run(client(node).resolve(PREFIX + b"/none"))
    with pytest.raises(NotFound) as error:
        asyncio.run(client(node).resolve(b"77.1/x"))
    assert error.value.code == "handle.not_responsible"


def test_a_native_change_is_in_the_register_and_in_the_ledger(node: RunningNode, records: Records) -> None:
    handle = PREFIX + b"/native"
    before = records.position
    asyncio.run(client(node, SECRET).create(handle, [value(1), admin_value(ADMIN)]))
    asyncio.run(client(node, SECRET).modify(handle, [value(1, data=b"https://example.com/new")]))
    asyncio.run(client(node, SECRET).delete(handle))
    with pytest.raises(Denied):
        asyncio.run(client(node, b"wrong").create(handle, [value(1)]))
    assert records.position == before + 3
    history = records.history(handle)
    assert [(each.op, each.who, each.origin) for each in history] == [
        ("put", str(ADMIN), "millwright"), ("put", str(ADMIN), "millwright"), ("delete", str(ADMIN), "millwright")
    ]  # fmt: skip
    with closing(node.administrator()) as api:
        query = {"object_kind": "identifier", "object_id": handle.decode()}

        def entries() -> Any:
            items = api.get("/ledger/entries", params=query).json()["items"]
            return items if len(items) == 3 else None

        found: list[Any] = node.wait_for("three entries", entries)
    assert [each["action"] for each in reversed(found)] == [
        "identifiers.add",
        "identifiers.change",
        "identifiers.remove",
    ]
    assert {each["actor"]["id"] for each in found} == {str(ADMIN)}
    assert {each["organisation"] for each in found} == {ROOT}
    assert any(change["path"].startswith("/1/data") for change in found[1]["changes"])


def test_a_secret_is_not_in_the_ledger(node: RunningNode, records: Records) -> None:
    handle = PREFIX + b"/with-secret"
    hidden = value(7, b"HS_SECKEY", b"a very well kept secret", permissions=int(SECRET_PERMISSIONS))
    asyncio.run(client(node, SECRET).create(handle, [hidden, value(1)]))
    with closing(node.administrator()) as api:
        query = {"object_kind": "identifier", "object_id": handle.decode()}
        found = node.wait_for("an entry", lambda: api.get("/ledger/entries", params=query).json()["items"])
    assert "/7" in str(found)
    assert "very well kept" not in str(found)
    assert "6120766572792077656c6c" not in str(found)


def test_it_is_in_the_figures(node: RunningNode, records: Records) -> None:
    with closing(node.administrator()) as api:
        node.wait_for(
            "the resolver is told of", lambda: "millwright_identifiers{" in api.get(f"{node.url}/metrics").text
        )
        text = api.get(f"{node.url}/metrics").text
        assert 'millwright_identifier_lag{role="resolver",instance_name="millwright"} 0\n' in text
        assert "millwright_handle_udp_requests_total{" in text
        roles = {each["role"]: each for each in api.get("/system").json()["roles"]}
    assert roles["resolver"]["state"] == "running"
    assert roles["resolver"]["rss_bytes"] < 80_000_000
    assert "handle" in node.cli("doctor").stdout


def test_a_batch_that_does_not_verify_is_a_problem(tmp_path: Path) -> None:
    with RunningNode(tmp_path) as node, records_over(node.nats_url, node.data) as records:
        home(records, PREFIX)
        put(records, (PREFIX + b"/kept", (value(1),)))
        last = records._log.last()
        forged = bytearray(records._log.find(last) or b"")
        forged[-1] ^= 1
        records._log.append(bytes(forged), last)
        with closing(node.administrator()) as api:

            def problem() -> Any:
                problems = api.get("/system").json()["problems"]
                return [each for each in problems if each["code"] == "records.batch_unverified"]

            node.wait_for("the problem", problem)
        # What is known is served; nothing is written behind it.
        assert asyncio.run(client(node).resolve(PREFIX + b"/kept")) == (value(1),)
        with pytest.raises(Corrupt):
            put(records, (PREFIX + b"/other", (value(1),)))
        assert node.cli("status").returncode == 1


def test_a_taken_port_is_said_so(tmp_path: Path, node: RunningNode) -> None:
    other = RunningNode(tmp_path, {"handle": {"port": node.handle_port}})
    try:
        with pytest.raises(AssertionError, match="cannot open port"):
            other.start()
        doctor = other.cli("doctor")
    finally:
        other.stop()
    assert doctor.returncode == 1
    assert f"port {node.handle_port} (handle)" in doctor.stdout


def test_a_broken_index_does_not_keep_a_node_from_starting(tmp_path: Path) -> None:
    with RunningNode(tmp_path) as node, records_over(node.nats_url, node.data) as records:
        home(records, PREFIX)
        put(records, *((PREFIX + b"/%d" % number, (value(1),)) for number in range(1000)))
        digest = records.digest
    data = node.data / "identifiers" / "data.mdb"
    data.write_bytes(b"\xa5" * data.stat().st_size)
    started = time.monotonic()
    with node:
        assert time.monotonic() - started < 20
        assert asyncio.run(client(node).resolve(PREFIX + b"/999")) == (value(1),)
        with records_over(node.nats_url, node.data) as records:
            assert (records.digest, records.verify()) == (digest, 1000)
