"""Templates in the interface's own form, from and to those of this node. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from millwright.identity.snms import errors
from millwright.identity.snms.facts import FIRST_FREE_INDEX, FORMAT, RESERVED_INDEX
from millwright.identity.snms.model import SnmsLimits, SnmsNewTemplate, SnmsTemplate, SnmsTemplateItem
from millwright.identity.templates import Template, TemplateDocument, TemplateField
from millwright.identity.templates.model import FIRST_INDEX, MOST_NUMBER

_TYPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_NO_LIMIT: Final = 65_536
"""Most bytes of a value; what a field without a limit is said to take."""


def document_of(new: SnmsNewTemplate) -> TemplateDocument:
    """The document of a template as a client describes it: its items are public texts.

    Raises ``Invalid`` (``snms.template_item``, ``snms.index_reserved``).
    """
    return changed(TemplateDocument(name=new.version), new)


def changed(before: TemplateDocument, new: SnmsNewTemplate) -> TemplateDocument:
    """The document with items added, changed (where index and type are those of a field) and, in the state 0, left
    out; what is not named stays. Raises as above."""
    fields = {each.number: each for each in before.fields}
    free = max([FIRST_FREE_INDEX, *(each.index + 1 for each in before.fields)])
    named: set[int] = set()
    for item in new.items:
        number = _index(item.id_index, free) - FIRST_INDEX
        free = max(free, FIRST_INDEX + number + 1)
        if number in named:
            raise errors.template_item(item.id_type, "has an index that occurs twice", "的索引重复")
        named.add(number)
        field = _changed(fields.get(number), item, number, list(fields.values()))
        if item.state == 0:
            fields.pop(number, None)
        else:
            fields[number] = field
    description = new.description or before.description_zh
    return structs.replace(before, description_zh=description, fields=list(fields.values()))


def _changed(
    before: TemplateField | None, item: SnmsTemplateItem, number: int, others: Sequence[TemplateField]
) -> TemplateField:
    """A field by an item; what no item tells of it (its type, who sees it) stays."""
    kind = item.id_type
    if before is not None and before.value_type.decode() != kind:
        raise errors.template_item(kind, "has the index of another field", "的索引已被其他属性占用")
    if before is None:
        if not _TYPE.fullmatch(kind):
            raise errors.template_item(kind, "is no type", "的idType只能由字母、数字和 . _ - 组成")
        if any(each.value_type.decode() == kind for each in others):
            raise errors.template_item(kind, "occurs twice", "的idType重复")
        before = TemplateField(number=number, name=_name(kind, {each.name for each in others}), handle_type=kind)
    limits = item.metadata or SnmsLimits()
    if limits.type.lower() != FORMAT:
        raise errors.template_item(kind, "is no string", "的数据类型只支持string")
    if before.type == "text" and item.metadata is not None:
        before = structs.replace(before, minimum=limits.min_length or None, maximum=limits.max_length or None)
    return structs.replace(before, label_zh=item.name, required=bool(item.required))


def shown(prefix: str, template: Template) -> SnmsTemplate:
    """A template as a client reads it; every field is a text there."""
    items = [
        SnmsTemplateItem(
            name=each.label_zh or each.label or each.name,
            id_type=each.value_type.decode(),
            id_index=each.index,
            required=each.required,
            state=1,
            metadata=_limits(each),
        )
        for each in sorted(template.document.fields, key=lambda each: each.number)
    ]
    document = template.document
    return SnmsTemplate(
        prefix=prefix,
        version=document.name,
        name=document.title_zh or document.title,
        description=document.description_zh or document.description,
        items=items,
    )


def _limits(field: TemplateField) -> SnmsLimits:
    if field.type != "text":
        return SnmsLimits(min_length=0, max_length=_NO_LIMIT)
    return SnmsLimits(min_length=int(field.minimum or 0), max_length=int(field.maximum or _NO_LIMIT))


def _index(given: int | str | None, free: int) -> int:
    if given is None or given == "":
        return free
    if isinstance(given, str):
        if not (given.isascii() and given.isdigit() and len(given) < 8):
            raise errors.template_item(given[:40], "is no index", "不是有效的索引")
        given = int(given)
    if given == RESERVED_INDEX:
        raise errors.index_reserved()
    if not 1 <= given - FIRST_INDEX <= MOST_NUMBER:
        last = FIRST_INDEX + MOST_NUMBER
        raise errors.template_item(str(given), f"is no index from {FIRST_FREE_INDEX} to {last}", "超出索引范围")
    return given


def _name(kind: str, taken: set[str]) -> str:
    """A field's name from its type: ``productName`` is ``product_name``."""
    words = "_".join(word for word in _WORDS.split(kind) if word).lower()
    name = (words if words[:1].isalpha() else f"f_{words}")[:60]
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
