"""Metering over HTTP: counts that are exact, plans, statements, limits; who may decide on them."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.kernel.scope import EVERYTHING
from millwright.metering import MESSAGES, Batch, Calendar, CountStore
from millwright.metering.periods import month
from millwright.metering.tables import counts
from support.tenants import join, send
from support.web import RunningWeb, running_web

NOW = datetime.now(UTC)
RUNNING = f"{NOW:%Y-%m}"
LAST = f"{NOW.replace(day=1) - timedelta(days=1):%Y-%m}"
FIRST = f"{LAST}-01"


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path, metered=True, written=True) as running:
        yield running


class Park:
    """A park, an enterprise in it with a site, and the administrators of the park and the enterprise."""

    def __init__(self, web: RunningWeb, root: httpx.AsyncClient) -> None:
        self.web, self.root = web, root
        self.store = CountStore(web.services.records.scoped(EVERYTHING))

    async def build(self) -> Park:
        new = {"parent_id": "org_root", "kind": "enterprise", "name": "=红星机械"}
        self.red: str = (await send(self.root, "POST", "/organisations", new))["id"]
        invited = await send(self.root, "POST", f"/organisations/{self.red}/invitations", {"role": "administrator"})
        self.owner = await join(self.web, invited["token"], "owner")
        site = {"parent_id": self.red, "kind": "site", "name": "site"}
        self.site: str = (await send(self.owner, "POST", "/organisations", site))["id"]
        return self

    def count(self, organisation: str, quantity: int, of_month: str = LAST, day: int = 0) -> None:
        hour = Calendar().hour_of(month(of_month).first) + 24 * day
        key = (organisation, MESSAGES.name, hour)
        self.store.record(f"test/{organisation}/{of_month}/{day}", [Batch(1, {key: quantity})], 0)

    async def plan(self, **document: Any) -> str:
        tiers = [{"price": "0.80", "up_to": 1000}, {"price": "0.50"}]
        prices = [{"meter": "messages", "free": 100, "per": 10, "tiers": tiers}]
        whole = {"name": "基础版", "monthly_fee": "300", "prices": prices, **document}
        return (await send(self.root, "POST", "/metering/plans", {"document": whole}))["id"]

    async def subscribe(self, organisation: str, plan: str | None, day: str = FIRST, status: int = 200) -> Any:
        body = {"from_day": day, "plan_id": plan}
        return await send(self.root, "PUT", f"/metering/organisations/{organisation}/subscription", body, status)


@pytest.fixture
async def park(web: RunningWeb) -> Park:
    return await Park(web, await web.set_up()).build()


async def test_calls_are_counted_to_the_callers_organisation_exactly(park: Park, web: RunningWeb) -> None:
    async def calls(organisation: str) -> int:
        await web.services.more["tally"].flush()
        usage = (await park.root.get("/api/v1/metering/usage", params={"organisation_on": organisation})).json()
        own = {each["organisation_id"]: each["used"] for each in usage["organisations"]}
        return int(own[organisation].get("api_calls", 0))

    before = await calls(park.red)
    for _ in range(23):
        assert (await park.owner.get("/api/v1/devices")).status_code == 200
    assert (await park.owner.get("/api/v1/nowhere")).status_code == 404  # a call, too
    for _ in range(5):
        await park.owner.get("/api/v1/devices", headers={"X-Organisation": park.site})
    for _ in range(7):
        await web.client().get("/api/v1/devices")  # nobody's
        await park.owner.get("/healthz")
    assert await calls(park.red) == before + 23 + 1
    assert await calls(park.site) == 5


async def test_a_statement_adds_up_is_frozen_and_is_verified(park: Park, web: RunningWeb) -> None:
    park.count(park.red, 1000)
    park.count(park.site, 1200, day=3)
    plan = await park.plan()
    await park.subscribe(park.red, plan)
    made = await send(park.root, "POST", "/metering/statements", {"organisation_id": park.red, "month": LAST})
    document = made["document"]
    # 2,200 messages: 100 free, 1,000 at 0.80 and 1,100 at 0.50 for ten.
    shown = [(line["kind"], line["quantity"], line["amount"]) for line in document["lines"]]
    assert shown == [
        ("fee", len(month(LAST)), "300.00"),
        ("free", 100, "0.00"),
        ("tier", 1000, "80.00"),
        ("tier", 1100, "55.00"),
    ]
    assert document["total"] == "435.00"
    assert sum(row["quantity"] for row in document["raw"] if row["meter"] == "messages") == 2200
    assert made["number"] == f"MW-{LAST.replace('-', '')}-0001"
    again = await park.root.post("/api/v1/metering/statements", json={"organisation_id": park.red, "month": LAST})
    assert (again.status_code, again.json()["code"]) == (409, "metering.statement_issued")
    late = await park.subscribe(park.red, None, FIRST, 409)
    assert late["code"] == "metering.month_closed"

    path = f"/api/v1/metering/statements/{made['id']}"
    assert (await park.owner.get(f"{path}/verification")).json()["equal"]
    assert made["digest"] in await wait_for_entries(park.root, "metering.statements.add")

    listed = (await park.owner.get("/api/v1/metering/statements")).json()
    assert [each["id"] for each in listed] == [made["id"]]
    rows = list(csv.reader(io.StringIO((await park.owner.get(f"{path}/csv")).content.decode("utf-8-sig"))))
    assert ["organisation", "'=红星机械"] in rows  # a spreadsheet would have run it
    assert sum(round(float(row[9]) * 100) for row in rows if row and row[0] in ("fee", "free", "tier")) == 43500
    printed = await park.owner.get(f"{path}/pdf")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF-")
    assert b"STSong-Light" in printed.content

    park.count(park.site, 7, day=9)  # something that came in late
    found = (await park.owner.get(f"{path}/verification")).json()
    assert (found["equal"], found["counts_equal"], found["lines_equal"], found["digest_equal"]) == (
        False,
        False,
        True,
        True,
    )
    assert [(each["quantity"], each["counted_now"]) for each in found["differences"]] == [(1200, 1207)]
    records = web.services.records.scoped(EVERYTHING)
    with records.begin() as connection:
        connection.execute(counts.delete().where(counts.c.hour >= Calendar().hour_of(month(LAST).first) + 9 * 24))
    assert (await park.owner.get(f"{path}/verification")).json()["equal"]


async def test_a_change_of_plan_is_prorated_and_an_organisation_pays_for_those_below(park: Park) -> None:
    days = len(month(LAST))
    park.count(park.red, 50, day=0)
    park.count(park.site, 60, day=days - 1)
    cheap = await park.plan(name="A", monthly_fee="100", prices=[])
    dear = await park.plan(name="B", monthly_fee="200", prices=[{"meter": "messages", "tiers": [{"price": "1"}]}])
    await park.subscribe("org_root", cheap)
    await park.subscribe(park.red, dear, f"{LAST}-11")
    drafts = [
        (await park.root.get("/api/v1/metering/draft", params={"organisation_on": each, "month": LAST})).json()
        for each in ("org_root", park.red)
    ]
    top, own = (each["document"] for each in drafts)
    assert [(line["days"], line["amount"]) for line in top["lines"]] == [(days, "100.00")]
    assert {(row["organisation_id"], row["quantity"]) for row in top["raw"] if row["quantity"]} >= {(park.red, 50)}
    assert not any(row["organisation_id"] == park.site and row["quantity"] for row in top["raw"])
    fee, tier = own["lines"]
    expected = (200 * (days - 10) * 100 * 2 + days) // (2 * days)
    assert (fee["days"], round(float(fee["amount"]) * 100)) == (days - 10, expected)
    assert (tier["quantity"], tier["amount"]) == (60, "60.00")
    nothing = await park.root.get("/api/v1/metering/draft", params={"organisation_on": park.site, "month": LAST})
    assert nothing.json()["code"] == "metering.no_plan_in_force"
    early = await park.root.post("/api/v1/metering/statements", json={"organisation_id": park.red, "month": RUNNING})
    assert early.json()["code"] == "metering.month_not_over"


async def test_who_paid_for_an_organisation_pays_for_it_also_when_it_was_removed(park: Park) -> None:
    park.count(park.site, 1200, day=3)
    park.count(park.site, 110, RUNNING)
    await park.subscribe(park.red, await park.plan())
    made = await send(park.root, "POST", "/metering/statements", {"organisation_id": park.red, "month": LAST})
    quota = {"quotas": [{"meter": "messages", "limit": 1000}]}
    await send(park.root, "PUT", f"/metering/organisations/{park.red}/limits", quota, 200)
    await send(park.owner, "PATCH", f"/organisations/{park.site}", {"suspended": True}, 200)
    await send(park.owner, "DELETE", f"/organisations/{park.site}", status=204)

    verified = await park.owner.get(f"/api/v1/metering/statements/{made['id']}/verification")
    assert verified.json()["equal"], verified.text
    query = {"organisation_on": park.red, "month": RUNNING}
    draft = (await park.owner.get("/api/v1/metering/draft", params=query)).json()["document"]
    assert (park.site, 110) in {(row["organisation_id"], row["quantity"]) for row in draft["raw"]}
    assert [line["quantity"] for line in draft["lines"] if line["kind"] in ("free", "tier")] == [100, 10]
    usage = (await park.owner.get("/api/v1/metering/usage", params=query)).json()
    assert next(each["used"] for each in usage["meters"] if each["meter"] == "messages") == 110
    await asyncio.sleep(0.5)  # limits are read every tenth of a second
    usage = (await park.owner.get("/api/v1/metering/usage", params=query)).json()
    assert [each["used"] for each in usage["quotas"]] == [110]


async def test_who_pays_does_not_decide(park: Park) -> None:
    plan = await send(park.owner, "POST", "/metering/plans", {"document": {"name": "own"}})
    path = f"/api/v1/metering/organisations/{park.red}"
    for answer in (
        await park.owner.put(f"{path}/limits", json={}),
        await park.owner.put(f"{path}/subscription", json={"from_day": FIRST, "plan_id": plan["id"]}),
        await park.owner.post("/api/v1/metering/statements", json={"organisation_id": park.red, "month": LAST}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "metering.above_only")
    below = f"/metering/organisations/{park.site}"
    await send(park.owner, "PUT", f"{below}/limits", {"quotas": [{"meter": "messages", "limit": 5}]}, 200)
    await send(park.owner, "PUT", f"{below}/subscription", {"from_day": FIRST, "plan_id": plan["id"]}, 200)
    offered = (await park.root.get("/api/v1/metering/plans")).json()
    assert offered == []  # what an enterprise asks of its departments is its own
    answer = await park.root.put(f"{path}/subscription", json={"from_day": FIRST, "plan_id": plan["id"]})
    assert answer.status_code == 200  # but whoever knows it may use it for that very enterprise


async def wait_for_entries(client: httpx.AsyncClient, action: str) -> str:
    """The text of the ledger's entries about an action, as soon as there are any."""
    for _ in range(100):
        answer = await client.get("/api/v1/ledger/entries", params={"action": action})
        if answer.json()["items"]:
            return answer.text
        await asyncio.sleep(0.05)
    raise AssertionError(f"no entry tells of {action}")


async def wait_until(client: httpx.AsyncClient, status: int, path: str = "/api/v1/devices") -> httpx.Response:
    for _ in range(100):
        answer = await client.get(path)
        if answer.status_code == status:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError(f"{path} never answered {status}")


async def test_a_rate_is_refused_with_a_time_to_retry(park: Park) -> None:
    path = f"/metering/organisations/{park.red}/limits"
    await send(park.root, "PUT", path, {"rates": {"caller_api_calls": 5}}, 200)
    refused = await wait_until_refused(park.owner)
    body = refused.json()
    assert (body["code"], body["data"]["per_s"]) == ("metering.rate_exceeded", 5)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit-policy"] == '"caller";q=5;w=1'
    assert refused.headers["ratelimit"] == '"caller";r=0;t=1'
    await asyncio.sleep(float(refused.headers["retry-after"]))
    allowed = await park.owner.get("/api/v1/devices")
    assert allowed.status_code == 200
    assert allowed.headers["ratelimit"].startswith('"caller";r=')
    assert (await park.root.get("/api/v1/devices")).status_code == 200
    await send(park.root, "PUT", path, {}, 200)
    await asyncio.sleep(0.5)
    answers = await asyncio.gather(*(park.owner.get("/api/v1/devices") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


async def wait_until_refused(client: httpx.AsyncClient) -> httpx.Response:
    for _ in range(50):
        answers = await asyncio.gather(*(client.get("/api/v1/devices") for _ in range(10)))
        refused = [answer for answer in answers if answer.status_code == 429]
        if refused:
            return refused[-1]
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was refused")


async def test_a_hard_quota_shuts_calls_out_until_it_is_raised(park: Park) -> None:
    path = f"/metering/organisations/{park.red}/limits"
    quota = {"meter": "api_calls", "limit": 40, "period": "month", "hard": True}
    await send(park.root, "PUT", path, {"quotas": [quota]}, 200)
    refused = await wait_until(park.owner, 429)
    assert refused.json()["code"] == "metering.quota_exceeded"
    end = Calendar().start_ms(month(RUNNING).end) / 1000
    assert abs(datetime.now(UTC).timestamp() + int(refused.headers["retry-after"]) - end) < 10
    shown = (await park.owner.get("/api/v1/metering/usage", params={"organisation_on": park.red})).json()["quotas"]
    assert [(each["quota"]["meter"], each["exceeded"], each["warned"]) for each in shown] == [("api_calls", True, True)]
    assert (await park.owner.get("/api/v1/session")).status_code == 200
    assert (await park.root.get("/api/v1/devices")).status_code == 200
    soft = {**quota, "hard": False}
    await send(park.root, "PUT", path, {"quotas": [soft]}, 200)
    await wait_until(park.owner, 200)


async def test_the_digest_is_of_what_is_kept(park: Park, web: RunningWeb) -> None:
    await park.subscribe(park.red, await park.plan())
    made = await send(park.root, "POST", "/metering/statements", {"organisation_id": park.red, "month": LAST})
    from millwright.metering.tables import statements

    records = web.services.records.scoped(EVERYTHING)
    with records.read() as connection:
        text: str = connection.execute(statements.select()).one().document
    assert hashlib.sha256(text.encode()).hexdigest() == made["digest"]
    with records.begin() as connection:
        connection.execute(statements.update().values(document=text.replace('"total":"300.00"', '"total":"3.00"')))
    found = (await park.root.get(f"/api/v1/metering/statements/{made['id']}/verification")).json()
    assert (found["equal"], found["digest_equal"], found["lines_equal"]) == (False, False, False)
