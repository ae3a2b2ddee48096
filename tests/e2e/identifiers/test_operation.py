"""A node asked over every interface, in both of its processes that resolve: it says of that what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from millwright.identity.handle.wire.codes import Rc
from support.node import RunningNode
from support.operation import CLOSED, GTIN, PREFIX, ask_http, ask_tcp, ask_udp, fill
from support.resolution import BID


def causes(figures: dict[str, Any]) -> dict[str, int]:
    return {each["outcome"]: each["count"] for each in figures["causes"]}


def test_what_a_node_says_of_its_resolution_is_what_was_asked(tmp_path: Path) -> None:
    # A limit would be another outcome.
    settings = {"resolution": {"misses_per_min": 0, "requests_per_s": 0}, "monitoring": {"counterfeit_sources": 15}}
    with RunningNode(tmp_path, settings) as node:
        fill(node)
        client = node.administrator()

        def get(path: str = "", **query: Any) -> dict[str, Any]:
            reply = client.get(f"/identifiers/operation{path}", params=query)
            assert reply.status_code == 200, reply.text
            found: dict[str, Any] = reply.json()
            return found

        assert get("/node")["asked"] == 0
        pump = f"{PREFIX}/pump-0007"
        assert ask_udp(node, [pump] * 70 + [f"{PREFIX}/none"] * 3 + [f"{CLOSED}/x"] * 2) == {
            Rc.SUCCESS: 70, Rc.HANDLE_NOT_FOUND: 3, Rc.SERVER_NOT_RESPONSIBLE: 2,
        }  # fmt: skip
        assert ask_tcp(node, [pump] * 40 + ["99.1/elsewhere"]) == {Rc.SUCCESS: 40, Rc.SERVER_NOT_RESPONSIBLE: 1}
        assert ask_http(
            node,
            [f"/api/handles/{pump}"] * 30
            + [f"/api/handles/{PREFIX}/none", f"/api/handles/{pump}?pretty", "/api/handles"]
            + [f"/01/{GTIN}"] * 5 + ["/01/09506000134369", "/01/123"] + [f"/01/{GTIN}/21/3"]
            + [f"/1.0/identifiers/{BID}"] * 4 + ["/1.0/identifiers/did:bid:nothing", "/1.0/methods"]
            + [f"/id/{pump}"] * 6 + [f"/id/{CLOSED}/x", "/id"],
        ).total() == 55  # fmt: skip
        expected = {"udp": 75, "tcp": 41, "rest": 32, "link": 8, "did": 5, "page": 7}

        def asked() -> dict[str, int]:
            return {each["interface"]: each["asked"] for each in get("/node")["interfaces"]}

        node.wait_for("all is told", lambda: sum(asked().values()) >= sum(expected.values()))
        assert asked() == expected
        figures = get("/node")
        assert {each["role"] for each in figures["processes"]} == {"web", "resolver"}
        assert figures["asked"] == sum(expected.values())
        assert causes(figures) == {
            # Three over UDP, one over REST, one product; a DID that is none, a GTIN with a wrong length.
            "handle_not_found": 5, "invalid_handle": 2, "prefix_suspended": 3, "server_not_responsible": 1,
        }  # fmt: skip
        assert figures["failed"] == 6
        found = sum(each["found"] for each in figures["interfaces"])
        assert found == sum(expected.values()) - 11

        def metered() -> dict[str, int]:
            return {each["meter"]: each["used"] for each in client.get("/metering/usage").json()["meters"]}

        # What was found, and nothing else, is charged to whose prefixes they are.
        node.wait_for("all is metered", lambda: metered().get("resolutions", 0) >= found)
        assert metered()["resolutions"] == found
        assert figures["hit_ratio"] == round(found / (found + 7), 4)
        assert 0 < figures["p50_us"] <= figures["p99_us"]
        hot = get("/hot")["items"]
        assert (hot[0]["name"], hot[0]["count"], hot[0]["prefix"], hot[0]["registered"]) == (pump, 147, PREFIX, True)
        assert get("/findings")["items"] == []

        metrics = client.get(f"{node.url}/metrics").text
        line = (
            'millwright_resolutions_total{role="resolver",instance_name="millwright",interface="udp",outcome="success"}'
        )
        node.wait_for("figures", lambda: f"{line} 70" in client.get(f"{node.url}/metrics").text)
        assert "# TYPE millwright_resolution_seconds histogram" in metrics

        # One network asks for number after number; a copied code is asked for in many places; somebody guesses.
        ask_udp(node, [f"{PREFIX}/pump-{each:04d}" for each in range(150)], "127.9.9.9")
        ask_udp(node, [f"GS1/01/{GTIN}/21/{each}" for each in range(10)], "127.60.0.1")
        for each in range(40):
            ask_udp(node, [f"GS1/01/{GTIN}/21/4"], f"127.50.{each}.1")
        ask_http(node, [f"/01/{GTIN}/21/9{each * 37}" for each in range(80)])
        kinds = {"enumeration", "counterfeit", "guessing"}
        node.wait_for("findings", lambda: {each["kind"] for each in get("/findings")["items"]} >= kinds)
        by_kind = {each["kind"]: each for each in get("/findings")["items"]}
        assert set(by_kind) == kinds
        assert by_kind["enumeration"]["subject"] == "127.9.9.0/24"
        assert by_kind["enumeration"]["prefixes"] == [PREFIX]
        assert by_kind["counterfeit"]["subject"] == f"GS1/01/{GTIN}/21/4"
        assert by_kind["counterfeit"]["evidence"]["networks"] >= 20
        assert by_kind["guessing"]["subject"] == f"GS1/01/{GTIN}"
        path = f"/identifiers/operation/findings/{by_kind['counterfeit']['id']}/acknowledge"
        assert client.post(path, json={"comment": "recalled"}).json()["state"] == "acknowledged"
        assert client.post(path, json={"comment": "again"}).status_code == 409
        assert get()["open_findings"] == 2

        shown = node.cli("identifiers", "operation")
        assert shown.returncode == 0, shown.stderr
        assert "127.9.9.0/24" in shown.stdout
        node.wait_for("all is told", lambda: get("/node")["asked"] >= 168 + 150 + 50 + 80)
        before = get("/node")["asked"]

    with node:
        client = node.administrator()
        assert get("/node")["asked"] == before
        rates = get("/series", span="hour")
        assert sum(each or 0 for each in rates["failed"]["prefix_suspended"]) == 3
        assert {each["id"]: each["comment"] for each in get("/findings", state="acknowledged")["items"]} == {
            by_kind["counterfeit"]["id"]: "recalled"
        }
        assert get("/hot", span="day")["items"][0]["name"] == pump
