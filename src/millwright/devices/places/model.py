"""A place and the rule of levels."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from millwright.devices.errors import invalid
from millwright.kernel import ROOT

Level = Literal["enterprise", "site", "area", "line", "cell", "unit"]

LEVELS: Final[tuple[Level, ...]] = ("enterprise", "site", "area", "line", "cell", "unit")
"""From the outermost in. A level may be skipped, never inverted: a place's level is below its parent's."""

MAX_PATH = 6
"""Deepest tree: every level once."""


class Place(Struct, frozen=True, kw_only=True):
    """A node of the tree. ``path`` joins the names from the root by ``/``; ``device_count`` counts its own devices."""

    id: str
    parent_id: str | None
    level: Level
    name: str
    path: str
    device_count: int = 0
    created_ms: int = 0
    organisation_id: str = ROOT


class NewPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place to be made."""

    level: Annotated[Level, Meta(description="Level of ISA-95.", examples=["area"])]
    name: Annotated[str, Meta(description="Unique among its siblings.", examples=["Paint shop"])]
    parent_id: Annotated[str | None, Meta(description="The place around it; null for a root.")] = None


class PlaceChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a place; absent keys stay as they are."""

    name: str | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    parent_id: Annotated[str | UnsetType | None, Meta(description="Move it, with all below it.")] = UNSET


def check_levels(parent: Level | None, own: Level, children: set[Level]) -> None:
    """Raises ``Invalid`` (``devices.place_level``) unless ``own`` lies between its parent and its children."""
    rank = LEVELS.index(own)
    if parent is not None and LEVELS.index(parent) >= rank:
        raise invalid(
            f"A place of level {own} cannot lie in one of level {parent}.",
            "/level",
            code="devices.place_level",
            hint=f"From the outermost in: {', '.join(LEVELS)}; levels may be skipped.",
        )
    for child in children:
        if LEVELS.index(child) <= rank:
            raise invalid(
                f"A place of level {own} cannot hold one of level {child}.",
                "/level",
                code="devices.place_level",
                hint=f"From the outermost in: {', '.join(LEVELS)}; levels may be skipped.",
            )
