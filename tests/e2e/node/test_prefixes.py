"""A prefix that is decided on in one process is in force in another at once, and ends when its time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from millwright.identity.handle import HandleClient
from millwright.kernel import NotFound
from support.handle import site_for
from support.node import RunningNode

FORM = {
    "system": "handle", "prefix": "88.200", "credit_code": "91350100M000100Y43", "industry": "C34", "use": "pumps",
    "contact": {"name": "Li", "telephone": "0591 1"},
}  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running


def asked(node: RunningNode) -> str:
    """What a native client hears of a handle below the prefix that nobody registered."""
    with pytest.raises(NotFound) as error:
        asyncio.run(HandleClient([site_for(node.handle_port)]).resolve(b"88.200/none"))
    return error.value.code


def sent(api: httpx.Client, method: str, path: str, **body: object) -> dict[str, object]:
    answer = api.request(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_prefix_comes_into_force_and_ends(node: RunningNode) -> None:
    assert asked(node) == "handle.not_responsible"
    with closing(node.administrator()) as api:
        path = f"/prefixes/{sent(api, 'POST', '/prefixes', **FORM)['id']}"
        for step in ("submit", "review", "approve"):
            sent(api, "POST", f"{path}/{step}")
        assert asked(node) == "handle.not_responsible"
        sent(api, "PUT", f"{path}/certification", certified_by="CAICT")
        sent(api, "POST", f"{path}/activate", until_ms=time.time_ns() // 1_000_000 + 20_000)
        assert asked(node) == "handle.unknown"  # this node answers for it now, and has no such handle
        sent(api, "POST", f"{path}/suspend", comment="a check")
        assert asked(node) != "handle.unknown"
        sent(api, "POST", f"{path}/resume")
        assert asked(node) == "handle.unknown"
        until_ms = time.time_ns() // 1_000_000 + 1000
        sent(api, "POST", f"{path}/renew", until_ms=until_ms)
        node.wait_for("it expires", lambda: api.get(path).json()["state"] == "expired")
        node.wait_for("the register knows", lambda: asked(node) != "handle.unknown")
        query = {"object_kind": "prefix"}
        node.wait_for(
            "the node's own entry",
            lambda: any(
                e["action"] == "prefixes.expire" for e in api.get("/ledger/entries", params=query).json()["items"]
            ),
        )
