"""What the interface takes and answers with, in its own spelling. Fields that are not known are passed over."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

_Text = Annotated[str, Meta(max_length=65_536)]
_Handle = Annotated[str, Meta(max_length=2048, examples=["88.118.8/pump-7"])]


class SnmsCredentials(Struct, frozen=True, kw_only=True):
    """``username``: the account's name; ``password``: an API token of that account."""

    username: Annotated[str, Meta(max_length=200, examples=["erp"])]
    password: Annotated[str, Meta(max_length=200, examples=["mwt_…"])]


class SnmsData(Struct, frozen=True, kw_only=True):
    """What an attribute says; ``format`` is ``string``."""

    value: _Text
    format: Annotated[str, Meta(max_length=40)] = "string"


class SnmsAttribute(Struct, frozen=True, kw_only=True):
    """An attribute: ``index`` and ``type`` are those of the template; ``auth`` means nothing."""

    index: int
    type: Annotated[str, Meta(max_length=128)]
    data: SnmsData
    auth: str | None = ""


class SnmsEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """An identifier to register or change. ``templateVersion`` is the name of a template."""

    handle: _Handle
    template_version: Annotated[str, Meta(max_length=128, examples=["1.0"])]
    value: Annotated[list[SnmsAttribute], Meta(max_length=10_000)]


class SnmsNamed(Struct, frozen=True, kw_only=True):
    """An identifier to remove."""

    handle: _Handle


class SnmsNamedMany(Struct, frozen=True, kw_only=True):
    """Identifiers to remove; an array alone is the same."""

    handles: list[_Handle]


class SnmsDetail(Struct, frozen=True, kw_only=True, rename="camel"):
    """An identifier and what one may see of it."""

    prefix: str
    handle: str
    template_version: str
    value: list[SnmsAttribute]
    code: str = "200"


class SnmsResult(Struct, frozen=True, kw_only=True):
    """What became of one identifier of many."""

    handle: str
    msg: str


class SnmsCodedResult(Struct, frozen=True, kw_only=True):
    """The same, with the status: 1 or -2."""

    handle: str
    code: int
    msg: str


class SnmsToken(Struct, frozen=True, kw_only=True):
    """The token to send from now on."""

    token: str


class SnmsEnvelope(Struct, frozen=True, kw_only=True):
    """How every answer begins; ``data`` is null when the status is not 1."""

    message: str = "success"
    status: int = 1
    data: Any = None


class SnmsTokenEnvelope(SnmsEnvelope, frozen=True, kw_only=True):
    """A token."""

    data: SnmsToken | None = None


class SnmsDetailEnvelope(SnmsEnvelope, frozen=True, kw_only=True):
    """An identifier."""

    data: SnmsDetail | None = None


class SnmsDoneEnvelope(SnmsEnvelope, frozen=True, kw_only=True):
    """Whether it was done."""

    data: bool | None = None


class SnmsManyEnvelope(SnmsEnvelope, frozen=True, kw_only=True):
    """What became of each."""

    data: list[SnmsResult] | None = None


class SnmsRemovedEnvelope(SnmsEnvelope, frozen=True, kw_only=True):
    """What became of each removal."""

    data: list[SnmsCodedResult] | None = None


class SnmsLimits(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an item of a template takes: texts of so many characters; 0: any."""

    type: Annotated[str, Meta(max_length=40)] = "string"
    min_length: Annotated[int, Meta(ge=0)] | None = 0
    max_length: Annotated[int, Meta(ge=0)] | None = 0


class SnmsTemplateItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of a template: ``name`` for people, ``idType`` and ``idIndex`` are type and index of its attributes."""

    name: Annotated[str, Meta(max_length=128, pattern=r"^[^\x00]*$")]
    id_type: Annotated[str, Meta(max_length=128)]
    id_index: int | Annotated[str, Meta(max_length=11)] | None = None
    required: bool | None = False
    state: int = 1
    metadata: SnmsLimits | None = None


class SnmsTemplateKey(Struct, frozen=True, kw_only=True):
    """Which template: that of this name, of the holder of this prefix."""

    prefix: Annotated[str, Meta(min_length=1, max_length=400, examples=["88.118.8"])]
    version: Annotated[str, Meta(min_length=1, max_length=128, examples=["1.0"])]


class SnmsNewTemplate(SnmsTemplateKey, frozen=True, kw_only=True, rename="camel"):
    """A template to add. The codes of the industry are not kept."""

    items: Annotated[list[SnmsTemplateItem], Meta(max_length=500)]
    description: Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*$")] = ""


class SnmsTemplate(Struct, frozen=True, kw_only=True, rename="camel"):
    """A template. The codes of the industry are empty, for none are kept; ``type`` 2 is *other*."""

    prefix: str
    version: str
    name: str
    description: str
    items: list[SnmsTemplateItem]
    type: int = 2
    industry_category: str = ""
    industry_specific: str = ""
    industry_trade: str = ""
    industry_subclass: str = ""


class SnmsTemplateEnvelope(SnmsEnvelope, frozen=True, kw_only=True):
    """A template."""

    data: SnmsTemplate | None = None
