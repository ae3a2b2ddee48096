"""Nodes that file with each other: an enterprise's, a secondary one, a province's, each a web role of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from millwright.identity.filing import FilingAgent, FilingSettings
from support.tenants import send
from support.web import RunningWeb, running_web

CODE = "91350100M000100Y43"
QUICK = FilingSettings(look_s=0.05, answer_s=5.0, retry_first_s=0.05, retry_most_s=0.2, poll_s=0.05)


@dataclass
class FilingNode:
    """A node, its administrator's browser, and the organisation that holds prefixes there."""

    web: RunningWeb
    root: httpx.AsyncClient
    holder: str

    @property
    def agent(self) -> FilingAgent:
        """Sends when it is told to: :meth:`look`."""
        found: FilingAgent = self.web.services.more["filing_agent"]
        return found

    async def look(self) -> None:
        await self.agent.look()

    async def get(self, path: str) -> Any:
        return await send(self.root, "GET", path, status=200)

    async def sent(self) -> list[dict[str, Any]]:
        """What was filed, oldest first."""
        return list(reversed((await self.get("/filings/sent"))["items"]))

    async def received(self) -> list[dict[str, Any]]:
        return list(reversed((await self.get("/filings/received"))["items"]))

    async def grant(self, prefix: str, holder: str = "org_root", until_ms: int | None = None) -> str:
        """Put a prefix into force."""
        return await granted(self.root, prefix, holder, until_ms)

    async def step(self, prefix_id: str, step: str, **more: Any) -> None:
        await send(self.root, "POST", f"/prefixes/{prefix_id}/{step}", {"comment": "why", **more}, 200)

    async def admit(self, name: str, holder: str, policy: str = "automatic") -> dict[str, Any]:
        """Admit a node below; its token is in the answer."""
        made: dict[str, Any] = await send(
            self.root, "POST", "/filers", {"name": name, "holder_id": holder, "policy": policy}
        )
        return made

    async def connect(self, name: str, url: str, token: str, **more: Any) -> dict[str, Any]:
        """Connect a node above."""
        body = {"name": name, "url": url, "token": token, "report_every_h": 0} | more
        made: dict[str, Any] = await send(self.root, "POST", "/upper-nodes", body)
        return made


async def granted(root: httpx.AsyncClient, prefix: str, holder: str, until_ms: int | None = None) -> str:
    contact = {"name": "李工", "telephone": "0591 1", "email": "li@example.cn"}
    form = {"system": "handle", "prefix": prefix, "credit_code": CODE, "contact": contact, "industry": "C34"}
    made = await send(root, "POST", "/prefixes", form | {"use": "水泵", "organisation_id": holder})
    path = f"/prefixes/{made['id']}"
    for step in ("submit", "review", "approve"):
        await send(root, "POST", f"{path}/{step}", {}, 200)
    await send(root, "PUT", f"{path}/certification", {"certified_by": "CAICT"}, 200)
    await send(root, "POST", f"{path}/activate", {"until_ms": until_ms}, 200)
    return str(made["id"])


@asynccontextmanager
async def filing_node(folder: Path, name: str, settings: FilingSettings = QUICK) -> AsyncIterator[FilingNode]:
    """One node, with an organisation below its root that may hold prefixes."""
    folder.mkdir(parents=True, exist_ok=True)
    async with running_web(folder, filing=settings, name=name) as web:
        root = await web.set_up()
        park = {"parent_id": "org_root", "kind": "site", "name": f"{name} park"}
        made = await send(root, "POST", "/organisations", park)
        yield FilingNode(web, root, made["id"])


@asynccontextmanager
async def two_nodes(
    folder: Path, *, policy: str = "automatic", settings: FilingSettings = QUICK
) -> AsyncIterator[tuple[FilingNode, FilingNode, dict[str, Any]]]:
    """A node below and one above, which holds ``88.118`` for it; connected. Third: the node below as admitted above."""
    async with AsyncExitStack() as stack:
        below = await stack.enter_async_context(filing_node(folder / "below", "enterprise", settings))
        above = await stack.enter_async_context(filing_node(folder / "above", "secondary", settings))
        await above.grant("88.118", above.holder)
        admitted = await above.admit("Enterprise node", above.holder, policy)
        await below.connect("Secondary", above.web.url, admitted["token"])
        yield below, above, admitted
