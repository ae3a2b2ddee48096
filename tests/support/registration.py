"""A web host with enterprises that hold prefixes in force, and a template."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from millwright.identity.records import Prefix, Records
from support.tenants import join, send
from support.web import RunningWeb

FIELDS: list[dict[str, Any]] = [
    {"number": 1, "name": "name", "label": "Name", "label_zh": "名称", "required": True},
    {"number": 2, "name": "colour"},
    {"number": 3, "name": "weight", "type": "quantity", "unit": "kg"},
    {"number": 4, "name": "batch", "visibility": "granted"},
    {"number": 5, "name": "recipe", "visibility": "sealed"},
    {"number": 6, "name": "tags", "repeated": True},
]


def give_prefix(register: Records, prefix: str, organisation_id: str, state: str = "active", **more: Any) -> None:
    """Put a prefix into the register as its room would."""
    entry = Prefix(prefix=prefix, organisation_id=organisation_id, state=state, **more)  # type: ignore[arg-type]
    register.change_many((), who="test", prefixes=[entry])


@dataclass
class Works:
    """An enterprise with people, a prefix ``88.<number>`` and a published template."""

    id: str
    prefix: str
    template_id: str
    clients: dict[str, httpx.AsyncClient]

    @property
    def client(self) -> httpx.AsyncClient:
        """Its administrator's browser."""
        return self.clients["administrator"]

    def new(self, suffix: str, **fields: Any) -> dict[str, Any]:
        """What to register."""
        return {
            "identifier": f"{self.prefix}/{suffix}",
            "template_id": self.template_id,
            "fields": {"name": f"thing {suffix}"} | fields,
        }


async def make_works(web: RunningWeb, root: httpx.AsyncClient, name: str, prefix: str, *roles: str) -> Works:
    """Found an enterprise that may register at once."""
    organisation = {"parent_id": "org_root", "kind": "enterprise", "name": name}
    made = (await send(root, "POST", "/organisations", organisation))["id"]
    clients = {}
    for role in ("administrator", *roles):
        inviting = clients.get("administrator", root)
        invited = await send(inviting, "POST", f"/organisations/{made}/invitations", {"role": role})
        clients[role] = await join(web, invited["token"], f"{name} {role}")
    register = web.services.more["register"]
    await asyncio.to_thread(give_prefix, register, prefix, made)
    client = clients["administrator"]
    template = await send(client, "POST", "/identifier-templates", {"name": f"{name} product", "fields": FIELDS})
    await send(client, "POST", f"/identifier-templates/{template['id']}/publish", {}, 200)
    return Works(made, prefix, template["id"], clients)
