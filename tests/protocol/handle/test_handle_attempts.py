"""Who fails to pass for an administrator, or is denied a change, stands in the ledger with the address."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.app.identifiers import RecordedHandles
from millwright.identity.handle import HandleClient, HandleServer, HandleService, HandleSettings, Reference
from millwright.identity.handle.client import SecretCredentials
from millwright.identity.resolution import resolution_app
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.kernel import Denied, SystemClock
from millwright.ledger import Denials
from support.handle import ADMIN, SECRET, fill, site_for, value
from support.identifiers import open_records
from support.ports import free_port


@dataclass
class Ledger:
    """Takes what would become entries (:class:`millwright.ledger.Recorder`)."""

    entries: list[dict[str, Any]] = field(default_factory=list)

    async def begin(self, sealed: Any) -> None:
        pass

    async def settle(self, draft_id: str) -> None:
        pass

    async def record(self, entries: list[Any]) -> None:
        for each in entries:
            told = [value for disclosure in each.disclosures for value in disclosure.values.items()]
            self.entries.append(each.entry | {name.rpartition("/")[2]: value for name, value in told})


@dataclass
class Town:
    ledger: Ledger
    denials: Denials
    handles: RecordedHandles
    server: HandleServer

    def client(self, who: Reference, secret: bytes) -> HandleClient:
        return HandleClient([site_for(self.server.port)], SecretCredentials(who, secret))

    async def told(self) -> list[tuple[Any, ...]]:
        await self.denials.flush()
        return [
            (each["action"], each["target"].get("id", ""), each["outcome"], each.get("error"), each.get("address"),
             each.get("count", 1))
            for each in self.ledger.entries
        ]  # fmt: skip


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    records, clock, ledger = open_records(tmp_path / "register"), SystemClock(), Ledger()
    fill(records)
    denials = Denials(ledger, clock)  # type: ignore[arg-type]  # as it is used
    handles = RecordedHandles(records, ledger, denials, clock)  # type: ignore[arg-type]
    await handles.start()
    settings = HandleSettings(host="127.0.0.1", port=free_port())
    service = HandleService(handles, site_for(settings.port), settings, clock, failed=handles.failed)
    server = HandleServer(service)
    await server.start()
    yield Town(ledger, denials, handles, server)
    await server.stop()
    records.close()


async def test_a_wrong_secret_and_an_unknown_key(town: Town) -> None:
    for _ in range(5):
        with pytest.raises(Denied):
            await town.client(ADMIN, b"guessed").create(b"86.1000.1/x", [value(1)])
    for number in range(5):
        with pytest.raises(Denied):
            await town.client(Reference(b"0.NA/made.up.%d" % number, 300), b"guessed").delete(b"86.1000.1/product-1")
    wrong = ("handle.sign_in", "0.NA/86.1000.1", "denied", "handle.wrong_key", "127.0.0.1")
    unknown = ("handle.sign_in", "", "denied", "handle.unknown_key", "127.0.0.1")
    assert sorted(await town.told()) == sorted(
        [(*wrong, 1)] * 3 + [(*wrong, 2)] + [(*unknown, 1)] * 3 + [(*unknown, 2)]
    )
    entries = str(town.ledger.entries)
    assert "guessed" not in entries
    assert "made.up" not in entries
    assert {each.get("organisation") for each in town.ledger.entries if each["target"].get("id")} == {"org_test"}


async def test_a_change_that_is_denied(town: Town) -> None:
    await town.client(ADMIN, SECRET).create(b"86.1000.1/closed", [value(1)])
    town.ledger.entries.clear()
    with pytest.raises(Denied):
        await town.client(ADMIN, SECRET).modify(b"86.1000.1/closed", [value(1, data=b"https://example.cn/")])
    assert await town.told() == [("identifiers.change", "86.1000.1/closed", "denied", "handle.denied", "127.0.0.1", 1)]
    assert town.ledger.entries[0]["actor"]["id"] == str(ADMIN)


async def test_over_http_too(town: Town) -> None:
    app = resolution_app(town.handles, ResolutionSettings(), SystemClock(), failed=town.handles.failed)
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 12345))
    async with httpx.AsyncClient(transport=transport, base_url="https://node.example") as client:

        async def put(who: str, secret: bytes) -> int:
            given = "Basic " + base64.b64encode(who.encode() + b":" + secret).decode()
            body = {"values": [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://a.cn"}}]}
            path = "/api/handles/86.1000.1/new"
            return (await client.put(path, json=body, headers={"authorization": given})).status_code

        assert await put("300%3A0.NA/86.1000.1", b"guessed") == 401
        assert await put("300%3A0.NA/made.up", b"guessed") == 401
        session = (await client.post("/api/sessions")).json()
        parts = {
            "sessionId": session["sessionId"], "cnonce": base64.b64encode(b"c" * 16).decode(), "id": str(ADMIN),
            "type": "HS_SECKEY", "alg": "SHA256", "signature": base64.b64encode(b"s" * 32).decode(),
        }  # fmt: skip
        assert (await client.put("/api/sessions/this", json=parts)).status_code == 401
        wrong = ("handle.sign_in", "0.NA/86.1000.1", "denied", "handle.wrong_key", "192.0.2.7", 1)
        unknown = ("handle.sign_in", "", "denied", "handle.unknown_key", "192.0.2.7", 1)
        assert sorted(await town.told()) == sorted([wrong, wrong, unknown])
        town.ledger.entries.clear()
        assert await put("300%3A0.NA/86.1000.1", SECRET) == 201
        assert [(each["action"], each["address"]) for each in town.ledger.entries] == [("identifiers.add", "192.0.2.7")]
