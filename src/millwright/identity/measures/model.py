"""What is asked for and told of measures. Times are UTC milliseconds."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.identity.records.model import MeasureKind, MeasureScope, MeasureSide, Severity

MeasureState: TypeAlias = Literal["planned", "in_force", "ended", "lifted"]

MOST_IN_FORCE = 10_000
MOST_UNCONFIRMED = 1_000
"""So many identifiers may be touched without anybody saying how many."""

_On = Annotated[str, Meta(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["88.118.8/pump-7"])]
_Reason = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]
_Text = Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*$")]
_Address = Annotated[str, Meta(max_length=2000)]
_Time = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]


class MeasureTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which names: ``identifier`` (one, in any form of its code system; in GS1 with its lots and serial numbers),
    ``beginning`` (all whose names begin so) or ``prefix`` (all of a prefix, such as ``88.118.8`` or ``GS1:950600``)."""

    scope: MeasureScope
    on: _On


class _New(MeasureTarget, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: _Reason
    since_ms: _Time | None = None
    until_ms: _Time | None = None
    text: _Text = ""
    text_zh: _Text = ""
    touched: Annotated[int, Meta(ge=0)] | None = None


class NewSuspension(_New, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let names resolve nowhere. ``reason`` is for one's own people, ``text`` for everybody.

    ``since_ms``: from now on where left out; ``until_ms``: until it is lifted. ``touched``: how many identifiers it
    touches, as the preview says; needed for a whole prefix and for more than 1,000.
    """


class NewRedirection(_New, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send everybody who asks for the names to ``href``; otherwise as a suspension."""

    href: Annotated[str, Meta(min_length=1, max_length=2000, examples=["https://example.com/recall"])]
    severity: Severity = "warning"


class NewAnnouncement(_New, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put a notice on top of what is shown of the names; otherwise as a suspension.

    ``text`` is English, ``text_zh`` Chinese; one of them at least. ``link_type``: that of GS1's vocabulary under which
    linksets name it; left out, it follows from the severity: ``recallStatus``, ``safetyInfo``, ``serviceInfo``.
    """

    severity: Severity = "warning"
    href: _Address = ""
    link_type: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{0,60}$")] = ""


class MeasureLift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is ended."""

    reason: _Reason


class MeasureReach(Struct, frozen=True, kw_only=True):
    """What a target touches: ``name`` is what names are compared with, ``prefix`` the entry they stand under.

    ``confirm``: a measure for it must say ``touched``. ``examples`` are a few of the identifiers.
    """

    scope: MeasureScope
    name: str
    prefix: str
    organisation_id: str
    touched: int
    examples: list[str]
    confirm: bool


class MeasureInfo(Struct, frozen=True, kw_only=True):
    """A measure. ``on`` is the name or beginning as the register has it, ``identifier`` how people write it.

    ``side``: who took it and may lift it, the holder of the prefix or the ``registrar`` that decides on it.
    ``touched``: how many identifiers when it was taken. ``may_lift``: whether the reader may.
    """

    id: str
    kind: MeasureKind
    state: MeasureState
    scope: MeasureScope
    on: str
    identifier: str
    prefix: str
    holder_id: str
    organisation_id: str
    side: MeasureSide
    reason: str
    text: str
    text_zh: str
    severity: Severity
    href: str
    link_type: str
    touched: int
    taken_ms: int
    taken_by: str
    since_ms: int
    until_ms: int | None
    lifted_ms: int | None
    lifted_by: str
    lifted_why: str
    may_lift: bool


class MeasurePage(Struct, frozen=True, kw_only=True):
    """Measures, the newest first, and the cursor of the next page (null: there is none)."""

    items: list[MeasureInfo]
    next: str | None = None
