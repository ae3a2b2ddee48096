"""What the processes of a running edge say is wrong. Without a console nobody else at the machine says it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from millwright.app.doctor.finding import Finding, ok, warning, wrong
from millwright.app.folder import DataFolder
from millwright.app.sections import ProcessSettings, broker_of
from millwright.devices.edge.joining import find_membership
from millwright.kernel import MillwrightError

_LISTEN_S: Final = 2.5
"""Every role speaks each second."""


def check_edge(settings: ProcessSettings, folder: DataFolder) -> list[Finding]:
    """The link to the parent and every problem told on the broker. Nothing where this is no edge, or none that runs."""
    try:
        membership = find_membership(folder.root)
        if membership is None or folder.read_addresses() is None:
            return []
        roles = asyncio.run(_hear(settings))
    except MillwrightError as error:
        return [wrong("edge", error.message, error.hint)]
    if "edge" not in roles:
        return [wrong("edge", "The role edge is not heard of.", "Read logs/edge.log in the data folder.")]
    if roles["edge"].get("gauges", {}).get("edge_link"):
        found = [ok("link", f"up, to {membership.parent}")]
    else:
        message = f"It is down; what devices send is kept for {membership.parent}."
        found = [warning("link", message, "Look at the network; what was kept goes up by itself.")]
    told = {str(each["code"]): each for role in roles.values() for each in role.get("problems", [])}
    return found + [wrong(code, str(each["message"]), str(each["hint"])) for code, each in sorted(told.items())]


async def _hear(settings: ProcessSettings) -> dict[str, dict[str, Any]]:
    roles: dict[str, dict[str, Any]] = {}

    async def hear(_subject: str, payload: bytes) -> None:
        said = msgspec.json.decode(payload, type=dict[str, Any])
        roles[str(said["role"])] = said

    bus = broker_of(settings, "doctor")
    await bus.start()
    try:
        await bus.subscribe("stats.>", hear)
        await asyncio.sleep(_LISTEN_S)
    finally:
        await bus.stop()
    return roles
