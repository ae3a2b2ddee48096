"""What a page shows, as data: the same for people and for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from millwright.identity.codes import Code, Refusal, forms_of
from millwright.identity.codes.parsing import system_named
from millwright.identity.digital_link.links import LINK_TYPE, Link, read_links, safe_href
from millwright.identity.handle.json_form import data_to_json
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.trust.model import Verdict
from millwright.identity.records.model import Measure, MeasureKind, Severity
from millwright.identity.templates import FieldLabel, Labels

_INTERNAL = (LINK_TYPE, b"MW_TEMPLATE", b"HS_ADMIN", b"HS_SIGNATURE", b"HS_CERT")
"""Types that are shown in another way, or are of no use to people."""


class Field(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public value. ``label`` is what the template calls it, ``meaning`` what its value stands for."""

    index: int
    type: str
    data: Any
    changed_s: int = 0
    label: str = ""
    label_zh: str = ""
    meaning: str = ""
    meaning_zh: str = ""


class Notice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notice of who answers for an identifier, above all that is shown of it. Times are UTC milliseconds."""

    kind: MeasureKind
    severity: Severity
    text: str = ""
    text_zh: str = ""
    href: str = ""
    since_ms: int = 0
    until_ms: int | None = None


def notice_from(measure: Measure) -> Notice:
    """What everybody may read of a measure."""
    return Notice(
        kind=measure.kind,
        severity=measure.severity,
        text=measure.text,
        text_zh=measure.text_zh,
        href=safe_href(measure.href) or "",
        since_ms=measure.since_ms,
        until_ms=measure.until_ms,
    )


class PageView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An identifier and what is public of its record.

    ``prefix_state`` is ``here``, ``elsewhere``, or why the prefix does not resolve. ``signature`` is what the
    signatures of a record of elsewhere are worth, where the node looks at them; of one that is not shown for it, why.
    ``notices`` are measures in force; ``redirected_to`` is where people are sent instead.
    """

    status: int
    code: Code
    name: str
    system_label: str
    system_label_zh: str
    prefix: str = ""
    prefix_state: str = ""
    registered: bool = False
    fields: list[Field] = []
    links: list[Link] = []
    forms: dict[str, str] = {}
    responsible: str = ""
    changed: str = ""
    signature: Verdict | None = None
    notices: list[Notice] = []
    redirected_to: str = ""


class NoCode(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text that is no identifier: where it fails, and by which system it was understood best."""

    status: int
    text: str
    why: str
    why_zh: str = ""
    system: str = ""
    at: int | None = None
    tried: list[Refusal] = []


def view_of(
    code: Code,
    name: str,
    values: tuple[HandleValue, ...] | None,
    prefix: str,
    prefix_state: str,
    responsible: str = "",
    labels: Labels = MappingProxyType({}),
    signature: Verdict | None = None,
) -> PageView:
    """What is shown of a code and of its record, ``None`` where there is none. Only public values are looked at."""
    system = system_named(code.system)
    public = [value for value in values or () if value.public]
    changed_s = max((value.timestamp_s for value in public), default=0)
    return PageView(
        status=200 if values is not None else 404 if signature is None else 503,
        code=code,
        name=name,
        system_label=system.label,
        system_label_zh=system.label_zh,
        prefix=prefix,
        prefix_state=prefix_state,
        registered=values is not None,
        fields=[_field(value, labels.get(value.index)) for value in public if value.type.upper() not in _INTERNAL],
        links=[link for link in read_links(public) if link.title != link.href],
        forms=forms_of(code),
        responsible=responsible,
        changed=datetime.fromtimestamp(changed_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if changed_s else "",
        signature=signature,
    )


def _field(value: HandleValue, label: FieldLabel | None) -> Field:
    data = data_to_json(value.type, value.data)
    meaning = label.values.get(str(data["value"]), ("", "")) if label is not None else ("", "")
    return Field(
        index=value.index,
        type=value.type.decode(errors="replace"),
        data=data,
        changed_s=value.timestamp_s,
        label=label.label if label is not None else "",
        label_zh=label.label_zh if label is not None else "",
        meaning=meaning[0],
        meaning_zh=meaning[1],
    )
