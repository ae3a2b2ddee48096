"""Routes of alarms."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from millwright.cases import Actor, Entry
from millwright.operations.alarms import AlarmFilter, AlarmPage, Alarms, AlarmSummary
from millwright.operations.export import CSV, iter_csv
from millwright.operations.model import Alarm, AlarmState, Priority, Text
from millwright.operations.rights import ALARMS_ACKNOWLEDGE, ALARMS_COMMENT, ALARMS_READ
from millwright.parties import authority_of, permit, session_of

AlarmId = Annotated[str, PathParameter(description="The alarm's id.", max_length=200)]
_MOST_MS = 4_102_444_800_000
_Time = Annotated[int | None, QueryParameter(ge=0, le=_MOST_MS, description="UTC milliseconds; bounds raised_ms.")]
States = Annotated[
    list[AlarmState] | None,
    QueryParameter(name="state", description="Only these states; repeat it. ISA-18.2: UNACK, ACKED, RTN-UNACK, NORM."),
]
Priorities = Annotated[list[Priority] | None, QueryParameter(name="priority", description="Only these; repeat it.")]
DeviceIds = Annotated[
    list[str] | None, QueryParameter(name="device_id", description="Only these devices; repeat it.", max_items=500)
]
Active = Annotated[bool | None, QueryParameter(description="Whether the condition holds now.")]
Search = Annotated[
    str, QueryParameter(name="q", max_length=200, description="Text in message, rule, device or property, any case.")
]

_KINDS = {"open": "raised", "reoccur": "raised", "return": "returned", "acknowledge": "acknowledged", None: "comment"}


class AlarmEntry(msgspec.Struct, frozen=True):
    """One line of an alarm's history. ``kind``: ``raised``, ``returned``, ``acknowledged`` or ``comment``.

    ``at_ms`` is when this node recorded it, ``source_ms`` the source time of a raise or return.
    """

    at_ms: int
    kind: str
    by: str
    by_id: str
    text: str
    value: float | None
    source_ms: int | None
    state: AlarmState


class AlarmDetail(Alarm, frozen=True, kw_only=True):
    """An alarm with the newest thousand lines of its history, oldest first."""

    history: list[AlarmEntry]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The readings kept with an alarm, in columns; limits and values in ``unit``. ``complete``: nothing more comes."""

    from_ms: int
    to_ms: int
    raised_ms: int
    trigger_ms: int | None
    limit_high: float | None
    limit_low: float | None
    unit: str | None
    time_ms: list[int]
    value: list[float | str | None]
    quality: list[int]
    complete: bool
    problem: str | None = None


class Acknowledgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is in hand; may be empty."""

    comment: Text = ""


class BulkAcknowledgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which alarms to acknowledge, at most 1000."""

    ids: Annotated[list[Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(min_length=1, max_length=1000)]
    comment: Text = ""


class BulkResult(msgspec.Struct, frozen=True):
    """What a bulk acknowledgement did; ``skipped`` are ids that do not exist or needed no acknowledgement."""

    acknowledged: list[str]
    skipped: list[str]


class Comment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody has to say."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=4000, pattern=r"^[^\x00]*\S[^\x00]*$")]


class AlarmController(Controller):
    """Alarms and their life (ISA-18.2, IEC 62682)."""

    path = "/alarms"
    tags = ("Alarms",)

    @get("/", summary="Alarms", guards=[permit(ALARMS_READ)])
    async def page(
        self,
        alarms: NamedDependency[Alarms],
        states: States = None,
        priorities: Priorities = None,
        device_ids: DeviceIds = None,
        active: Active = None,
        text: Search = "",
        from_ms: _Time = None,
        to_ms: _Time = None,
        cursor: Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=400)] = None,
        limit: Annotated[int, QueryParameter(description="Alarms on a page.", ge=1, le=1000)] = 100,
    ) -> AlarmPage:
        """Alarms that match, latest raised first."""
        wanted = _filter(states, priorities, device_ids, active, text, from_ms, to_ms)
        return await alarms.page(wanted, cursor=cursor, limit=limit)

    @get("/export", summary="Alarms as CSV", media_type=CSV, guards=[permit(ALARMS_READ)])
    async def export(
        self,
        alarms: NamedDependency[Alarms],
        states: States = None,
        priorities: Priorities = None,
        device_ids: DeviceIds = None,
        active: Active = None,
        text: Search = "",
        from_ms: _Time = None,
        to_ms: _Time = None,
    ) -> Stream:
        """Every alarm that matches, as CSV in UTF-8; a cell never begins a formula."""
        wanted = _filter(states, priorities, device_ids, active, text, from_ms, to_ms)
        headers = {"Content-Disposition": 'attachment; filename="alarms.csv"'}
        return Stream(iter_csv(alarms.iter(wanted)), media_type=CSV, headers=headers)

    @get("/summary", summary="Counts of open alarms", guards=[permit(ALARMS_READ)])
    async def summary(self, alarms: NamedDependency[Alarms]) -> AlarmSummary:
        """How many alarms are active and unacknowledged, by priority and by state."""
        return await alarms.summary()

    @post("/acknowledge", summary="Acknowledge alarms", status_code=200, guards=[permit(ALARMS_ACKNOWLEDGE)])
    async def acknowledge_many(
        self, alarms: NamedDependency[Alarms], request: Request[Any, Any, Any], data: JSONBody[BulkAcknowledgement]
    ) -> BulkResult:
        """Acknowledge many at once; all or none of those that can be."""
        done, skipped = await alarms.acknowledge(data.ids, _actor(request), comment=data.comment)
        return BulkResult([alarm.id for alarm in done], skipped)

    @get("/{alarm_id:str}", summary="An alarm", guards=[permit(ALARMS_READ)])
    async def get_alarm(self, alarms: NamedDependency[Alarms], alarm_id: AlarmId) -> AlarmDetail:
        """The alarm with its history."""
        alarm = await alarms.get(alarm_id)
        history = [_entry(entry) for entry in await alarms.history(alarm_id)]
        return AlarmDetail(**msgspec.structs.asdict(alarm), history=history)

    @get("/{alarm_id:str}/evidence", summary="The readings around an alarm", guards=[permit(ALARMS_READ)])
    async def evidence(self, alarms: NamedDependency[Alarms], alarm_id: AlarmId) -> Evidence:
        """The readings before and after it was raised, and the limits then; kept, whatever the retention is."""
        alarm = await alarms.get(alarm_id)
        document, complete = await alarms.evidence(alarm_id)
        empty = {"from_ms": alarm.raised_ms, "to_ms": alarm.raised_ms, "time_ms": [], "value": [], "quality": []}
        bare = {"raised_ms": alarm.raised_ms, "trigger_ms": None, "limit_high": None, "limit_low": None, "unit": None}
        return msgspec.convert({**empty, **bare, **document, "complete": complete}, Evidence)

    @post(
        "/{alarm_id:str}/acknowledge",
        summary="Acknowledge an alarm",
        status_code=200,
        guards=[permit(ALARMS_ACKNOWLEDGE)],
    )
    async def acknowledge(
        self,
        alarms: NamedDependency[Alarms],
        request: Request[Any, Any, Any],
        alarm_id: AlarmId,
        data: JSONBody[Acknowledgement | None] = None,
    ) -> Alarm:
        """Take an alarm in hand; one that is acknowledged already stays as it is."""
        await alarms.get(alarm_id)
        await alarms.acknowledge([alarm_id], _actor(request), comment=data.comment if data else "")
        return await alarms.get(alarm_id)

    @post("/{alarm_id:str}/comments", summary="Comment an alarm", guards=[permit(ALARMS_COMMENT)])
    async def comment(
        self,
        alarms: NamedDependency[Alarms],
        request: Request[Any, Any, Any],
        alarm_id: AlarmId,
        data: JSONBody[Comment],
    ) -> AlarmEntry:
        """Add a comment, in any state."""
        return _entry(await alarms.comment(alarm_id, _actor(request), data.text))


def _actor(request: Request[Any, Any, Any]) -> Actor:
    """Who acts; the guard of the route has seen to it that they may, and where."""
    person = session_of(request).person
    return Actor(person.id, person.name, authority_of(request).permissions())


def _filter(
    states: list[AlarmState] | None,
    priorities: list[Priority] | None,
    device_ids: list[str] | None,
    active: bool | None,
    text: str,
    from_ms: int | None,
    to_ms: int | None,
) -> AlarmFilter:
    return AlarmFilter(
        states=tuple(states or ()),
        priorities=tuple(priorities or ()),
        device_ids=tuple(device_ids or ()),
        active=active,
        text=text.strip().replace("\0", ""),
        from_ms=from_ms,
        to_ms=to_ms,
    )


def _entry(entry: Entry) -> AlarmEntry:
    return msgspec.convert(
        {
            "at_ms": entry.at_ms,
            "kind": _KINDS[entry.transition],
            "by": entry.actor_name,
            "by_id": entry.actor_id,
            "text": entry.comment,
            "value": entry.data.get("trigger_value"),
            "source_ms": entry.data.get("returned_ms") or entry.data.get("last_occurrence_ms"),
            "state": entry.to_state,
        },
        AlarmEntry,
    )
