"""Roles, groups, grants, consents and invitations as data. Times are UTC milliseconds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

_MOST_MS = 253_402_300_799_000
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
Until = Annotated[int, Meta(ge=0, le=_MOST_MS, description="UTC milliseconds; null: without end.")]
Names = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100, examples=[["devices:read"]])]


class PermissionInfo(Struct, frozen=True):
    """A permission that roles may bundle."""

    name: str
    text: str
    text_zh: str


class RoleInfo(Struct, frozen=True):
    """A role: built in (then ``organisation_id`` is null and ``id`` its name), or an organisation's own."""

    id: str
    name: str
    permissions: list[str]
    organisation_id: str | None = None


class NewRole(Struct, frozen=True, forbid_unknown_fields=True):
    """A role to be made; it can be granted on its organisation and below."""

    organisation_id: Identifier
    name: Name
    permissions: Names


class RoleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What a role shall be."""

    name: Name
    permissions: Names


class Group(Struct, frozen=True):
    """People of an organisation who are granted roles together."""

    id: str
    organisation_id: str
    name: str
    person_ids: list[str]
    created_ms: int


class NewGroup(Struct, frozen=True, forbid_unknown_fields=True):
    """A group to be made, of members of the organisation."""

    organisation_id: Identifier
    name: Name
    person_ids: Annotated[list[Identifier], Meta(max_length=1000)] = []


class GroupChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What a group shall be."""

    name: Name
    person_ids: Annotated[list[Identifier], Meta(max_length=1000)]


class Grant(Struct, frozen=True):
    """A role given on an organisation and what is below it, to a person or a group, perhaps until a time."""

    id: str
    organisation_id: str
    person_id: str | None
    group_id: str | None
    subject_name: str
    role: str
    role_name: str
    until_ms: int | None
    created_ms: int
    created_by: str | None


class NewGrant(Struct, frozen=True, forbid_unknown_fields=True):
    """A grant to be made: to exactly one of ``person_id`` and ``group_id``."""

    organisation_id: Identifier
    role: Identifier
    person_id: Identifier | None = None
    group_id: Identifier | None = None
    until_ms: Until | None = None


class Consent(Struct, frozen=True):
    """An enterprise lets grants made on an organisation above reach its data, for these permissions."""

    id: str
    organisation_id: str
    to_id: str
    permissions: list[str]
    until_ms: int | None
    created_ms: int
    created_by: str | None


class NewConsent(Struct, frozen=True, forbid_unknown_fields=True):
    """A consent to be given; ``to_id`` is an organisation above."""

    to_id: Identifier
    permissions: Annotated[Names, Meta(min_length=1)]
    until_ms: Until | None = None


class Invitation(Struct, frozen=True):
    """An invitation, without the secret of its link."""

    id: str
    organisation_id: str
    role: str
    note: str | None
    created_ms: int
    expires_ms: int
    created_by: str | None
    used_ms: int | None
    used_by: str | None


class NewInvitation(Struct, frozen=True, forbid_unknown_fields=True):
    """An invitation to be made; it works once, for a week unless ``expires_ms`` says otherwise."""

    role: Identifier
    note: Annotated[str, Meta(max_length=128, description="For whom it is.")] | None = None
    expires_ms: Until | None = None


class MadeInvitation(Invitation, frozen=True):
    """An invitation just made; ``token`` is the secret of its link, shown this once."""

    token: str = ""


class InvitationView(Struct, frozen=True):
    """What the invited may know before they accept."""

    organisation_name: str
    role_name: str
    expires_ms: int


class Reason(Struct, frozen=True):
    """A grant that leads to a permission: by which role, on which organisation, through which group."""

    grant_id: str
    organisation_id: str
    organisation_name: str
    role_name: str
    group_name: str | None
    until_ms: int | None


class Explanation(Struct, frozen=True):
    """Why somebody may do something on an organisation, or that nothing lets them."""

    allowed: bool
    reasons: list[Reason]


class Reach(Struct, frozen=True):
    """One permission of somebody, and the organisations on which it holds."""

    permission: str
    organisation_ids: list[str]
