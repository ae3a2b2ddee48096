"""Where in its rack a controller sits: usual places are tried, and what answers says who it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from millwright.kernel import Denied

from ..contract import Found
from .settings import S7Settings

if TYPE_CHECKING:
    from .session import S7Session

_PLACES: Final = ((0, 1), (0, 2), (0, 3), (0, 0), (0, 4), (0, 5), (1, 3), (1, 4))
"""Rack and slot: S7-1200 and 1500; S7-300; S7-400 behind power supplies of several widths; redundant S7-400."""
_TIMEOUT_S: Final = 2.0


async def controllers_at(
    host: str, open_: Callable[[S7Settings], Awaitable[S7Session]], port: int = 102
) -> Sequence[Found]:
    """The controllers that answer at an address; one that answers at several places is told once."""
    found: dict[str, Found] = {}
    for rack, slot in _PLACES:
        try:
            session = await open_(S7Settings(host=host, port=port, rack=rack, slot=slot, timeout_s=_TIMEOUT_S))
        except Denied:
            continue
        try:
            said = await session.identify()
        finally:
            await session.close()
        known = "|".join((said.product, said.serial, said.fingerprint))
        found.setdefault(
            known,
            Found(
                title=f"{said.product or 'S7 controller'} at {host}",
                settings={"host": host, "rack": rack, "slot": slot} | ({"port": port} if port != 102 else {}),
                detail=", ".join(
                    filter(None, (f"rack {rack}, slot {slot}", said.note, said.version and f"firmware {said.version}",
                                  said.serial))
                ),
            ),
        )  # fmt: skip
        if not said.product:
            break  # what does not say who it is cannot be told from itself at another place
    return [*found.values()]
