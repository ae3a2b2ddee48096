"""Organisations as data, and the rule of their kinds."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from millwright.kernel import Invalid

OrganisationKind: TypeAlias = Literal["province", "city", "park", "industry", "enterprise", "site", "department"]
"""What an organisation is. An *enterprise* owns its data; a site or department is part of the one above it."""

_RANK: Final[dict[str, int]] = {
    "province": 0,
    "city": 1,
    "park": 2,
    "industry": 2,
    "enterprise": 3,
    "site": 4,
    "department": 5,
}
_NESTING: Final = frozenset({"enterprise", "department"})

Name = Annotated[str, Meta(min_length=1, max_length=128, examples=["杭州红星机械有限公司"])]
Code = Annotated[str, Meta(max_length=40, description="统一社会信用代码, GB 32100.", examples=["91350100M000100Y43"])]


class Ancestor(Struct, frozen=True):
    """An organisation above, by name."""

    id: str
    kind: OrganisationKind
    name: str


class Organisation(Struct, frozen=True, kw_only=True):
    """An organisation. ``above`` lists those above it from the top; ``members`` counts its own people (null: hidden).

    ``revision`` grows with every change and is its ETag; ``created_ms`` is UTC milliseconds.
    """

    id: str
    parent_id: str | None
    kind: OrganisationKind
    name: str
    short_name: str | None
    code: str | None
    suspended: bool
    above: list[Ancestor]
    members: int | None
    created_ms: int
    revision: int


class NewOrganisation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation to be made below another."""

    parent_id: Annotated[str, Meta(max_length=64)]
    kind: OrganisationKind
    name: Name
    short_name: Annotated[str, Meta(max_length=32)] | None = None
    code: Code | None = None


class OrganisationChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; absent keys stay. ``parent_id`` moves it with all below it."""

    parent_id: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    kind: OrganisationKind | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    short_name: Annotated[str, Meta(max_length=32)] | UnsetType | None = UNSET
    code: Code | UnsetType | None = UNSET
    suspended: bool | UnsetType = UNSET


class Member(Struct, frozen=True):
    """Somebody who belongs to an organisation."""

    person_id: str
    name: str
    kind: Literal["person", "program", "service"]
    disabled: bool
    created_ms: int


def check_kinds(parent: str | None, own: str, children: set[str]) -> None:
    """Raises ``Invalid`` (``parties.organisation_kind``) unless ``own`` fits between its parent and its children."""
    for outer, inner in [*([(parent, own)] if parent else []), *((own, child) for child in sorted(children))]:
        if _RANK[outer] < _RANK[inner] or (outer == inner and outer in _NESTING):
            continue
        raise Invalid(
            f"An organisation of kind {inner} cannot belong to one of kind {outer}.",
            code="parties.organisation_kind",
            hint="From the top down: province, city, park or industry, enterprise, site, department.",
            detail={"pointer": "/kind"},
        )
