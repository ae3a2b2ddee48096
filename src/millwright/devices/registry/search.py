"""Finding devices: filters, order and cursors.

Pages are ordered by name and continue after the last name seen, so an insert or delete between two pages neither
repeats nor skips a device that stays.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

import sqlalchemy as sa

from millwright.devices.errors import invalid
from millwright.devices.names import key_of
from millwright.devices.places.store import below
from millwright.devices.registry.model import DeviceQuery
from millwright.devices.store import devices, presence, properties, tags

MAX_PAGE = 1000


FEW = 2_000
"""A filter that leaves no more devices than this is answered from its own index and sorted; one that leaves more by
reading devices in the order of names until the page is full. Neither engine's planner knows which is better here."""


def conditions(connection: sa.Connection, query: DeviceQuery) -> list[sa.ColumnElement[bool]]:
    """The query as SQL, over ``devices`` left-joined with ``presence``."""
    found: list[sa.ColumnElement[bool]] = []
    for word in key_of(query.q).split() if query.q else ():
        named = devices.c.search.contains(word, autoescape=True)
        found.append(sa.or_(named, devices.c.id == word) if word.startswith("dev_") else named)
    if query.place_id is not None:
        places = below(connection, query.place_id)
        inside = sa.select(devices.c.id).where(devices.c.place_id.in_(places))
        by_name = sa.func.coalesce(devices.c.place_id, "").in_(places)  # hides the place's index from the planner
        found.append(devices.c.id.in_(inside) if _are_few(connection, inside) else by_name)
    if query.model_id is not None:
        found.append(devices.c.model_id == query.model_id)
    if query.kind is not None:
        found.append(devices.c.kind == query.kind)
    if query.parent_id is not None:
        found.append(devices.c.parent_id == query.parent_id)
    if query.edge_id is not None:
        found.append(devices.c.edge_id == query.edge_id)
    if query.tag is not None:
        found.append(_have(connection, tags, tags.c.tag == query.tag))
    if query.property is not None:
        found.append(_have(connection, properties, properties.c.property == query.property))
    if query.status == "online":
        found.append(presence.c.online.is_(sa.true()))
    elif query.status == "offline":
        found.append(presence.c.online.is_(sa.false()))
    elif query.status == "never":
        found.append(presence.c.device_id.is_(None))
    return found


def _have(connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Devices that have such a row in ``table``."""
    ids = sa.select(table.c.device_id).where(which)
    if _are_few(connection, ids):
        return devices.c.id.in_(ids)
    return sa.exists().where(which, table.c.device_id == devices.c.id)


def _are_few(connection: sa.Connection, ids: sa.Select[tuple[str]]) -> bool:
    return len(connection.execute(ids.limit(FEW + 1)).all()) <= FEW


def searched(name: str, title: str | None, tags_: Iterable[str]) -> str:
    """The text that ``q`` is looked for in."""
    return "\n".join((key_of(name), (title or "").casefold(), *map(str.casefold, tags_)))


def encode_cursor(name_key: str, device_id: str) -> str:
    """The cursor that continues after this device; two organisations may have devices of one name."""
    return base64.urlsafe_b64encode(f"{name_key}\0{device_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str, str]:
    """The name's key and the id in a cursor. Raises ``Invalid`` (``devices.cursor_invalid``)."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid(
            "The cursor is none of ours.", "/cursor", code="devices.cursor_invalid", hint="Start without a cursor."
        ) from error
    name_key, _, device_id = text.partition("\0")
    return name_key, device_id
