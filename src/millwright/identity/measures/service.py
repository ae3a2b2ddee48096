"""Use cases of measures. No HTTP."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct, structs

from millwright.engines.sql import Records as Sql
from millwright.identity.digital_link.links import safe_href
from millwright.identity.handle.naming import fold
from millwright.identity.measures import errors
from millwright.identity.measures.model import (
    MOST_IN_FORCE,
    MOST_UNCONFIRMED,
    MeasureInfo,
    MeasurePage,
    MeasureReach,
    MeasureState,
    MeasureTarget,
    NewAnnouncement,
    NewRedirection,
    NewSuspension,
)
from millwright.identity.measures.reach import Target, find_target, holds_for, name_typed, reach_of
from millwright.identity.prefixes.store import PrefixStore
from millwright.identity.records import Records
from millwright.identity.records.index import IndexView
from millwright.identity.records.model import Measure, MeasureKind, MeasureSide
from millwright.identity.records.writing import Pending
from millwright.identity.registration import naming
from millwright.identity.resolution.referring import same_server
from millwright.identity.rights import IDENTIFIERS_EMERGENCY, IDENTIFIERS_READ
from millwright.kernel import Clock, current_scope, new_id
from millwright.ledger import note
from millwright.parties import Authority, Session

NewMeasure = NewSuspension | NewRedirection | NewAnnouncement

_MOST_PAGE = 200
_TOLERANCE = 20
"""A number that was named may be wrong by this part: registering goes on meanwhile."""


class Eyes(Struct, frozen=True):
    """Of which organisations somebody sees measures, and of which those that may be lifted."""

    seeing: Collection[str]
    acting: Collection[str]

    @classmethod
    def of(cls, authority: Authority, within: str | None = None) -> Eyes:
        """Those of somebody; ``within``: an organisation to narrow it to."""
        return cls(
            authority.scope(IDENTIFIERS_READ.name, within).organisations,
            authority.scope(IDENTIFIERS_EMERGENCY.name, within).organisations,
        )


class Measures:
    """The room's service. What is taken is confined by the scope at hand: to prefixes that its organisations hold, or
    decide on. ``sql`` sees everything, for who decides on a prefix is told by a row of its own."""

    def __init__(self, register: Records, sql: Sql, clock: Clock, public_url: str = "") -> None:
        self._register, self._prefixes, self._clock = register, PrefixStore(sql), clock
        self._public_url = public_url

    # --- looking -----------------------------------------------------------------------------------------------------

    async def preview(self, target: MeasureTarget) -> MeasureReach:
        """What a measure would touch. Raises ``NotFound`` (``measures.no_prefix``), ``Invalid``."""
        return await asyncio.to_thread(self._preview, target)

    def _preview(self, wanted: MeasureTarget) -> MeasureReach:
        target, _ = self._target(wanted)
        with self._register.view() as view:
            touched, names, whole = reach_of(view, target)
        return MeasureReach(
            scope=target.scope,
            name=target.name,
            prefix=target.owner.prefix,
            organisation_id=target.owner.organisation_id,
            touched=touched,
            examples=[naming.shown(name)[0] for name in names],
            confirm=_needs_number(touched, whole=whole),
        )

    async def list(
        self,
        eyes: Eyes,
        *,
        states: Sequence[MeasureState] = (),
        kinds: Sequence[MeasureKind] = (),
        prefix: str | None = None,
        identifier: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> MeasurePage:
        """Measures for prefixes that the reader's organisations hold or decide on, the newest first."""

        def work() -> MeasurePage:
            found = [
                each
                for each in self._seen(eyes, identifier)
                if (not states or each.state in states)
                and (not kinds or each.kind in kinds)
                and (prefix is None or fold(each.prefix.encode()) == fold(prefix.encode()))
                and (before is None or each.id < before)
            ]
            most = min(limit, _MOST_PAGE)
            return MeasurePage(items=found[:most], next=found[most - 1].id if len(found) > most else None)

        return await asyncio.to_thread(work)

    async def get(self, eyes: Eyes, measure_id: str) -> MeasureInfo:
        """One measure. Raises ``NotFound`` (``measures.unknown``)."""
        found = await asyncio.to_thread(lambda: [each for each in self._seen(eyes) if each.id == measure_id])
        if not found:
            raise errors.unknown(measure_id)
        return found[0]

    def _seen(self, eyes: Eyes, identifier: str | None = None) -> builtins.list[MeasureInfo]:
        name = None if identifier is None else name_typed(identifier)
        found: builtins.list[MeasureInfo] = []
        registrars = self._prefixes.registrars_of(eyes.seeing)
        with self._register.view() as view:
            if name is not None:
                under = view.authority(name.encode())
            for measure in view.iter_measures():
                if name is not None and (
                    under is None or under.prefix != measure.prefix or not holds_for(measure, name)
                ):
                    continue
                shown = self._info(view, measure, eyes, registrars)
                if shown is not None:
                    found.append(shown)
        found.reverse()
        return found

    def _info(self, view: IndexView, measure: Measure, eyes: Eyes, registrars: dict[str, str]) -> MeasureInfo | None:
        """A measure as somebody sees it; ``None`` when not at all. ``registrars``: the organisation that decides, by
        the keys of prefixes that the reader's organisations decide on."""
        owner = view.find_prefix(measure.prefix.encode())
        holder = owner.organisation_id if owner is not None else ""
        registrar = registrars.get(fold(measure.prefix.encode()).decode(), "")
        if holder not in eyes.seeing and not registrar:
            return None
        if owner is not None and measure.side == "holder" and measure.taken_ms < owner.since_ms:
            return None  # a former holder's, with its reasons
        may_lift = (registrar if measure.side == "registrar" else holder) in eyes.acting or registrar in eyes.acting
        now_ms = self._clock.now_ms()
        state: MeasureState = "in_force"
        if measure.lifted_ms is not None:
            state = "lifted"
        elif measure.over(now_ms):
            state = "ended"
        elif measure.since_ms > now_ms:
            state = "planned"
        on = measure.on
        return MeasureInfo(
            id=measure.id, kind=measure.kind, state=state, scope=measure.scope, on=on,
            identifier=naming.shown(on.encode())[0] if measure.scope == "identifier" else on,
            prefix=measure.prefix, holder_id=holder, organisation_id=measure.organisation_id, side=measure.side,
            reason=measure.reason, text=measure.text, text_zh=measure.text_zh, severity=measure.severity,
            href=measure.href, link_type=measure.link_type, touched=measure.touched, taken_ms=measure.taken_ms,
            taken_by=measure.who, since_ms=measure.since_ms, until_ms=measure.until_ms, lifted_ms=measure.lifted_ms,
            lifted_by=measure.lifted_by, lifted_why=measure.lifted_why,
            may_lift=may_lift and state in ("in_force", "planned"),
        )  # fmt: skip

    # --- acting ------------------------------------------------------------------------------------------------------

    async def take(
        self, authority: Authority, session: Session, kind: MeasureKind, new: NewMeasure, origins: Sequence[str] = ()
    ) -> MeasureInfo:
        """Take a measure; when this returns it is in the log. ``origins``: addresses of this node.

        Raises ``NotFound`` (``measures.no_prefix``), ``Invalid`` (``measures.invalid`` …), ``Conflict``
        (``measures.unconfirmed``), ``LimitExceeded`` (``measures.too_many``), and as :meth:`.Records.change_many`.
        """
        return await asyncio.to_thread(self._take, authority, session, kind, new, [self._public_url, *origins])

    def _take(
        self, authority: Authority, session: Session, kind: MeasureKind, new: NewMeasure, origins: Sequence[str]
    ) -> MeasureInfo:
        now_ms = self._clock.now_ms()
        since_ms = now_ms if new.since_ms is None else new.since_ms
        if new.until_ms is not None and new.until_ms <= max(since_ms, now_ms):
            raise errors.invalid("/until_ms", "It would be over before it begins", "结束时间应晚于开始时间和现在")
        href = self._checked(kind, new, origins)
        target, side = self._target(new)
        with self._register.view() as view:
            touched, _, whole = reach_of(view, target)
            in_force = sum(1 for each in view.iter_measures() if not each.over(now_ms))
        if in_force >= MOST_IN_FORCE:
            raise errors.too_many(MOST_IN_FORCE)
        if new.touched is None and _needs_number(touched, whole=whole):
            raise errors.unconfirmed(touched, None)
        if new.touched is not None and abs(new.touched - touched) > touched // _TOLERANCE:
            raise errors.unconfirmed(touched, new.touched)
        owner = target.owner
        measure = Measure(
            id=new_id("mea"),
            kind=kind,
            scope=target.scope,
            prefix=owner.prefix,
            on=target.name,
            organisation_id=owner.organisation_id if side == "holder" else self._registrar(owner.prefix),
            side=side,
            who=session.person.id,
            reason=new.reason.strip(),
            taken_ms=now_ms,
            since_ms=since_ms,
            until_ms=new.until_ms,
            text=new.text.strip(),
            text_zh=new.text_zh.strip(),
            severity=getattr(new, "severity", "warning"),
            href=href,
            link_type=getattr(new, "link_type", ""),
            touched=touched,
        )

        def work(pending: Pending) -> None:
            held = pending.view.find_prefix(owner.prefix.encode())
            if held is None or held.organisation_id != owner.organisation_id:
                raise errors.nothing_here(new.on)  # it has passed to somebody else meanwhile
            pending.put_measure(measure)

        self._register.batch(work, who=session.person.id, reason=measure.reason)
        note(
            "measure", measure.id, measure.on, after=_noted(measure), organisation=owner.organisation_id,
        )  # fmt: skip
        return self._told(authority, measure)

    def _checked(self, kind: MeasureKind, new: NewMeasure, origins: Sequence[str]) -> str:
        """The address of what was asked for, in the form in which it is given to browsers."""
        if kind == "announce" and not (new.text.strip() or new.text_zh.strip()):
            raise errors.invalid("/text", "An announcement says something", "请填写通告内容")
        given = getattr(new, "href", "").strip()
        if not given:
            return ""
        href = safe_href(given)
        if href is None:
            raise errors.invalid("/href", "It is no address of http or https", "应为 http 或 https 网址")
        if kind == "redirect" and any(each and same_server(each, href) for each in origins):
            why = "It is an address of this node: whoever is sent there would be sent there again"
            raise errors.invalid("/href", why, "这是本节点的地址，会造成循环跳转", "Name a page elsewhere.")
        return href

    async def lift(self, authority: Authority, session: Session, measure_id: str, reason: str) -> MeasureInfo:
        """End a measure; all is as it was. Raises ``NotFound`` (``measures.unknown``), ``Conflict``
        (``measures.over``, ``measures.registrars``), and as :meth:`.Records.change_many`."""
        return await asyncio.to_thread(self._lift, authority, session, measure_id, reason)

    def _lift(self, authority: Authority, session: Session, measure_id: str, reason: str) -> MeasureInfo:
        scope, now_ms = current_scope().organisations, self._clock.now_ms()
        registrars = self._prefixes.registrars_of(scope)
        done: dict[str, Any] = {}

        def work(pending: Pending) -> None:
            measure = pending.view.find_measure(measure_id)
            owner = None if measure is None else pending.view.find_prefix(measure.prefix.encode())
            decides = measure is not None and fold(measure.prefix.encode()).decode() in registrars
            holds = owner is not None and owner.organisation_id in scope
            if measure is None or owner is None or not (holds or decides):
                raise errors.unknown(measure_id)
            if measure.side == "registrar" and not decides:
                raise errors.not_yours_to_lift()
            if measure.over(now_ms):
                raise errors.over(measure_id)
            lifted = structs.replace(measure, lifted_ms=now_ms, lifted_by=session.person.id, lifted_why=reason.strip())
            pending.put_measure(lifted)
            done.update(before=measure, after=lifted, holder=owner.organisation_id)

        self._register.batch(work, who=session.person.id, reason=reason)
        note(
            "measure", measure_id, done["after"].on, before=_noted(done["before"]), after=_noted(done["after"]),
            organisation=done["holder"],
        )  # fmt: skip
        return self._told(authority, done["after"])

    # --- both --------------------------------------------------------------------------------------------------------

    def _target(self, wanted: MeasureTarget) -> tuple[Target, MeasureSide]:
        """The target, and as what one of the scope's organisations may act on it. Raises ``NotFound``
        (``measures.no_prefix``)."""
        scope = current_scope().organisations
        with self._register.view() as view:
            target = find_target(view, wanted.scope, wanted.on)
        # Looked up whatever was found, so that the time it takes tells nothing of what others hold.
        registrar = self._registrar(target.owner.prefix if target is not None else "")
        if target is not None and target.owner.organisation_id in scope:
            return target, "holder"
        if target is not None and registrar in scope:
            return target, "registrar"
        raise errors.nothing_here(wanted.on)

    def _registrar(self, prefix: str) -> str:
        return self._prefixes.registrar_of(fold(prefix.encode()).decode()) or ""

    def _told(self, authority: Authority, measure: Measure) -> MeasureInfo:
        """As who has just acted sees it."""
        scope = current_scope().organisations
        eyes = Eyes(scope | authority.scope(IDENTIFIERS_READ.name).organisations, scope)
        with self._register.view() as view:
            shown = self._info(view, measure, eyes, self._prefixes.registrars_of(scope))
        if shown is None:
            raise errors.unknown(measure.id)
        return shown


def _needs_number(touched: int, *, whole: bool) -> bool:
    return (whole and touched > 1) or touched > MOST_UNCONFIRMED


def _noted(measure: Measure) -> dict[str, Any]:
    return {name: value for name, value in structs.asdict(measure).items() if value not in ("", None)}
