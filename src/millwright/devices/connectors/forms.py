"""What a form for the settings of a protocol looks like, from the struct of its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct, inspect

FieldType = Literal["string", "integer", "number", "boolean", "choice", "list", "json"]
ItemType = Literal["string", "integer"]


class FormField(Struct, frozen=True, kw_only=True):
    """One setting. ``list``: several of ``items``, entered one a line; ``json``: anything else, entered as JSON. Titles
    and descriptions come in two languages where the connector gives both
    (``Meta(extra={"title": …, "title_zh": …, "zh": …})``). ``when``: other settings and their values with which this
    one means something; a form hides it otherwise."""

    name: str
    type: FieldType
    required: bool
    description: str = ""
    description_zh: str = ""
    title: str = ""
    title_zh: str = ""
    default: Any = None
    optional: bool = False
    choices: Sequence[Any] = ()
    items: ItemType | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    secret: bool = False
    multiline: bool = False
    advanced: bool = False
    when: Mapping[str, Sequence[Any]] = {}


def fields_of(settings: type[Struct]) -> list[FormField]:
    """The fields of a struct of settings, in order of declaration."""
    info = inspect.type_info(settings)
    assert isinstance(info, inspect.StructType)
    return [_field(each) for each in info.fields]


def secret_fields(settings: type[Struct]) -> frozenset[str]:
    """The names of the settings that must be sealed."""
    return frozenset(field.name for field in fields_of(settings) if field.secret)


def _field(field: inspect.Field) -> FormField:
    found = field.type
    extra: dict[str, Any] = {}
    schema: dict[str, Any] = {}
    while isinstance(found, inspect.Metadata):
        extra = {**(found.extra or {}), **extra}
        schema = {**(found.extra_json_schema or {}), **schema}
        found = found.type
    optional = False
    if isinstance(found, inspect.UnionType):
        rest = [each for each in found.types if not isinstance(each, inspect.NoneType)]
        optional = len(rest) < len(found.types)
        if len(rest) == 1:
            found = rest[0]
            while isinstance(found, inspect.Metadata):
                extra = {**(found.extra or {}), **extra}
                schema = {**(found.extra_json_schema or {}), **schema}
                found = found.type
    kind, choices = _type_of(found)
    low = getattr(found, "ge", None)
    high = getattr(found, "le", None)
    return FormField(
        name=field.encode_name,
        type=kind,
        required=field.required,
        description=str(schema.get("description", "")),
        description_zh=str(extra.get("zh", "")),
        title=str(extra.get("title", schema.get("title", ""))),
        title_zh=str(extra.get("title_zh", "")),
        default=_default(field),
        optional=optional,
        choices=choices,
        items=_items_of(found),
        minimum=low if low is not None else getattr(found, "gt", None),
        maximum=high if high is not None else getattr(found, "lt", None),
        pattern=getattr(found, "pattern", None),
        secret=bool(extra.get("secret")),
        multiline=bool(extra.get("multiline")),
        advanced=bool(extra.get("advanced")),
        when=extra.get("when", {}),
    )


def _type_of(found: inspect.Type) -> tuple[FieldType, Sequence[Any]]:
    if isinstance(found, inspect.LiteralType):
        return "choice", found.values
    if isinstance(found, inspect.EnumType):
        return "choice", [each.value for each in found.cls]
    if isinstance(found, inspect.BoolType):
        return "boolean", ()
    if isinstance(found, inspect.IntType):
        return "integer", ()
    if isinstance(found, inspect.FloatType):
        return "number", ()
    if isinstance(found, inspect.StrType):
        return "string", ()
    return ("json" if _items_of(found) is None else "list"), ()


def _items_of(found: inspect.Type) -> ItemType | None:
    """What a list holds, if it holds texts or whole numbers."""
    if not isinstance(found, inspect.VarTupleType | inspect.ListType):
        return None
    item = found.item_type
    while isinstance(item, inspect.Metadata):
        item = item.type
    if isinstance(item, inspect.StrType):
        return "string"
    return "integer" if isinstance(item, inspect.IntType) else None


def _default(field: inspect.Field) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default)
    return msgspec.to_builtins(field.default_factory()) if field.default_factory is not msgspec.NODEFAULT else None
