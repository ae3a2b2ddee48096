"""Three nodes started as users start them, one above the other; the middle one is killed: nothing is filed twice."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.federation import wait_for
from support.node import RunningNode

QUICK = {
    "filing": {"look_s": 0.2, "retry_first_s": 0.2, "retry_most_s": 1.0, "poll_s": 0.5, "answer_s": 5.0},
    "prefixes": {"require_certification": False},
}


class Filing:
    """What an administrator does on one node."""

    def __init__(self, node: RunningNode) -> None:
        self.node = node
        self.client = node.administrator()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, path, json=body)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json() if answer.content else None

    def items(self, path: str) -> list[dict[str, Any]]:
        """A list, oldest first; empty while the node does not answer."""
        try:
            answer = self.client.get(path)
        except httpx.TransportError:
            return []
        return list(reversed(answer.json()["items"])) if answer.status_code == 200 else []

    def grant(self, prefix: str) -> str:
        contact = {"name": "李工", "telephone": "0591 1", "email": ""}
        form = {"system": "handle", "prefix": prefix, "credit_code": "91350100M000100Y43", "contact": contact}
        made = self.send("POST", "/prefixes", form | {"industry": "C34", "use": "水泵"})
        for step in ("submit", "review", "approve", "activate"):
            self.send("POST", f"/prefixes/{made['id']}/{step}", {})
        return str(made["id"])

    def admit(self, name: str) -> str:
        new = {"name": name, "holder_id": "org_root", "policy": "automatic"}
        return str(self.send("POST", "/filers", new)["token"])

    def connect(self, above: Filing, token: str) -> None:
        self.send("POST", "/upper-nodes", {"name": "above", "url": above.node.url, "token": token})


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[RunningNode]]:
    made = []
    with ExitStack() as stack:
        for name in ("enterprise", "secondary", "province"):
            (tmp_path / name).mkdir()
            node = RunningNode(tmp_path / name, {"node": {"name": name}, **QUICK})
            made.append(stack.enter_context(node))
        yield made


@pytest.mark.timeout(400)
def test_the_middle_one_is_killed_and_every_filing_arrives_once(nodes: list[RunningNode], tmp_path: Path) -> None:
    enterprise, secondary, province = map(Filing, nodes)
    province.grant("88")
    secondary.grant("88.118")
    secondary.connect(province, province.admit("secondary"))
    enterprise.connect(secondary, secondary.admit("enterprise"))
    first = enterprise.grant("88.118.8")
    wait_for(
        "the first receipts", lambda: any(len(each["chain"]) > 3 for each in enterprise.items("/filings/sent")), 60
    )

    # While it is away, and while it comes and goes, prefixes change.
    nodes[1].stop(signal.SIGKILL)
    enterprise.send("POST", f"/prefixes/{first}/suspend", {"comment": "maintenance"})
    for number in range(10, 16):
        enterprise.grant(f"88.118.{number}")
    wait_for("a problem to be shown", lambda: enterprise.send("GET", "/upper-nodes")[0]["problem"], 30)
    waiting = enterprise.items("/filings/sent?state=waiting")
    assert len(waiting) == 7
    assert all(each["next_ms"] and each["problem"]["code"] == "filing.upper_away" for each in waiting)
    nodes[1].start()
    wait_for("some to arrive", lambda: len(secondary.items("/filings/received?limit=200")) > 1, 60)
    nodes[1].kill("web")
    nodes[0].kill("web")
    wait_for("the enterprise's node to answer", lambda: enterprise.items("/filings/sent"), 60)
    enterprise.send("POST", f"/prefixes/{first}/resume", {})

    def all_down() -> bool:
        found = enterprise.items("/filings/sent?limit=200")
        return len(found) == 9 and all(each["state"] == "accepted" and each["next_ms"] is None for each in found)

    wait_for("every receipt to come down", all_down, 90)
    expected = ["88.118.8", "88.118.8", *(f"88.118.{number}" for number in range(10, 16)), "88.118.8"]
    taken = secondary.items("/filings/received?limit=200")
    assert sorted(each["prefix"] for each in taken) == sorted(expected)
    states = [each["prefix_state"] for each in taken if each["prefix"] == "88.118.8"]
    assert states == ["active", "suspended", "active"]
    on_top = province.items("/filings/received?limit=200")
    assert sorted(each["prefix"] for each in on_top) == sorted(["88.118", *expected])
    assert len({each["number"] for each in on_top}) == 8  # one number for each prefix, and no more
    assert len({each["filing_id"] for each in on_top}) == len(on_top)
    for each in enterprise.items("/filings/sent?limit=200"):
        last = each["chain"][-1]
        assert (last["node"], last["state"], last["signature"], last["trusted"]) == (
            "province", "accepted", "valid", True,
        )  # fmt: skip

    # The proof holds without any of the nodes, for who trusts the secondary one's key; changed, it does not.
    one = enterprise.items("/filings/sent")[0]
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(enterprise.send("GET", f"/filings/sent/{one['id']}/proof")))
    for node in nodes:
        node.stop()
    key = nodes[1].cli("identifiers", "key").stdout.strip()
    done = nodes[0].cli("identifiers", "filing", "verify", str(proof), "--key", key)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"number {one['number']}" in done.stdout
    stranger = nodes[2].cli("identifiers", "filing", "verify", str(proof))
    assert stranger.returncode == 1
    assert "KEY NOT TRUSTED" in stranger.stdout
    proof.write_text(proof.read_text().replace("88.118.8", "88.118.9"))
    forged = nodes[0].cli("identifiers", "filing", "verify", str(proof), "--key", key)
    assert forged.returncode == 1
    assert "WRONG" in forged.stdout
