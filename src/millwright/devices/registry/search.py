"""Finding devices: filters, order and cursors.

Pages are ordered by name and continue after the last name seen, so an insert or delete between two pages neither
repeats nor skips a device that stays.
"""

from __future__ import annotations

import base64
import binascii

import sqlalchemy as sa

from millwright.devices.errors import invalid
from millwright.devices.names import key_of
from millwright.devices.places.store import below
from millwright.devices.registry.model import DeviceQuery
from millwright.devices.store import devices, presence, properties, tags

MAX_PAGE = 1000


def conditions(query: DeviceQuery) -> list[sa.ColumnElement[bool]]:
    """The query as SQL, over ``devices`` left-joined with ``presence``."""
    found: list[sa.ColumnElement[bool]] = []
    if query.q:
        found.extend(devices.c.search.contains(word, autoescape=True) for word in key_of(query.q).split())
    if query.place_id is not None:
        found.append(devices.c.place_id.in_(below(query.place_id)))
    if query.model_id is not None:
        found.append(devices.c.model_id == query.model_id)
    if query.kind is not None:
        found.append(devices.c.kind == query.kind)
    if query.parent_id is not None:
        found.append(devices.c.parent_id == query.parent_id)
    if query.tag is not None:
        found.append(devices.c.id.in_(sa.select(tags.c.device_id).where(tags.c.tag == query.tag)))
    if query.property is not None:
        seen = sa.select(properties.c.device_id).where(properties.c.property == query.property)
        found.append(devices.c.id.in_(seen))
    if query.status == "online":
        found.append(presence.c.online.is_(sa.true()))
    elif query.status == "offline":
        found.append(presence.c.online.is_(sa.false()))
    elif query.status == "never":
        found.append(presence.c.device_id.is_(None))
    return found


def searched(device_id: str, name: str, title: str | None, tags_: tuple[str, ...]) -> str:
    """The text that ``q`` is looked for in."""
    return "\n".join(text for text in (key_of(name), (title or "").casefold(), *map(str.casefold, tags_), device_id))


def encode_cursor(name_key: str) -> str:
    """The cursor that continues after the device with this key."""
    return base64.urlsafe_b64encode(name_key.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The key in a cursor. Raises ``Invalid`` (``devices.cursor_invalid``)."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid(
            "The cursor is none of ours.", "/cursor", code="devices.cursor_invalid", hint="Start without a cursor."
        ) from error
