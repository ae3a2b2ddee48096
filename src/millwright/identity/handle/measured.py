"""What the public is answered of a record for which measures hold: with another address, and with notices.

The record itself stays as it is; who administers it is shown it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.records import RecordsView, StoredRecord

if TYPE_CHECKING:
    from millwright.identity.records.effects import Effect
    from millwright.identity.records.model import Measure

NOTICE_TYPE: Final = b"MW_NOTICE"
"""A notice, as JSON: ``id``, ``kind``, ``severity``, ``text``, ``text_zh``, ``href``, ``linkType``, ``since`` and
``until``; what there is not is left out, and times are in seconds since 1970."""

FIRST_INDEX: Final = 910
"""Notices, and an address where the record has none, stand from here on, where nothing else does."""

SHOWN_FOR_S: Final = 60
"""How long others may keep what a measure has changed."""

_URL = b"URL"


def suspension_of(view: RecordsView, name: bytes) -> Measure | None:
    """The measure by which a name does not resolve at present. Asked for where there are any: ``view.measured``."""
    effect = view.effect(name)
    return effect.suspended if effect is not None else None


def why_suspended(measure: Measure) -> str:
    """What is told of a suspension."""
    whose = {"prefix": f"The prefix {measure.prefix}", "beginning": f"What begins with {measure.on}"}
    said = f"{whose.get(measure.scope, measure.on)} is suspended."
    return f"{said} {measure.text}" if measure.text else said


def notice_of(measure: Measure) -> dict[str, Any]:
    """What everybody may know of a measure."""
    shown = {
        "id": measure.id,
        "kind": measure.kind,
        "severity": measure.severity,
        "text": measure.text,
        "text_zh": measure.text_zh,
        "href": measure.href,
        "linkType": f"gs1:{measure.link_type}" if measure.link_type else "",
        "since": measure.since_ms // 1000,
        "until": None if measure.until_ms is None else measure.until_ms // 1000,
    }
    return {name: value for name, value in shown.items() if value not in ("", None)}


def notices_of(effect: Effect) -> list[Measure]:
    """The measures that are told of: where one is sent, and what is announced."""
    return [*([effect.redirected] if effect.redirected is not None else []), *effect.announced]


def altered(record: StoredRecord, effect: Effect) -> StoredRecord:
    """A record as the public is shown it: with the address of a redirection in the place of each ``URL``, or as one
    where there is none, and with a notice of each measure. Raises ``Corrupt``."""
    values = list(record.values)
    taken = {each.index for each in values}
    free = iter(index for index in range(FIRST_INDEX, 1 << 31) if index not in taken)
    if effect.redirected is not None:
        href, since_s = effect.redirected.href.encode(), effect.redirected.since_ms // 1000
        sent = [
            msgspec.structs.replace(each, data=href, ttl=SHOWN_FOR_S, ttl_type=0, timestamp_s=since_s, references=())
            if each.public and each.is_type(_URL)
            else each
            for each in values
        ]
        if sent == values:
            sent.append(HandleValue(index=next(free), type=_URL, data=href, ttl=SHOWN_FOR_S, timestamp_s=since_s))
        values = sent
    for measure in notices_of(effect):
        data = msgspec.json.encode(notice_of(measure))
        values.append(
            HandleValue(
                index=next(free), type=NOTICE_TYPE, data=data, ttl=SHOWN_FOR_S, timestamp_s=measure.since_ms // 1000
            )
        )
    return StoredRecord.build(record.handle, values)


def shown_to_all(view: RecordsView, name: bytes, record: StoredRecord) -> StoredRecord:
    """A record as the public is shown it at present; of one that shows it nothing, nothing is told."""
    effect = view.effect(name) if view.measured else None
    return record if effect is None or not record.shows_anything else altered(record, effect)
