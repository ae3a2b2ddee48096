"""What public fields are called, for pages that anybody may open: labels never tell of a field that is not public."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from millwright.identity.handle.model import HandleValue
from millwright.identity.templates.coding import template_of
from millwright.identity.templates.model import FIRST_INDEX, REPEATED_STEP, Template
from millwright.identity.templates.service import Templates
from millwright.kernel import NotFound

_MOST = 1000


class FieldLabel(Struct, frozen=True):
    """What a field is called in English and Chinese, and what each of its values is, where it is one of some."""

    label: str
    label_zh: str
    values: dict[str, tuple[str, str]] = {}


Labels = Mapping[int, FieldLabel]
"""Of a template's public fields, by the index of their handle values."""


class PublicLabels:
    """The labels of published versions, which never change: read once, ``most`` of them kept."""

    def __init__(self, templates: Templates, most: int = _MOST) -> None:
        self._templates, self._most = templates, most
        self._known: OrderedDict[tuple[str, int], Labels] = OrderedDict()

    async def of(self, values: Iterable[HandleValue]) -> Labels:
        """The labels of a record's values; none when no template of this node is named."""
        values = tuple(values)
        named = template_of(values)
        if named is None:
            return {}
        found = self._known.get(named)
        if found is None:
            try:
                found = _labels(await self._templates.version(*named))
            except NotFound:
                return {}
            self._known[named] = found
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return {each.index: label for each in values if (label := found.get(_first(each.index))) is not None}


def _first(index: int) -> int:
    """The index of the first value of a field, for any of its values."""
    return FIRST_INDEX + (index - FIRST_INDEX) % REPEATED_STEP if index > FIRST_INDEX else index


def _labels(template: Template) -> Labels:
    return {
        field.index: FieldLabel(
            field.label,
            field.label_zh or field.label,
            {
                each.value: (each.label or each.value, each.label_zh or each.label or each.value)
                for each in field.values
            },
        )
        for field in template.document.fields
        if field.visibility == "public"
    }
