"""Every change and every denial leaves an entry, over HTTP with a real broker: what is in it, and what never is."""

from __future__ import annotations

import asyncio
import base64
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.kernel import ROOT, Unavailable
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Act, Actor, Draft, LedgerStore, Recorder, Target, entries_of, verify
from millwright.ledger.proving import check_proof
from millwright.parties.second_factor.totp import code_at
from support.certificates import make_request
from support.web import PASSWORD, RunningWeb, open_writer, running_web, send_raw

READS = {
    ("post", "/api/v1/rules/test"),
    ("post", "/api/v1/retention/preview"),
    ("post", "/api/v1/codes/parse"),
    ("post", "/api/v1/codes/convert"),
    ("post", "/api/v1/carriers/sheet"),
    ("post", "/api/v1/carriers/read"),
    ("post", "/api/v1/prefixes/check"),
    ("post", "/api/v1/identifier-templates/{template_id}/check"),
    ("post", "/api/v1/identifiers/measures/preview"),
    ("post", "/api/v1/session/passkey/challenge"),
    ("post", "/api/v1/account/second-factor"),
    ("post", "/api/v1/account/passkeys/challenge"),
    ("post", "/api/v1/account/identities"),
    ("post", "/api/v1/account/identities/proof"),
    *(("post", f"/api/v1/connectors/{what}") for what in ("test", "browse", "read", "discover")),
    ("post", "/api/v1/connectors/{connection_id}/try"),
}
"""Routes that change nothing though they are sent by POST; what the last of them begin is told when it is finished."""


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path, written=True) as running:
        yield running


async def entries(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = await client.get("/api/v1/ledger/entries", params={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


async def until(
    client: httpx.AsyncClient, right: Callable[[list[dict[str, Any]]], bool], **query: Any
) -> list[dict[str, Any]]:
    """Wait until the entries that match are as expected."""
    for _ in range(300):
        found = await entries(client, **query)
        if right(found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(found)


async def test_every_changing_route_of_the_document_leaves_an_entry(web: RunningWeb) -> None:
    administrator = await web.set_up()
    document = (await administrator.get("/openapi.json")).json()
    tried: dict[str, tuple[str, str, int]] = {}
    for path, item in document["paths"].items():
        for method in item:
            if method not in ("post", "put", "patch", "delete") or (method, path) in READS:
                continue
            # An id of its own for each route, so that attempts of one kind are not counted together.
            mark = f"x{len(tried)}"
            address = path
            while "{" in address:
                before, _, rest = address.partition("{")
                address = f"{before}{mark}{rest.partition('}')[2]}"
            client = await web.person(administrator, f"Person {mark}", "administrator")
            request_id = f"try-{mark}"
            body = {"json": {}} if method != "delete" else {}
            answer = await client.request(method, address, headers={"X-Request-Id": request_id}, **body)  # type: ignore[arg-type]
            # Programs of secondary nodes are told by 200, too, that something is wrong.
            wrong = path.startswith("/api/v1/snms/") and answer.json()["status"] != 1
            tried[request_id] = (method, path, answer.status_code if answer.status_code >= 400 or not wrong else 400)
    assert len(tried) > 30
    told = {each["request_id"]: each for each in await entries(administrator)}
    for _ in range(100):
        told = {each["request_id"]: each for each in await entries(administrator)}
        if tried.keys() <= told.keys():
            break
        await asyncio.sleep(0.1)
    assert {request_id: tried[request_id] for request_id in tried.keys() - told.keys()} == {}
    for request_id, (method, path, status) in tried.items():
        entry = told[request_id]
        assert entry["outcome"] == ("done" if status < 400 else "denied" if status in (401, 403, 429) else "failed")
        assert entry["actor"]["kind"] == "person", (method, path)
        assert entry["actor"]["name"].startswith("Person x")
        assert "." in entry["action"], entry["action"]


async def test_what_changed_is_told(web: RunningWeb) -> None:
    client = await web.set_up()
    device = (await client.post("/api/v1/devices", json={"name": "pump-1"})).json()
    path = f"/api/v1/devices/{device['id']}"
    await client.patch(path, json={"title": "Cooling pump", "tags": ["a"]})
    credential = (await client.post(f"{path}/credentials", json={"label": "gateway"})).json()
    await client.delete(f"{path}/credentials/{credential['id']}")
    await client.delete(path)
    found = await until(client, lambda each: len(each) == 5, object_id=device["id"])
    assert [each["action"] for each in reversed(found)] == [
        "devices.add",
        "devices.change",
        "devices.credentials.add",
        "devices.credentials.remove",
        "devices.remove",
    ]
    added, changed = found[-1], found[-2]
    assert (changed["target"]["kind"], changed["target"]["name"]) == ("device", "pump-1")
    assert changed["before"] == added["after"] != changed["after"] == found[0]["before"]
    assert [(each["path"], each.get("before"), each["after"]) for each in changed["changes"]] == [
        ("/title", None, "Cooling pump"),
        ("/tags", None, ["a"]),
    ]
    assert changed["actor"]["name"] == "Anna"
    assert changed["address"] == "127.0.0.1"

    history = (await client.get(f"/api/v1/ledger/objects/device/{device['id']}")).json()["items"]
    assert len(history) == 5
    assert {each["address"] for each in history} == {None}


async def test_a_change_whose_request_failed_afterwards_is_told(
    web: RunningWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await web.set_up()

    async def broken(_: str) -> None:
        raise Unavailable("The bus is away.", code="engines.nats_unavailable")

    monkeypatch.setattr(web.services.devices.changes, "announce", broken)
    for number in range(6):  # more than are told of one kind of failure
        answer = await client.post("/api/v1/devices", json={"name": f"pump-{number}"})
        assert answer.status_code == 503
    found = await until(client, lambda each: len(each) == 6, action="devices.add")
    assert {(each["outcome"], each["error"], each["count"]) for each in found} == {
        ("failed", "engines.nats_unavailable", 1)
    }
    assert [each["target"]["name"] for each in reversed(found)] == [f"pump-{number}" for number in range(6)]
    assert all(each["after"] for each in found)


async def test_denials_are_told_and_a_flood_is_counted(web: RunningWeb) -> None:
    client = await web.set_up()
    viewer = await web.person(client, "Vera", "viewer")
    assert (await viewer.post("/api/v1/devices", json={"name": "mine"})).status_code == 403
    stranger = web.client(token="mwt_" + "x" * 32)
    for _ in range(50):
        assert (await stranger.get("/api/v1/devices")).status_code == 401
    assert (await web.client().get("/api/v1/devices")).status_code == 401  # no credential: no attempt
    guesser = web.client()
    for _ in range(8):
        await guesser.post("/api/v1/session", json={"name": "Vera", "password": "not the right one"})
    person = (await viewer.get("/api/v1/session")).json()["person"]["id"]

    (role,) = await until(client, lambda each: len(each) == 1, action="devices.add", outcome="denied")
    assert (role["actor"]["name"], role["error"]) == ("Vera", "parties.permission_required")
    tokens = await until(
        client, lambda each: sum(one["count"] for one in each) == 50, action="devices.read", outcome="denied"
    )
    assert len(tokens) < 20
    guesses = await until(
        client, lambda each: sum(one["count"] for one in each) == 8, action="session.sign_in", outcome="denied"
    )
    assert {one["error"] for one in guesses} == {"parties.wrong_password", "parties.sign_in_slowed"}
    assert person in {one["target"].get("id") for one in guesses}


async def test_a_refused_sign_in_is_entered_alike_for_somebody_and_for_nobody(web: RunningWeb) -> None:
    client = await web.set_up()
    for name in ("Anna", "Nobody"):
        attempts = web.services.denials.attempts
        answer = await web.client().post("/api/v1/session", json={"name": name, "password": "wrong password"})
        assert answer.status_code == 401
        assert web.services.denials.attempts == attempts + 1
    found = await until(client, lambda each: len(each) == 2, action="session.sign_in", outcome="denied")
    assert {each["organisation"] for each in found} == {ROOT}
    assert {each["error"] for each in found} == {"parties.wrong_password"}
    assert all(each["actor"] == {"kind": "unknown"} for each in found)


async def test_no_secret_is_anywhere_in_it(web: RunningWeb, tmp_path: Path) -> None:
    client = await web.set_up()
    marker = "Marker of a secret 8472"
    await client.post("/api/v1/people", json={"name": "Boris", "password": marker, "roles": ["viewer"]})
    token = (await client.post("/api/v1/tokens", json={"name": "exporter", "roles": ["viewer"]})).json()["token"]
    device = (await client.post("/api/v1/devices", json={"name": "pump-1"})).json()
    secret = (await client.post(f"/api/v1/devices/{device['id']}/credentials", json={})).json()["token"]
    await client.post("/api/v1/session", json={"name": marker, "password": marker})
    await web.client(token=token).get("/api/v1/people", params={"q": marker})
    await client.post("/api/v1/session/password", json={"old": PASSWORD, "new": marker + "!"})
    report = await client.post("/api/v1/devices/import?issue=true", json=[{"name": "pump-2"}])
    issued = report.json()["credentials"][0]["token"]
    await until(client, lambda each: {"session.password", "devices.import"} <= {one["action"] for one in each})
    cookie = client.cookies["millwright_session"]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file())
    with web.services.records.read() as connection:
        for table in ("ledger_entries", "ledger_disclosures", "ledger_intents"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall()
            kept += repr(rows).encode()
    assert b"pump-2" in kept
    for value in (marker, PASSWORD, token, secret, issued, cookie):
        assert value.encode() not in kept
        assert value[:12].encode() not in kept


async def test_what_somebody_signs_in_by_is_told_without_its_secrets(web: RunningWeb, tmp_path: Path) -> None:
    client = await web.set_up()
    person = (await client.get("/api/v1/session")).json()["person"]["id"]
    begun = (await client.post("/api/v1/account/second-factor")).json()
    secret = base64.b32decode(begun["secret"] + "=" * (-len(begun["secret"]) % 8))
    now_ms = web.services.clock.now_ms()
    code = {"ceremony": begun["ceremony"], "code": code_at(secret, now_ms // 30_000)}
    confirmed = await client.post("/api/v1/account/second-factor/confirmation", json=code)
    codes = confirmed.json()["codes"]
    browser = web.client()
    half = await browser.post("/api/v1/session", json={"name": "Anna", "password": PASSWORD})
    assert half.json()["code"] == "parties.second_factor_needed"
    for given, status in (("000000", 401), (codes[0], 201)):
        second = {"ceremony": half.json()["data"]["ceremony"], "code": given}
        assert (await browser.post("/api/v1/session/second", json=second)).status_code == status
    proof = {"password": PASSWORD, "code": codes[1]}
    assert (await browser.post("/api/v1/session/proof", json=proof)).status_code == 200
    assert (await browser.post("/api/v1/account/second-factor/recovery-codes")).status_code == 201
    assert (await client.delete(f"/api/v1/people/{person}/second-factor")).status_code == 204
    client = web.client()
    assert (await client.post("/api/v1/session", json={"name": "Anna", "password": PASSWORD})).status_code == 201
    wanted = {
        ("account.second_factor.add", "done", "person"),
        ("session.sign_in", "denied", "person"),
        ("session.sign_in", "done", "session"),
        ("session.proof", "done", "session"),
        ("account.second_factor.recovery_codes.add", "done", "person"),
        ("people.second_factor.remove", "done", "person"),
    }

    def told(found: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
        return {(each["action"], each["outcome"], each["target"]["kind"]) for each in found}

    found = await until(client, lambda each: wanted <= told(each))
    assert "account.second_factor" not in {each["action"] for each in found}
    for each in found:
        if each["outcome"] == "done":
            assert each["actor"]["id"] == person, each
    kept = b"".join(path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file())
    with web.services.records.read() as connection:
        kept += repr(connection.exec_driver_sql("SELECT * FROM ledger_entries").fetchall()).encode()
    for value in (begun["secret"], begun["ceremony"], *codes, PASSWORD, browser.cookies["millwright_session"]):
        assert value.encode() not in kept


async def test_personal_data_is_erased_and_every_proof_still_holds(web: RunningWeb, tmp_path: Path) -> None:
    client = await web.set_up()
    person = (
        await client.post("/api/v1/people", json={"name": "Boris", "password": PASSWORD, "roles": ["viewer"]})
    ).json()
    boris = web.client()
    await boris.post("/api/v1/session", json={"name": "Boris", "password": PASSWORD})
    await boris.patch("/api/v1/session", json={"language": "zh"})
    found = await until(client, lambda each: len(each) == 3, q="boris")
    answer = await client.delete(f"/api/v1/ledger/personal/{person['id']}")
    assert answer.json() == {"entries": 3}
    assert await entries(client, q="boris") == []
    for entry in found:
        proof = (await client.get(f"/api/v1/ledger/entries/{entry['id']}/proof")).json()
        assert check_proof(proof) == []
        assert "Boris" not in str(proof)
        after = (await client.get(f"/api/v1/ledger/entries/{entry['id']}")).json()
        assert after["erased"]
    erased = await until(client, lambda each: len(each) == 1, action="ledger.erase")
    assert erased[0]["target"]["id"] == person["id"]
    report = verify(tmp_path / "ledger" / "public")
    assert report.right
    text = b"".join(path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file())
    assert b"Boris" not in text


async def test_proof_and_files_are_served(web: RunningWeb) -> None:
    client = await web.set_up()
    (entry,) = await until(client, lambda each: len(each) == 1, object_kind="person")
    proof = (await client.get(f"/api/v1/ledger/entries/{entry['id']}/proof")).json()
    assert check_proof(proof) == []
    for change in (
        {"entry": proof["entry"].replace("node.set_up", "node.stop")},
        {"index": proof["index"] + 1},
        {"checkpoint": proof["checkpoint"].replace("millwright/test", "millwright/other")},
        {"disclosures": [{**proof["disclosures"][0], "values": {"actor.name": "Eve"}}]},
    ):
        assert check_proof(proof | change) != [], change
    checkpoint = await client.get("/api/v1/ledger/files/checkpoint")
    assert checkpoint.text.startswith("millwright/test\n")
    assert (await client.get(f"/api/v1/ledger/files/tile/0/000.p/{proof['size']}")).status_code == 200
    for path in ("tile/0/001", "..%2Fjournal", "tile/0/../../../ledger.key", "journal", "tile/99/x"):
        assert (await client.get(f"/api/v1/ledger/files/{path}")).status_code == 404, path
    size = proof["size"]
    answer = await client.get("/api/v1/ledger/consistency", params={"old": 1, "size": size})
    assert answer.status_code == 200
    assert (await client.get("/api/v1/ledger/consistency", params={"old": 3, "size": 2})).status_code == 400


async def test_csv_cannot_carry_a_formula(web: RunningWeb) -> None:
    client = await web.set_up()
    place = {"name": "=HYPERLINK(1+1)", "level": "site"}
    assert (await client.post("/api/v1/places", json=place)).status_code == 201
    await until(client, lambda each: len(each) == 1, action="places.add")
    text = (await client.get("/api/v1/ledger/export", params={"action": "places.add"})).text
    assert text.startswith("\ufeffindex,time,")
    assert "'=HYPERLINK" in text
    assert not any(cell.lstrip('"').startswith("=") for line in text.splitlines() for cell in line.split(","))


async def test_who_may_read_it(web: RunningWeb) -> None:
    administrator = await web.set_up()
    engineer = await web.person(administrator, "Erik", "engineer")
    viewer = await web.person(administrator, "Vera", "viewer")
    for path in ("entries", "export", "files/checkpoint", "disclosures", "entries/x", "entries/x/proof"):
        for client in (engineer, viewer):
            assert (await client.get(f"/api/v1/ledger/{path}")).status_code == 403, path
    assert (await engineer.get("/api/v1/ledger/objects/device/x")).json() == {"items": [], "next": None}
    assert (await viewer.get("/api/v1/ledger/objects/device/x")).status_code == 403


async def test_the_history_of_an_object_is_of_one_thing(web: RunningWeb) -> None:
    administrator = await web.set_up()
    engineer = await web.person(administrator, "Erik", "engineer")
    place = (await administrator.post("/api/v1/places", json={"name": "Works", "level": "site"})).json()["id"]
    await until(administrator, lambda each: len(each) == 1, action="places.add")
    person = (await administrator.get("/api/v1/session")).json()["person"]["id"]
    assert len((await engineer.get(f"/api/v1/ledger/objects/place/{place}")).json()["items"]) == 1
    for kind, wanted in (("*", "*"), ("pl*", place), ("person", person), ("person", "*"), ("session", "x")):
        answer = await engineer.get(f"/api/v1/ledger/objects/{kind}/{wanted}")
        assert answer.status_code == 403, (kind, answer.text)
    assert (await engineer.get("/api/v1/ledger/objects/place/*")).json()["items"] == []
    for kind in ("*", "pl*"):
        assert (await administrator.get(f"/api/v1/ledger/objects/{kind}/{place}")).json()["items"] == []
    assert (await administrator.get(f"/api/v1/ledger/objects/person/{person}")).json()["items"]


async def test_nothing_is_changed_while_it_cannot_be_recorded(web: RunningWeb) -> None:
    client = await web.set_up()
    await web.nats.kill(signal.SIGKILL)
    answer = await client.post("/api/v1/places", json={"name": "Works", "level": "site"})
    assert answer.status_code == 503
    assert answer.json()["code"] == "ledger.unavailable"
    assert (await client.get("/api/v1/places")).json() == []
    await web.nats.start()
    for _ in range(100):
        answer = await client.post("/api/v1/places", json={"name": "Works", "level": "site"})
        if answer.status_code == 201:
            break
        await asyncio.sleep(0.1)
    assert answer.status_code == 201, answer.text
    await until(client, lambda each: len(each) == 1, action="places.add", outcome="done")


async def test_changes_go_on_while_the_writer_is_down_and_nothing_is_lost(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        client = await web.set_up()
        for number in range(20):
            place = {"name": f"Works {number}", "level": "site"}
            assert (await client.post("/api/v1/places", json=place)).status_code == 201
        assert await entries(client) == []
        services = web.services
        writer = open_writer(services.records, web.bus, services.clock, tmp_path)
        await writer.start()
        try:
            found = await until(client, lambda each: len(each) == 20, action="places.add")
            assert [each["target"]["name"] for each in reversed(found)] == [f"Works {n}" for n in range(20)]
            for _ in range(100):
                if (await web.bus.state("LEDGER")).messages == 0:  # what is written is not kept twice
                    break
                await asyncio.sleep(0.1)
            else:
                raise AssertionError("the stream was not trimmed")
        finally:
            await writer.stop()


def sealed(number: int) -> Any:
    draft = Draft(
        id=f"led_{number:05d}", at_ms=number, actor=Actor("system", "node"), action="test.add",
        target=Target("thing", str(number)), outcome="done",
    )  # fmt: skip
    return entries_of(Act(), draft)[0]


async def test_each_entry_once_however_often_it_is_sent_or_the_writer_dies(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        client = await web.set_up()
        services, bus = web.services, web.bus
        recorder = Recorder(bus)
        for round_ in range(4):
            # Some of the round before come again under another message id, as after a lost confirmation.
            numbers = [*range(max(0, round_ * 300 - 100), round_ * 300 + 300)]
            for start in range(0, len(numbers), 50):
                await recorder.record([sealed(number) for number in numbers[start : start + 50]])
            writer = open_writer(services.records, bus, services.clock, tmp_path)
            if round_ == 2:
                services.ledger._store.clear_index()  # the records were restored from a backup
            await writer.start()
            await until(client, lambda each, n=round_: len(each) == 300 * (n + 1), action="test.add", limit=500)  # type: ignore[misc]
            await writer.stop()
        found = await entries(client, action="test.add", limit=500)
        assert sorted(each["id"] for each in found) == [f"led_{number:05d}" for number in range(1200)]
        assert verify(tmp_path / "ledger" / "public").right


async def test_a_change_that_never_reported_back_is_entered_as_interrupted(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        client = await web.set_up()
        recorder = web.services.recorder
        await recorder.begin(sealed(1))
        await recorder.begin(sealed(2))
        await recorder.begin(sealed(3))
        await recorder.record([sealed(2)])
        await recorder.settle("led_00003")
        writer = open_writer(web.services.records, web.bus, web.services.clock, tmp_path, interrupted_after_s=10)
        writer.writer._swept_s -= 3600.0
        await writer.start()
        try:
            found = await until(client, lambda each: len(each) == 2, action="test.add")
            assert {each["id"] for each in found} == {"led_00001", "led_00002"}
        finally:
            await writer.stop()


KEYED = "Idempotency-Key: k\r\n"


@pytest.mark.parametrize(
    ("head", "left", "problem"),
    [
        ("Content-Length: 500\r\n" + KEYED, False, "web.body_too_slow"),
        ("Transfer-Encoding: chunked\r\n" + KEYED, False, "web.body_too_large"),
        ("Content-Length: 500\r\n" + KEYED, True, None),
        ("Content-Length: 17\r\n", False, "web.invalid"),
        ("Content-Length: 17\r\n" + KEYED, False, "web.invalid"),
    ],
    ids=["stalled", "too large", "left", "wrong", "wrong with a key"],
)
async def test_what_was_refused_before_anything_was_begun_is_never_entered_as_interrupted(
    tmp_path: Path, head: str, left: bool, problem: str | None
) -> None:
    async with running_web(tmp_path, body_timeout_s=0.3, max_body_bytes=1000) as web:
        client = await web.set_up()
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        body = "7d0\r\n" + "x" * 2000 + "\r\n" if "chunked" in head else '{"nothing": true}'
        request = (
            f"POST /api/v1/places HTTP/1.1\r\nHost: {web.url[7:]}\r\nOrigin: {web.url}\r\nCookie: {cookie}\r\n"
            f"Connection: close\r\nContent-Type: application/json\r\n{head}\r\n{body}"
        )
        answer = await send_raw(web, request.encode(), answered=not left)
        assert left or str(problem).encode() in answer
        if left:
            await asyncio.sleep(0.5)  # nothing tells when a request that nobody waits for is over
        writer = open_writer(web.services.records, web.bus, web.services.clock, tmp_path, interrupted_after_s=10)
        await writer.start()
        try:
            for _ in range(100):
                if (await web.bus.state("LEDGER")).messages == 0:  # all that was sent is written
                    break
                await asyncio.sleep(0.1)
            found = await entries(client, action="places*")
            assert [each["error"] for each in found] == ([] if left else [problem])
            store = LedgerStore(web.services.records.scoped(EVERYTHING))
            assert await asyncio.to_thread(store.overdue, web.services.clock.now_ms() + 1) == []
        finally:
            await writer.stop()


async def test_an_intent_that_ends_in_the_batch_it_begins_in_is_never_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    keep = LedgerStore.keep

    def watch(self: LedgerStore, entries: Any, begun: Any, settled: Any) -> None:
        kept.extend(intent_id for intent_id, _, _ in begun)
        keep(self, entries, begun, settled)

    monkeypatch.setattr(LedgerStore, "keep", watch)
    async with running_web(tmp_path) as web:
        client = await web.set_up()
        recorder = web.services.recorder
        for number in range(3):
            await recorder.begin(sealed(number))
        await recorder.record([sealed(1)])
        await recorder.settle("led_00002")
        writer = open_writer(web.services.records, web.bus, web.services.clock, tmp_path)
        await writer.start()
        try:
            found = await until(client, lambda each: len(each) == 1, action="test.add")
            assert [each["id"] for each in found] == ["led_00001"]
            assert kept == ["led_00000"]
            await recorder.record([sealed(0)])  # the end of one that was kept comes later
            await until(client, lambda each: len(each) == 2, action="test.add")
        finally:
            await writer.stop()


async def test_a_failure_between_log_and_index_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_web(tmp_path) as web:
        client = await web.set_up()
        recorder = web.services.recorder
        writer = open_writer(web.services.records, web.bus, web.services.clock, tmp_path)
        store = writer.writer._store
        index, failed = store.index, []

        def once_broken(first: int, written: Any) -> None:
            if not failed:
                failed.append(first)
                raise OSError("the records are away")
            index(first, written)

        monkeypatch.setattr(store, "index", once_broken)
        await writer.start()
        try:
            await recorder.record([sealed(number) for number in range(5)])
            found = await until(client, lambda each: len(each) == 5, action="test.add")
            assert failed
            assert writer.writer.log.size == len(await entries(client))
            assert {each["id"] for each in found} == {f"led_{number:05d}" for number in range(5)}
        finally:
            await writer.stop()


async def test_what_a_device_does_about_its_certificates_is_recorded_as_its_own(
    web: RunningWeb, tmp_path: Path
) -> None:
    administrator, outside = await web.set_up(), web.client(token="none")
    outside.headers.pop("authorization")
    device = (await administrator.post("/api/v1/devices", json={"name": "pump-7"})).json()["id"]
    path = f"/api/v1/devices/{device}/certificates"
    code = (await administrator.post(f"{path}/code", json={})).json()["code"]
    token = (await administrator.post(f"/api/v1/devices/{device}/credentials", json={})).json()["token"]
    body = {"request": make_request(tmp_path)}
    first = await outside.post("/api/v1/enrolment", json=body, auth=("pump-7", code))
    assert first.status_code == 201, first.text
    pkcs10 = {"Content-Type": "application/pkcs10"}
    est = "/.well-known/est/simpleenroll"
    request = make_request(tmp_path, "est")
    assert (await outside.post(est, content=request, auth=("", token), headers=pkcs10)).status_code == 200
    assert (await outside.post(est, content=request, auth=("", "mwd_wrong"), headers=pkcs10)).status_code == 401
    revoked = await administrator.post(f"{path}/{first.json()['issued']['id']}/revocation", json={})
    assert revoked.status_code == 204
    assert (await administrator.post("/api/v1/certificates/authorities")).status_code == 201

    def is_there(found: list[dict[str, Any]]) -> bool:
        return {"est.simpleenroll", "certificates.authorities.add"} <= {each["action"] for each in found}

    found = await until(administrator, is_there)
    told = [(each["action"], each["actor"]["kind"], each["target"]["kind"], each["outcome"]) for each in found]
    assert ("devices.certificates.code", "person", "device", "done") in told
    assert ("enrolment.add", "device", "device", "done") in told
    assert ("enrolment.add", "device", "authority", "done") in told  # it was made at the first need
    assert ("est.simpleenroll", "device", "device", "done") in told
    assert ("devices.certificates.revocation", "person", "device", "done") in told
    assert ("certificates.authorities.add", "person", "authority", "done") in told
    denied = await until(administrator, lambda found: len(found) > 0, outcome="denied")
    assert [(each["action"], each["error"]) for each in denied] == [("est.simpleenroll", "devices.credential_wrong")]
    assert not [secret for secret in (code, token, "mwd_wrong", "PRIVATE") if secret in str(found + denied)]
