"""Routes of the network of sites: watching, knowing, scanning, what of it is on record."""

from __future__ import annotations

from pathlib import Path

from millwright.devices.network import NetworkStore
from millwright.devices.network.model import Neighbour, NetworkReport, ScanOrder, ScanResult, SiteLink
from millwright.kernel.scope import EVERYTHING
from support.web import running_web

SITE = "node-millwright"


async def test_a_site_is_watched_known_scanned_and_exported(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        client = await web.set_up()
        listed = (await client.get("/api/v1/networks")).json()
        assert [(each["id"], each["kind"], each["watched"], each["seen_ms"]) for each in listed] == [
            (SITE, "node", False, None)
        ]
        assert (await client.get(f"/api/v1/networks/{SITE}")).json()["report"] is None
        assert (await client.get("/api/v1/networks/node-other")).json()["code"] == "devices.network_unknown"
        early = await client.post(f"/api/v1/networks/{SITE}/scans", json={"subnet": "10.0.0.0/30"})
        assert (early.status_code, early.json()["code"]) == (409, "devices.network_not_watched")

        for _ in range(2):  # a device is made once
            watched = await client.put(f"/api/v1/networks/{SITE}/watching", json={"watched": True})
            assert watched.status_code == 200, watched.text
        device_id = watched.json()["site"]["device_id"]
        device = (await client.get(f"/api/v1/devices/{device_id}")).json()
        assert (device["name"], device["tags"]) == ("network-of-millwright", ["site-network"])
        assert len((await client.get("/api/v1/devices")).json()["items"]) == 1
        await client.delete(f"/api/v1/devices/{device_id}")
        again = (await client.put(f"/api/v1/networks/{SITE}/watching", json={"watched": True})).json()
        assert again["site"]["device_id"] != device_id

        store = NetworkStore(web.services.records.scoped(EVERYTHING))
        link = SiteLink(peer="10.0.0.9", family=4, role="device", state="down", method="icmp")
        there = [Neighbour(address="10.0.0.9", family=4, mac="02:00:00:00:00:09", interface="e", state="reachable")]
        store.take(SITE, "node", "", NetworkReport(at_ms=0), 0)
        store.take(SITE, "node", "", NetworkReport(at_ms=0, neighbours=there[:0], links=[link]), 1)
        first = Neighbour(address="10.0.0.8", family=4, mac="02:00:00:00:00:08", interface="e", state="reachable")
        store.take(SITE, "node", "", NetworkReport(at_ms=0, neighbours=[first]), 2)
        now_ms = web.services.clock.now_ms()
        store.take(SITE, "node", "", NetworkReport(at_ms=now_ms, neighbours=there, links=[link]), now_ms)
        connection = {
            "name": "press", "kind": "simulator", "enabled": False, "settings": {"machine": "press"},
        }  # fmt: skip
        assert (await client.post("/api/v1/connectors", json=connection)).status_code == 201
        detail = (await client.get(f"/api/v1/networks/{SITE}")).json()
        assert [each["kind"] for each in detail["report"]["findings"]] == ["unknown_neighbour"]
        assert (detail["site"]["links_down"], detail["site"]["state"], detail["site"]["fresh"]) == (1, "lossy", True)
        known = await client.post(f"/api/v1/networks/{SITE}/neighbours/known", json={"macs": ["02:00:00:00:00:09"]})
        assert known.json()["report"]["findings"] == []

        for subnet, status, code in (
            ("8.8.8.0/24", 403, "devices.network_scan_public"),
            ("10.0.0.0/16", 429, "devices.network_scan_large"),
            ("hall", 400, "devices.network_scan_subnet"),
        ):
            refused = await client.post(f"/api/v1/networks/{SITE}/scans", json={"subnet": subnet})
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        asked = await client.post(f"/api/v1/networks/{SITE}/scans", json={"subnet": "10.0.0.0/24", "per_s": 5})
        assert asked.status_code == 201
        busy = await client.post(f"/api/v1/networks/{SITE}/scans", json={"subnet": "10.0.0.0/24"})
        assert (busy.status_code, busy.json()["code"]) == (409, "devices.network_scan_busy")
        site = store.find(SITE)
        assert site is not None
        order = site.order()
        assert isinstance(order, ScanOrder)
        assert (order.id, order.per_s) == (asked.json()["id"], 5)
        done = ScanResult(id=order.id, subnet=order.subnet, state="done")
        store.take(SITE, "node", "", NetworkReport(at_ms=now_ms, scan=done), now_ms)
        assert (await client.post(f"/api/v1/networks/{SITE}/scans", json={"subnet": "10.0.0.0/24"})).status_code == 201

        exported = await client.get(f"/api/v1/networks/{SITE}/export")
        assert exported.headers["content-type"].startswith("text/csv")
        assert exported.text.startswith("\ufeffkind,name")
