"""The document of a metadata template, and a template as the API shows it; no I/O."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.kernel import ROOT

FieldType: TypeAlias = Literal[
    "text", "integer", "number", "boolean", "date", "datetime", "url", "enum", "quantity", "reference", "file", "geo",
    "json",
]  # fmt: skip
"""``quantity``: a number with a UCUM unit; ``reference``: another identifier; ``file``: a file's digest."""

Visibility: TypeAlias = Literal["public", "granted", "sealed"]
"""``granted``: read by whom the field names, and by who may read the holder's identifiers; ``sealed``: kept encrypted,
shown to who may reveal them."""

FIRST_INDEX: Final = 1000
"""The handle value of a field has the index 1000 + its number."""
MOST_FIELDS: Final = 500
MOST_NUMBER: Final = 9999
REPEATED_STEP: Final = 10_000
"""The second value of a repeated field is 10000 further, and so on."""
MOST_REPEATED: Final = 1000
TEMPLATE_INDEX: Final = 900
TEMPLATE_TYPE: Final = b"MW_TEMPLATE"

_Title = Annotated[str, Meta(max_length=128, pattern=r"^[^\x00]*$")]
_Words = Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*$")]


class EnumValue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the values that an enum takes, and what it is called."""

    value: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
    label: _Title = ""
    label_zh: _Title = ""


class GrantedTo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who reads a granted field beside the holder's own: organisations and roles, by their ids."""

    organisations: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100)] = []
    roles: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100)] = []


class TemplateField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field. ``number`` gives the index of its handle value and is never given to another field.

    ``minimum`` and ``maximum`` bound a number or quantity (in ``unit``), and the characters of a text; ``pattern`` is a
    regular expression that the whole text fits. ``unit`` is the UCUM unit that a quantity can be converted to.
    ``system`` is the code system that a reference belongs to. ``ttl`` is in seconds.
    """

    number: Annotated[int, Meta(ge=1, le=MOST_NUMBER)]
    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["serial_number"])]
    type: FieldType = "text"
    label: _Title = ""
    label_zh: _Title = ""
    description: _Words = ""
    required: bool = False
    repeated: bool = False
    pattern: Annotated[str, Meta(max_length=200)] | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: Annotated[list[EnumValue], Meta(max_length=500)] = []
    unit: Annotated[str, Meta(max_length=40)] | None = None
    system: Annotated[str, Meta(max_length=20)] | None = None
    visibility: Visibility = "public"
    granted_to: GrantedTo | None = None
    ttl: Annotated[int, Meta(ge=0, le=2_147_483_647)] = 86_400
    handle_type: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] | None = None

    @property
    def index(self) -> int:
        """The index of its (first) handle value."""
        return FIRST_INDEX + self.number

    @property
    def value_type(self) -> bytes:
        """The type of its handle values: as declared, ``URL`` for an address, else its name in capitals."""
        return (self.handle_type or ("URL" if self.type == "url" else self.name.upper())).encode()


class TemplateDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a version of a template says; also its form in a file."""

    name: Annotated[str, Meta(min_length=1, max_length=128, examples=["Product"])]
    title: _Title = ""
    title_zh: _Title = ""
    description: _Words = ""
    description_zh: _Words = ""
    fields: Annotated[list[TemplateField], Meta(max_length=MOST_FIELDS)] = []


class Template(Struct, frozen=True, kw_only=True):
    """One published version: what records are encoded and decoded by."""

    id: str
    version: int
    document: TemplateDocument
    organisation_id: str = ROOT

    def field(self, name: str) -> TemplateField | None:
        """The field of this name."""
        return next((each for each in self.document.fields if each.name == name), None)


class TemplateInfo(Struct, frozen=True, kw_only=True):
    """A template. ``version`` is the newest published one (0: none), and ``document`` that version, else the draft.

    ``draft`` is what will be the next version. A ``retired`` one is not offered for new registrations. ``revision``
    grows with every change and is the ETag.
    """

    id: str
    organisation_id: str
    name: str
    version: int
    document: TemplateDocument
    draft: TemplateDocument | None
    retired: bool
    created_ms: int
    changed_ms: int
    revision: int


class TemplateVersion(Struct, frozen=True, kw_only=True):
    """A published version; it never changes."""

    template_id: str
    version: int
    document: TemplateDocument
    published_ms: int
    published_by: str


class TemplatePage(Struct, frozen=True):
    """Templates by name, and the cursor of the next page (null: there is none)."""

    items: list[TemplateInfo]
    next: str | None = None


class FieldsToCheck(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields to be tried against a version of a template (left out: the newest), or against its draft.

    Without a draft, ``draft`` means the newest version: what was a draft a moment ago may be published by now.
    """

    fields: dict[str, Any]
    version: Annotated[int, Meta(ge=1)] | None = None
    draft: bool = False
