"""Resolution on a port of its own: it starts, stops, and says what keeps it from starting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.identity.resolution.server import ResolutionServer
from millwright.kernel import Invalid, Lifecycle, SystemClock, Unavailable
from support.identifiers import open_records
from support.ports import free_port
from support.resolution import SHIRT, fill_all


def server(folder: Path, **settings: object) -> ResolutionServer:
    records = open_records(folder / "register")
    fill_all(records)
    chosen = ResolutionSettings(**{"host": "127.0.0.1", "port": free_port()} | settings)
    return ResolutionServer(resolution_app(records, chosen, SystemClock()), chosen)


async def test_it_answers_until_it_is_stopped(tmp_path: Path) -> None:
    part = server(tmp_path)
    url = f"http://127.0.0.1:{part._settings.port}"
    async with httpx.AsyncClient(trust_env=False) as client:
        async with Lifecycle(part):
            assert (await client.get(f"{url}/api/handles/86.1000.1/Product-1")).json()["responseCode"] == 1
            assert (await client.get(f"{url}{SHIRT}")).status_code == 307
            answer = await client.get(f"{url}/anything")
            assert (answer.status_code, answer.json()["code"]) == (404, "resolution.no_such_address")
            assert (await client.get(f"{url}/api/v1/session")).status_code == 404
            both = await asyncio.gather(*(client.get(f"{url}/api/handles/86.1000.1/mixed") for _ in range(50)))
            assert len({answer.content for answer in both}) == 1
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{url}/id")


async def test_what_keeps_it_from_starting_is_said(tmp_path: Path) -> None:
    first = server(tmp_path / "1")
    async with Lifecycle(first):
        with pytest.raises(Unavailable) as error:
            await server(tmp_path / "2", port=first._settings.port).start()
        assert error.value.code == "resolution.port_taken"
    with pytest.raises(Invalid) as refused:
        await server(tmp_path / "3", certificate=str(tmp_path / "none.pem"), key=str(tmp_path / "none.pem")).start()
    assert refused.value.code == "resolution.certificate_unusable"
