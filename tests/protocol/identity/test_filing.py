"""Filing between real web roles: receipts, order, review, refusals, forged and replayed documents, several levels."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from millwright.identity.filing.documents import digest_of, read, signed
from millwright.identity.filing.model import Filing, Receipt
from millwright.ledger import Note, Signer, Verifier, signed_by
from support.filing import FilingNode, filing_node, two_nodes
from support.tenants import send

Pair = tuple[FilingNode, FilingNode, dict[str, Any]]


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with two_nodes(tmp_path) as made:
        yield made


def mine(above: FilingNode, admitted: dict[str, Any]) -> httpx.AsyncClient:
    """A client with the token of the node below."""
    return above.web.client(token=admitted["token"])


async def statement(above: FilingNode, signer: Signer, /, **more: Any) -> Filing:
    """A filing as a node with this key would make it."""
    desk = above.web.services.more["filings"].receiving.node.key
    now_ms = above.web.services.clock.now_ms()
    said = {
        "filing_id": "fil_1", "node": "forger", "key": str(signer.verifier), "to": desk, "system": "handle",
        "prefix": "88.118.8", "event": "activate", "state": "active", "sequence": 1, "at_ms": now_ms,
        "signed_ms": now_ms, "holder": "红星水泵厂",
    }  # fmt: skip
    return msgspec.convert(said | more, Filing)


async def deliver(client: httpx.AsyncClient, document: str) -> httpx.Response:
    return await client.post("/api/v1/filings", json={"document": document})


async def test_the_life_of_a_prefix_is_filed_in_order_and_receipted(pair: Pair) -> None:
    below, above, _ = pair
    prefix_id = await below.grant("88.118.8", below.holder)
    (waiting,) = await below.sent()
    assert (waiting["state"], waiting["event"], waiting["chain"]) == ("waiting", "activate", [])
    await below.look()
    (filed,) = await below.sent()
    assert (filed["state"], filed["next_ms"], filed["problem"]) == ("accepted", None, None)
    number = filed["number"]
    assert number.startswith("secondary-")
    assert number.endswith("-000001")
    chain = [(each["kind"], each["node"], each["state"], each["signature"], each["trusted"]) for each in filed["chain"]]
    assert chain == [
        ("filing", "enterprise", "active", "valid", True),
        ("receipt", "secondary", "received", "valid", True),
        ("receipt", "secondary", "accepted", "valid", True),
    ]
    shown = await below.get(f"/prefixes/{prefix_id}")
    assert shown["filed"]
    assert [(each["node"], each["number"], each["state"]) for each in shown["filings"]] == [
        ("Secondary", number, "accepted")
    ]
    assert shown["history"][-1]["transition"] == "file"

    await below.step(prefix_id, "suspend")
    await below.step(prefix_id, "resume")
    await send(below.root, "POST", f"/prefixes/{prefix_id}/transfer", {"to_id": below.holder, "comment": "c"}, 404)
    await send(below.root, "POST", f"/prefixes/{prefix_id}/withdraw", {}, 200)
    await below.look()
    filings = await below.sent()
    assert [each["event"] for each in filings] == ["activate", "suspend", "resume", "withdraw"]
    assert {each["state"] for each in filings} == {"accepted"}
    assert {each["number"] for each in filings} == {number}  # one registration of a prefix has one number
    taken = await above.received()
    assert [each["prefix_state"] for each in taken] == ["active", "suspended", "active", "withdrawn"]
    assert [each["current"] for each in taken] == [False, False, False, True]
    assert taken[0]["holder"] == "enterprise park"

    # Nothing is sent twice.
    await below.look()
    assert len(await above.received()) == 4


async def test_the_register_is_searched_exported_and_told(pair: Pair) -> None:
    below, above, _ = pair
    await below.grant("88.118.8", below.holder)
    await below.grant("88.118.9", below.holder)
    await below.look()
    found = await above.get("/filings/received?q=88.118.9&current=true")
    assert [each["prefix"] for each in found["items"]] == ["88.118.9"]
    one = await above.get(f"/filings/received/{found['items'][0]['id']}")
    assert one["filing"]["contact"]["name"] == "李工"
    assert [each["signature"] for each in one["chain"]] == ["valid"] * 3
    assert [each["to_state"] for each in one["history"]] == ["received", "accepted"]
    file = await above.root.get("/api/v1/filings/received/export?current=true")
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert rows[0][0] == "备案编号 number"
    assert {row[1] for row in rows[1:]} == {"88.118.8", "88.118.9"}
    assert all("李工" in row and "enterprise park" in row for row in rows[1:])
    first = await above.get("/filings/received?limit=1")
    second = await above.get(f"/filings/received?limit=1&cursor={first['next']}")
    assert {each["prefix"] for each in first["items"] + second["items"]} == {"88.118.8", "88.118.9"}
    assert second["next"] is None


async def test_a_review_decides_and_the_answer_is_fetched(tmp_path: Path) -> None:
    async with two_nodes(tmp_path, policy="review") as (below, above, _):
        prefix_id = await below.grant("88.118.8", below.holder)
        await below.look()
        (filed,) = await below.sent()
        assert (filed["state"], filed["number"], filed["pending"]) == ("received", "", True)
        (waiting,) = await above.received()
        assert waiting["allowed"] == ["review", "accept", "refuse"]
        path = f"/filings/received/{waiting['id']}"
        await send(above.root, "POST", f"{path}/review", {}, 200)
        unsaid = await above.root.post(f"/api/v1{path}/refuse", json={})
        assert unsaid.status_code == 400
        await send(above.root, "POST", f"{path}/refuse", {"comment": "营业执照不清晰"}, 200)
        again = await above.root.post(f"/api/v1{path}/accept", json={})
        assert (again.status_code, again.json()["code"]) == (409, "cases.wrong_state")

        await send(below.root, "POST", f"/filings/sent/{filed['id']}/retry", status=200)
        await below.look()
        (refused,) = await below.sent()
        assert (refused["state"], refused["reason"], refused["next_ms"]) == ("refused", "营业执照不清晰", None)
        shown = await below.get(f"/prefixes/{prefix_id}")
        assert (shown["filed"], shown["filings"][0]["state"]) == (False, "refused")

        # Filed anew, and accepted.
        (upper,) = await below.get("/upper-nodes")
        await send(below.root, "POST", f"/upper-nodes/{upper['id']}/filings", status=200)
        await below.look()
        newest = (await above.received())[-1]
        assert newest["event"] == "register"
        await send(above.root, "POST", f"/filings/received/{newest['id']}/accept", {}, 200)
        await send(below.root, "POST", f"/filings/sent/{(await below.sent())[-1]['id']}/retry", status=200)
        await below.look()
        assert (await below.sent())[-1]["state"] == "accepted"
        assert (await below.get(f"/prefixes/{prefix_id}"))["filed"]


async def test_somebody_elses_prefix_is_refused_with_a_signed_reason(pair: Pair) -> None:
    below, above, _ = pair
    await below.grant("88.119.1", below.holder)
    await below.look()
    (filed,) = await below.sent()
    assert filed["state"] == "refused"
    assert "holds here" in filed["reason"]
    assert filed["chain"][-1]["signature"] == "valid"
    (kept,) = await above.received()
    assert (kept["state"], kept["number"], kept["current"]) == ("refused", "", False)
    # One that the organisation holds, and that itself decides on, is no better: nobody files with themselves.
    own = await send(
        above.root, "POST", "/organisations", {"parent_id": above.holder, "kind": "department", "name": "E"}
    )
    await above.grant("88.118.70", own["id"])
    await below.grant("88.118.70", below.holder)
    await below.look()
    assert (await below.sent())[-1]["state"] == "refused"  # the nearest prefix above is another's


async def test_what_is_forged_replayed_or_of_the_future_is_not_taken(pair: Pair) -> None:
    below, above, admitted = pair
    await below.grant("88.118.8", below.holder)
    await below.look()
    client, forger = mine(above, admitted), Signer.generate("forger")
    count = len(await above.received())

    async def refused(document: str, code: str, status: int) -> None:
        answer = await deliver(client, document)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert len(await above.received()) == count

    # Another key than the one that the token goes with; a changed text under the right one.
    await refused(signed(await statement(above, forger), forger), "filing.key_changed", 403)
    real = above.web.services.more["filings"].receiving.register
    document = next(iter(real.iter_all([above.root and "org_root"]))).document
    await refused(document.replace("88.118.8", "88.118.9"), "filing.signature_wrong", 403)
    await refused(document.replace("millwright.filing/1", "millwright.filing-report/1"), "filing.document_invalid", 400)
    await refused("nothing signed", "filing.document_invalid", 400)
    await refused("x" * 600_000, "web.invalid", 400)

    # The same again changes nothing and is answered alike.
    answer = await deliver(client, document)
    assert answer.status_code == 200
    receipt = read(answer.json()["receipts"][-1], Receipt)
    assert (receipt.state, receipt.digest) == ("accepted", digest_of(document))
    assert len(await above.received()) == count

    # By the node's own key: out of order, under a used id, for another node, from the future.
    own = below.web.services.more["filings"].receiving.node
    base = {"node": "enterprise", "key": own.key}
    made = read(document, Filing)
    later = made.sequence + 10**9
    for change, code, status in (
        ({"sequence": made.sequence}, "filing.out_of_order", 409),
        ({"filing_id": made.filing_id, "sequence": later}, "filing.id_taken", 409),
        ({"to": str(Signer.generate("other").verifier), "sequence": later}, "filing.not_for_this_node", 400),
        ({"signed_ms": made.signed_ms + 3_600_000, "sequence": later}, "filing.clock_wrong", 400),
    ):
        await refused(own.sign(await statement(above, forger, **{**base, **change})), code, status)
    # Who is no node files nothing.
    answer = await deliver(above.root, document)
    assert (answer.status_code, answer.json()["code"]) == (404, "filing.no_filer")
    desk = (await above.root.get("/api/v1/filings/desk")).json()
    assert (desk["admitted"], desk["prefixes"]) == (False, [])
    # The token does nothing else.
    for path in ("/prefixes", "/filings/received", "/filers", "/people", "/upper-nodes", "/devices"):
        assert (await client.get(f"/api/v1{path}")).status_code == 403, path


async def test_one_key_belongs_to_one_node(tmp_path: Path, pair: Pair) -> None:
    below, above, admitted = pair
    await below.grant("88.118.8", below.holder)
    await below.look()
    key = (await above.get("/filers"))[0]["public_key"]
    assert Verifier.parse(key).name == "identifiers/enterprise"
    body = {"name": "Copy", "holder_id": above.holder, "public_key": key}
    answer = await above.root.post("/api/v1/filers", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "filing.key_taken")
    assert [each["name"] for each in await above.get("/filers")] == ["Enterprise node"]  # and no account is left
    # Under another name, the same key is the same.
    renamed = Verifier("someone/else", Verifier.parse(key).kind, Verifier.parse(key).public)
    answer = await above.root.post("/api/v1/filers", json=body | {"public_key": str(renamed)})
    assert (answer.status_code, answer.json()["code"]) == (409, "filing.key_taken")
    # A node that files with itself, or with its copy, is told so.
    mirror = await below.admit("Itself", below.holder)
    loop = await below.connect("Itself", below.web.url, mirror["token"])
    checked = await send(below.root, "POST", f"/upper-nodes/{loop['id']}/check", status=200)
    assert (checked["ok"], checked["problem"]["code"]) == (False, "filing.own_key")
    await below.look()
    (failing,) = [each for each in await below.get("/upper-nodes") if each["name"] == "Itself"]
    assert (failing["problem"]["code"], failing["attempts"]) == ("filing.own_key", 1)
    # A new key of the node below takes a hand above; with the old one forgotten the next is taken.
    change = {"name": "Enterprise node", "policy": "automatic", "public_key": ""}
    await send(above.root, "PUT", f"/filers/{admitted['filer']['id']}", change, 200)
    forger = Signer.generate("new")
    client = mine(above, admitted)
    later = {"sequence": 10**15}
    assert (await deliver(client, signed(await statement(above, forger, **later), forger))).status_code == 200


async def test_a_token_can_be_taken_back(pair: Pair) -> None:
    below, above, admitted = pair
    filer = admitted["filer"]
    new = await send(above.root, "POST", f"/filers/{filer['id']}/token")
    await below.grant("88.118.8", below.holder)
    await below.look()
    (upper,) = await below.get("/upper-nodes")
    assert (upper["problem"]["code"], upper["waiting"]) == ("filing.upper_refuses", 1)
    body = {name: upper[name] for name in ("name", "url", "report_every_h")} | {"public_key": upper["public_key"] or ""}
    await send(below.root, "PUT", f"/upper-nodes/{upper['id']}", body | {"token": new["token"]}, 200)
    await below.look()
    assert (await below.sent())[0]["state"] == "accepted"
    suspended = {"name": filer["name"], "policy": "automatic", "suspended": True}
    await send(above.root, "PUT", f"/filers/{filer['id']}", suspended, 200)
    await below.grant("88.118.9", below.holder)
    await below.look()
    (upper,) = await below.get("/upper-nodes")
    assert "filing.suspended" in upper["problem"]["message"]
    await send(above.root, "DELETE", f"/filers/{filer['id']}", status=204)
    assert await above.get("/filers") == []
    assert len(await above.received()) == 1
    assert (await mine(above, new).get("/api/v1/filings/desk")).status_code == 401


async def test_three_levels_and_the_receipts_come_down(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        enterprise, secondary, province = [
            await stack.enter_async_context(filing_node(tmp_path / name, name))
            for name in ("enterprise", "secondary", "province")
        ]
        await province.grant("88", province.holder)
        middle = await province.admit("Secondary", province.holder)
        await secondary.grant("88.118", secondary.holder)
        await secondary.connect("Province", province.web.url, middle["token"])
        leaf = await secondary.admit("Enterprise", secondary.holder)
        await enterprise.connect("Secondary", secondary.web.url, leaf["token"])
        await enterprise.grant("88.118.8", enterprise.holder)

        await enterprise.look()
        (filed,) = await enterprise.sent()
        assert (filed["state"], filed["pending"]) == ("accepted", True)
        await secondary.look()  # its own prefix, and what it passes on
        assert [each["prefix"] for each in await province.received()] == ["88.118", "88.118.8"]
        await asyncio.sleep(0.1)
        await enterprise.look()
        (filed,) = await enterprise.sent()
        assert (filed["pending"], filed["next_ms"]) == (False, None)
        chain = [
            (each["kind"], each["node"], each["state"], each["signature"], each["trusted"]) for each in filed["chain"]
        ]
        assert chain[-1] == ("receipt", "province", "accepted", "valid", True)
        assert filed["chain"][-1]["number"].startswith("province-")
        assert len(chain) == 4

        top = await province.get(f"/filings/received/{(await province.received())[-1]['id']}")
        assert [(each["kind"], each["node"]) for each in top["chain"]] == [
            ("filing", "enterprise"), ("receipt", "secondary"), ("filing", "secondary"), ("receipt", "province"),
            ("receipt", "province"),
        ]  # fmt: skip
        assert all(each["trusted"] for each in top["chain"])
        assert top["holder"] == "enterprise park"
        passed = await secondary.get("/filings/received")
        detail = await secondary.get(f"/filings/received/{passed['items'][0]['id']}")
        assert [each["state"] for each in detail["onward"]] == ["accepted"]

        # The proof holds anywhere, by the notes alone.
        proof = await enterprise.get(f"/filings/sent/{filed['id']}/proof")
        note = Note.parse(proof["filing"])
        assert signed_by(note, Verifier.parse(read(proof["filing"], Filing).key))


async def test_a_removed_organisation_ends_its_prefixes_above_too(pair: Pair) -> None:
    below, above, _ = pair
    gone = await send(below.root, "POST", "/organisations", {"parent_id": "org_root", "kind": "site", "name": "Gone"})
    await below.grant("88.118.8", gone["id"])
    await below.look()
    await send(below.root, "PATCH", f"/organisations/{gone['id']}", {"suspended": True}, 200)
    await send(below.root, "DELETE", f"/organisations/{gone['id']}", status=204)
    await below.look()
    assert [each["event"] for each in await above.received()] == ["activate", "withdraw"]


async def test_reports_are_sent_kept_and_missed(pair: Pair) -> None:
    below, above, admitted = pair
    await below.grant("88.118.8", below.holder)
    await below.grant("99.1", below.holder)
    template = await send(
        below.root, "POST", "/identifier-templates", {"name": "T", "fields": [{"number": 1, "name": "name"}]}
    )
    await send(below.root, "POST", f"/identifier-templates/{template['id']}/publish", {}, 200)
    for number in range(3):
        new = {"identifier": f"88.118.8/{number}", "template_id": template["id"], "fields": {"name": "x"}}
        await send(below.root, "POST", "/identifiers", new)
    (upper,) = await below.get("/upper-nodes")
    body = {name: upper[name] for name in ("name", "url")} | {"report_every_h": 1}
    await send(below.root, "PUT", f"/upper-nodes/{upper['id']}", body, 200)
    await below.look()
    await below.look()
    (told,) = await below.get(f"/upper-nodes/{upper['id']}/reports")
    assert (told["state"], told["identifiers"], told["prefixes"]) == ("accepted", 3, 2)
    (kept,) = await above.get(f"/filers/{admitted['filer']['id']}/reports")
    report = kept["report"]
    assert (report["identifiers"], report["resolutions"], report["states"]) == (3, None, {"active": 2})
    assert [(each["prefix"], each["identifiers"]) for each in report["prefixes"]] == [("88.118.8", 3), ("99.1", 0)]
    assert report["digest"] == below.web.services.more["register"].digest
    assert (kept["strange"], kept["to_ms"] - kept["from_ms"]) == (1, 3_600_000)
    (filer,) = await above.get("/filers")
    assert (filer["late_ms"], filer["missing"]) == (None, 0)
