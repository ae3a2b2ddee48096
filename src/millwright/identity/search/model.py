"""What a search answers with: frozen data."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from millwright.identity.registration.model import TemplateRef, Withheld

Among: TypeAlias = Literal["all", "own", "public"]
"""Everything one may see, one's own, or what others show to everybody."""

MOST_COUNTED: Final = 10_000


class IdentifierItem(Struct, frozen=True, kw_only=True):
    """An identifier as it stands in a list: with the fields that the reader may see."""

    identifier: str
    name: str
    system: str
    kind: str
    prefix: str
    prefix_state: str
    organisation_id: str
    template: TemplateRef | None
    fields: dict[str, Any]
    withheld: dict[str, Withheld]
    version: int
    changed_ms: int
    own: bool


class SearchLag(Struct, frozen=True, kw_only=True):
    """How far the index is behind the register: by the age of the oldest change that it does not know, 0 for none.

    ``building``: it is made anew and does not know everything yet.
    """

    behind_ms: int
    building: bool


class IdentifierPage(Struct, frozen=True, kw_only=True):
    """Identifiers, those changed last first, and the cursor of the next page.

    ``total`` is how many there are that the reader may see; at ``10,000`` it says ``or_more``.
    """

    items: list[IdentifierItem]
    next: str | None
    total: int
    or_more: bool
    lag: SearchLag
