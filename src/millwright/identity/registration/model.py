"""What registration takes and answers with: frozen data, no I/O."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from millwright.identity.digital_link import Link

FIRST_LINK_INDEX: Final = 500
MOST_LINKS: Final = 200
"""Links are the values from 500 to 699."""

Withheld: TypeAlias = Literal["granted", "sealed"]
"""Why a field is there and not shown: it is granted to others, or it is sealed."""

_Reason = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$")]
_Text = Annotated[str, Meta(min_length=1, max_length=2048, pattern=r"^[^\x00]*$")]
_Links = Annotated[list[Link], Meta(max_length=MOST_LINKS)]
_Id = Annotated[str, Meta(max_length=64)]


class NewSuffix(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to put behind the prefix. ``serial``: the next number of ``digits`` digits; ``random``: so many characters
    that nobody guesses; ``uuid``: a UUID of version 4; ``sscc``: the next logistic unit of a GS1 company prefix.

    ``before`` stands before it. With ``gtin`` it is the serial number of that product. Below a registrant of medical
    devices (``MA:156.M0.…``) ``before`` is the product code, and it is that product's serial number.
    """

    kind: Literal["serial", "random", "uuid", "sscc"]
    before: Annotated[str, Meta(max_length=100, pattern=r"^[^\x00]*$")] = ""
    digits: Annotated[int, Meta(ge=1, le=20)] = 8
    gtin: Annotated[str, Meta(max_length=14, pattern=r"^[0-9]{8,14}$")] | None = None
    extension: Annotated[int, Meta(ge=0, le=9)] = 0


class NewIdentifier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to register: the whole ``identifier`` in any code system, or a ``prefix`` of the register and a ``suffix``
    to be made. Without a template there are no fields."""

    identifier: _Text | None = None
    prefix: Annotated[str, Meta(max_length=400, examples=["88.118.8"])] | None = None
    suffix: NewSuffix | None = None
    template_id: _Id | None = None
    template_version: Annotated[int, Meta(ge=1)] | None = None
    fields: dict[str, Any] = {}
    links: _Links = []
    reason: _Reason = ""


class IdentifierChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change. Fields that are not named stay, one set to null goes; ``links`` take the place of all there are.

    ``template_version`` or another ``template_id`` moves the record on to it; fields go along by their names.
    """

    fields: dict[str, Any] = {}
    links: _Links | UnsetType = UNSET
    template_id: _Id | UnsetType = UNSET
    template_version: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    reason: _Reason = ""


class RestoreVersion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version to bring back."""

    version: Annotated[int, Meta(ge=1)]
    reason: _Reason = ""


class RevealFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sealed fields to show (none named: all of them), and why."""

    fields: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=500)] = []
    reason: _Reason = ""


class RevealedFields(Struct, frozen=True, kw_only=True):
    """Sealed fields in the clear."""

    identifier: str
    name: str
    fields: dict[str, Any]


class TemplateRef(Struct, frozen=True, kw_only=True):
    """The version of a template that a record was registered by."""

    id: str
    version: int
    name: str = ""
    title: str = ""
    title_zh: str = ""


class OtherValue(Struct, frozen=True, kw_only=True):
    """A handle value of no template, such as HS_ADMIN; ``data`` as in Handle's REST API."""

    index: int
    type: str
    data: Any
    public: bool


class IdentifierRecord(Struct, frozen=True, kw_only=True):
    """An identifier and what the reader may see of its record.

    ``identifier`` is the code as it is written, ``name`` what it is registered under. ``withheld`` names fields that
    have a value and are not shown. ``version`` counts the changes and is the ETag. ``own``: the reader may see
    everything but what is sealed; then ``registered_ms``, ``changed_ms`` and ``changed_by`` are told too.
    ``writable``: the reader may change it.
    """

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
    links: list[Link]
    values: list[OtherValue]
    version: int
    own: bool
    writable: bool
    registered_ms: int | None = None
    changed_ms: int | None = None
    changed_by: str | None = None


class FieldChange(Struct, frozen=True, kw_only=True):
    """What became of a field, ``links`` or ``template`` between two versions; of one that is withheld, only that it
    changed."""

    field: str
    before: Any = None
    after: Any = None
    withheld: bool = False


class IdentifierVersion(Struct, frozen=True, kw_only=True):
    """One version: what was done, by whom (an id of a person, or a handle value), why, and what changed by it.

    ``operation``: ``register``, ``change``, ``remove``, ``restore`` of a removed one. ``position`` is the entry of the
    register's log.
    """

    version: int
    operation: Literal["register", "change", "remove", "restore"]
    at_ms: int
    who: str
    origin: str
    reason: str
    position: int
    changes: list[FieldChange]


class IdentifierVersions(Struct, frozen=True, kw_only=True):
    """The versions of an identifier, newest first; ``more``: there are older ones than these."""

    identifier: str
    name: str
    items: list[IdentifierVersion]
    more: bool = False


class CheckedIdentifier(Struct, frozen=True, kw_only=True):
    """What a text is, and whether the reader may register it: ``free``, ``registered``, ``removed``, ``no_prefix``,
    ``closed`` (the prefix is not in force)."""

    identifier: str
    name: str
    system: str
    kind: str
    standing: Literal["free", "registered", "removed", "no_prefix", "closed"]
    prefix: str | None = None
