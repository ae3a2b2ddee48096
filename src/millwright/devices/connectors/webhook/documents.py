"""From the body of a request to documents, and from a document to samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from millwright.devices.connectors.contract import GOOD, UNCERTAIN, Sample
from millwright.devices.connectors.json_path import (
    MOST_STEPS,
    Search,
    Step,
    TooMuch,
    find,
    moment_ms,
    parse_place,
    scalar,
)
from millwright.devices.connectors.webhook.settings import WebhookSettings
from millwright.kernel import Invalid, LimitExceeded

FORM: Final = "application/x-www-form-urlencoded"
_MOST_ITEMS: Final = 10_000
_MOST_FIELDS: Final = 2_000


def unreadable(why: str) -> Invalid:
    """What cannot be read; the sender need not send it again as it is."""
    return Invalid(
        f"The document cannot be read: {why}.",
        code="connectors.webhook_document",
        hint="Send JSON, or a form; where the settings name the place of a list, the document has a list there.",
    )


def documents_of(body: bytes, content_type: str, settings: WebhookSettings) -> list[Any]:
    """The documents in a body. Raises ``Invalid`` (``connectors.webhook_document``)."""
    if content_type.partition(";")[0].strip().lower() == FORM:
        document: Any = _form(body)
    else:
        try:
            document = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise unreadable(f"it is no JSON ({error})") from None
    if not settings.items_place:
        return [document]
    try:
        items = find(document, parse_place(settings.items_place))
    except LookupError as error:
        raise unreadable(str(error)) from None
    if not isinstance(items, list) or len(items) > _MOST_ITEMS:
        raise unreadable(f"at {settings.items_place} is no list of at most {_MOST_ITEMS}")
    return items


def _form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise unreadable(f"it is no form ({error})") from None
    return {name: _plain(value) for name, value in pairs}


def _plain(text: str) -> Any:
    """A form knows texts only: what looks like a number is one."""
    try:
        number = float(text)
    except ValueError:
        return text
    if text.strip() != text or "_" in text or not abs(number) < 1e300:
        return text
    return int(text) if text.lstrip("+-").isdecimal() and len(text) < 16 else number


def samples_of(
    documents: Sequence[Any], places: Sequence[tuple[str, Sequence[Step]]], settings: WebhookSettings
) -> list[Sample]:
    """A sample of all at ``places`` (key and steps) that the documents have; what they lack, they do not tell.

    Raises ``LimitExceeded`` (``connectors.webhook_too_much``). May take a second: not for the loop of a process.
    """
    try:
        if len(documents) * len(places) > MOST_STEPS:
            raise TooMuch
        return _samples(documents, places, settings, Search(MOST_STEPS))
    except TooMuch:
        raise LimitExceeded(
            "The document and the points of the webhook are too much to look up at once.",
            code="connectors.webhook_too_much",
            hint="Send fewer items at once, or map fewer points at one webhook.",
            detail={"limit": MOST_STEPS},
        ) from None


def _samples(
    documents: Sequence[Any],
    places: Sequence[tuple[str, Sequence[Step]]],
    settings: WebhookSettings,
    search: Search,
) -> list[Sample]:
    time_place = parse_place(settings.time_place) if settings.time_place else None
    out: list[Sample] = []
    for document in documents:
        when, note = None, ""
        if time_place is not None:
            try:
                when = moment_ms(find(document, time_place, search))
            except (LookupError, ValueError, OverflowError) as error:
                note = f"its time: {error}"
        for key, steps in places:
            try:
                value = scalar(find(document, steps, search))
            except (LookupError, ValueError):
                continue
            out.append(Sample(key, value, when, UNCERTAIN if note else GOOD, note))
    return out
