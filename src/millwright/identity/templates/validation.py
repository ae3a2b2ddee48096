"""The rules a template's document keeps beyond its shape; each error points at the value (RFC 6901)."""

from __future__ import annotations

import math
import re
from typing import Final

import msgspec

from millwright.identity.codes import SYSTEMS
from millwright.identity.templates.errors import document_invalid, number_reused
from millwright.identity.templates.model import TemplateDocument, TemplateField
from millwright.kernel import Invalid, units

_RANGED: Final = frozenset({"text", "integer", "number", "quantity"})
_OWN_TYPES = re.compile(r"(HS|MW)_", re.IGNORECASE)
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_GROUP_REPEATED = re.compile(r"\)(?:[*+]|\{)")
_REPEAT = re.compile(r"[*+]|\{\d*,\d*\}")
_OTHER_GROUP = re.compile(r"\(\?(?!:)")
_MOST_REPEATS: Final = 3
_MOST_OPTIONAL: Final = 8
"""A pattern is tried on every value that comes, so its worst case is bounded: by this and by the length of the text."""


def parse(data: bytes) -> TemplateDocument:
    """The document in JSON. Raises ``Invalid`` (``templates.document_invalid``), with a pointer where one is known."""
    try:
        document = msgspec.json.decode(data, type=TemplateDocument)
    except msgspec.DecodeError as error:
        message, _, where = str(error).partition(" - at `")
        pointer = where.rstrip("`").removeprefix("$").replace("[", "/").replace("]", "").replace(".", "/")
        raise document_invalid(pointer, message, "文件格式不符合模板结构") from error
    return check(document)


def check(document: TemplateDocument) -> TemplateDocument:
    """``document`` with a clean name. Raises ``Invalid`` (``templates.document_invalid``) at the first rule broken."""
    name = " ".join(document.name.split())
    if not name or not name.isprintable():
        raise document_invalid("/name", "A name is printable text", "名称应为可打印的文字")
    numbers: set[int] = set()
    names: set[str] = set()
    for place, field in enumerate(document.fields):
        pointer = f"/fields/{place}"
        if field.number in numbers:
            raise document_invalid(f"{pointer}/number", f"The number {field.number} occurs twice", "字段编号重复")
        if field.name in names:
            raise document_invalid(f"{pointer}/name", f"The name {field.name} occurs twice", "字段名称重复")
        numbers.add(field.number)
        names.add(field.name)
        _check_field(field, pointer)
    return msgspec.structs.replace(document, name=name)


def check_successor(before: TemplateDocument, version: int, after: TemplateDocument) -> None:
    """A number keeps its type for ever. Raises ``Conflict`` (``templates.number_reused``)."""
    known = {field.number: (field.type, field.repeated) for field in before.fields}
    for place, field in enumerate(after.fields):
        if known.get(field.number, (field.type, field.repeated)) != (field.type, field.repeated):
            raise number_reused(f"/fields/{place}/number", field.number, version)


def _check_field(field: TemplateField, pointer: str) -> None:
    for key in ("minimum", "maximum"):
        bound = getattr(field, key)
        if bound is None:
            continue
        if field.type not in _RANGED:
            raise document_invalid(f"{pointer}/{key}", f"A {field.type} has no {key}", "该类型没有取值范围")
        if not math.isfinite(bound):
            raise document_invalid(f"{pointer}/{key}", f"The {key} is not a finite number", "范围应为有限的数")
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        raise document_invalid(f"{pointer}/minimum", "The minimum is above the maximum", "最小值大于最大值")
    _check_pattern(field, pointer)
    if (field.type == "enum") != bool(field.values):
        raise document_invalid(f"{pointer}/values", "An enum has values, and nothing else has", "枚举须给出取值")
    if len({each.value for each in field.values}) != len(field.values):
        raise document_invalid(f"{pointer}/values", "A value occurs twice", "枚举取值重复")
    _check_unit(field, pointer)
    if field.system is not None and (field.type != "reference" or field.system not in {s.name for s in SYSTEMS}):
        raise document_invalid(f"{pointer}/system", "A reference names a code system", "引用字段应指明编码体系")
    if field.granted_to is not None and field.visibility != "granted":
        raise document_invalid(f"{pointer}/granted_to", "Only a granted field names readers", "只有授权字段可指定读者")
    if field.handle_type is not None and _OWN_TYPES.match(field.handle_type):
        raise document_invalid(f"{pointer}/handle_type", "Types of HS_ and MW_ are the system's own", "保留类型")


def _check_pattern(field: TemplateField, pointer: str) -> None:
    if field.pattern is None:
        return
    if field.type not in ("text", "url"):
        raise document_invalid(f"{pointer}/pattern", f"A {field.type} has no pattern", "该类型没有格式要求")
    if _is_costly(field.pattern):
        why = "It repeats a group, looks around, refers back, or repeats more than three times"
        raise document_invalid(f"{pointer}/pattern", why, "正则表达式过于复杂")
    try:
        re.compile(field.pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise document_invalid(
            f"{pointer}/pattern", f"It is no regular expression: {error}", "不是正则表达式"
        ) from error


def _is_costly(pattern: str) -> bool:
    """Whether matching could take long: seen from the pattern without its escapes and character classes."""
    if re.search(r"\\[1-9]", pattern):
        return True
    outline = _CLASS.sub("c", _ESCAPE.sub("e", pattern))
    return bool(
        _GROUP_REPEATED.search(outline)
        or _OTHER_GROUP.search(outline)
        or len(_REPEAT.findall(outline)) > _MOST_REPEATS
        or outline.count("?") > _MOST_OPTIONAL
    )


def _check_unit(field: TemplateField, pointer: str) -> None:
    if (field.type == "quantity") != (field.unit is not None):
        raise document_invalid(f"{pointer}/unit", "A quantity has a unit, and nothing else has", "物理量须给出单位")
    if field.unit is not None:
        try:
            units.check(field.unit)
        except Invalid as error:
            raise document_invalid(f"{pointer}/unit", error.message, "不是 UCUM 单位") from error
