"""The host of connectors is killed while the broker is away: what machines said meanwhile is there, once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from support.field_page import field_page
from support.nats import RunningNats
from support.node import RunningNode
from support.reliability import history

TOKEN = "field-token"


async def test_values_of_an_outage_survive_the_host(tmp_path: Path) -> None:
    async with RunningNats(tmp_path / "nats", max_store_gb=4) as nats:
        settings = {"nats": {"url": nats.url}, "connectors": {"first_retry_s": 0.2, "most_retry_s": 1.0}}
        with field_page(TOKEN) as page, RunningNode(tmp_path, settings) as node:
            api = node.administrator()
            made = api.post(
                "/connectors",
                json={"name": "meter", "kind": "http_poll", "settings": {"url": page.url, "token": TOKEN}},
            ).json()
            tags = [{"address": "/n", "type": "integer", "interval_ms": 100, "property": "n"}]
            thing = api.post(f"/connectors/{made['id']}/things", json={"tags": tags, "device_name": "meter 1"}).json()
            device_id = thing["device_id"]
            node.wait_for("values in history", lambda: len(history(api, device_id, "n") or ()) > 3)

            hung: list[tuple[int, int]] = []
            for hang in (True, False):  # a broker that takes questions and answers none; one that is gone
                first = page.served
                if hang:
                    nats.pause()
                else:
                    await nats.kill()
                node.wait_for("an outage with values", lambda first=first: page.served > first + 20)
                node.kill("connectors")
                hung.append((first, page.served))
                await nats.kill()
                await nats.start()
                served = page.served
                node.wait_for("the next host asks", lambda served=served: page.served > served + 10, timeout_s=40)

            last = page.served
            found = node.wait_for(
                "all of it in history",
                lambda: (
                    (rows := history(api, device_id, "n"))
                    and max(int(row["value"]) for row in rows) >= last
                    and Counter(int(row["value"]) for row in rows)
                ),
                timeout_s=40,
            )
            api.close()
    missing = sorted(set(range(min(found), last)) - found.keys())
    # What the page had just said when the host died, and what the next one asked to see who is there, is not lost.
    beside = {number for _, end in hung for number in range(end - 1, end + 3)}
    assert [number for number in missing if number not in beside] == [], f"outages at {hung}"
    assert len(missing) <= 2 * len(hung)
    assert {number: count for number, count in found.items() if count > 1} == {}
