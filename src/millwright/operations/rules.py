"""Keeping rules, and trying one out on history."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import logging
from asyncio import to_thread
from typing import Any

import msgspec

from millwright.kernel import Bus, Clock, Conflict, Invalid, LimitExceeded, NotFound, Outdated, Unavailable, new_id
from millwright.ledger import note
from millwright.operations.evidence import ReadingSource
from millwright.operations.model import Directory, Rule, RuleDraft, Stale
from millwright.operations.rehearsal import Rehearsal, rehearse
from millwright.operations.settings import OperationsSettings
from millwright.operations.store import RuleStore
from millwright.operations.validation import validate

RULES_CHANGED = "events.operations.rules_changed"
"""Some rule changed; an empty msgpack map."""

_NOT_THE_RULE = ("id", "revision", "created_ms", "updated_ms")

logger = logging.getLogger(__name__)


class RulePage(msgspec.Struct, frozen=True):
    """Rules by name, and the cursor of the next page (null: there is none)."""

    items: list[Rule]
    next: str | None = None


class Rules:
    """What people do with rules."""

    def __init__(
        self, store: RuleStore, directory: Directory, bus: Bus, clock: Clock, settings: OperationsSettings | None = None
    ) -> None:
        self._store = store
        self._directory = directory
        self._bus = bus
        self._clock = clock
        self._settings = settings or OperationsSettings()

    async def page(
        self,
        *,
        device_id: str | None = None,
        model_id: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> RulePage:
        """Rules by name. Raises ``Invalid`` (``operations.bad_cursor``)."""
        after = None if cursor is None else _decode(cursor)
        rows = await to_thread(self._store.page, after=after, limit=limit + 1, device_id=device_id, model_id=model_id)
        items = rows[:limit]
        return RulePage(items, _encode(items[-1]) if len(rows) > limit else None)

    async def get(self, rule_id: str) -> Rule:
        """The rule. Raises ``NotFound`` (``operations.rule_unknown``)."""
        rule = await to_thread(self._store.find, rule_id)
        if rule is None:
            raise _unknown(rule_id)
        return rule

    async def create(self, draft: RuleDraft) -> Rule:
        """Keep a new rule.

        Raises ``Invalid`` (``operations.rule_invalid``), ``NotFound`` (its device or model), ``LimitExceeded``
        (``operations.too_many_rules``).
        """
        await self._check(draft)
        if await to_thread(self._store.count) >= self._settings.rules_limit:
            raise LimitExceeded(
                f"There are {self._settings.rules_limit} rules already.",
                code="operations.too_many_rules",
                hint="Scope a rule to a model instead of one to each device, or raise [operations] rules_limit.",
            )
        now_ms = self._clock.now_ms()
        owner = await to_thread(self._directory.owner, draft.scope)
        rule = Rule(
            id=new_id("rul"),
            revision=1,
            created_ms=now_ms,
            updated_ms=now_ms,
            organisation_id=owner,
            **_fields(draft),
        )
        await to_thread(self._store.insert, rule)
        note("rule", rule.id, rule.name, after=rule, ignore=_NOT_THE_RULE)
        await self._announce()
        return rule

    async def replace(self, rule_id: str, draft: RuleDraft, *, revision: int | None = None) -> Rule:
        """Change a rule; with ``revision``, only if nobody changed it since.

        Raises what :meth:`create` raises, ``NotFound`` (``operations.rule_unknown``), ``Conflict``
        (``operations.rule_changed``).
        """
        await self._check(draft)
        before = await self.get(rule_id)
        expected = before.revision if revision is None else revision
        owner = before.organisation_id
        if draft.scope != before.scope:
            owner = await to_thread(self._directory.owner, draft.scope)
        rule = Rule(
            id=rule_id,
            organisation_id=owner,
            revision=expected + 1,
            created_ms=before.created_ms,
            updated_ms=self._clock.now_ms(),
            **_fields(draft),
        )
        if not await to_thread(self._store.replace, rule, expected):
            raise (Conflict if revision is None else Outdated)(
                "Somebody changed the rule meanwhile.",
                code="operations.rule_changed",
                hint="Read it again and decide anew.",
            )
        note("rule", rule_id, rule.name, before=before, after=rule, ignore=_NOT_THE_RULE)
        await self._announce()
        return rule

    async def delete(self, rule_id: str) -> None:
        """Remove a rule; its active alarms end. Raises ``NotFound`` (``operations.rule_unknown``)."""
        before = await self.get(rule_id)
        if not await to_thread(self._store.delete, rule_id):
            raise _unknown(rule_id)
        note("rule", rule_id, before.name, before=before, ignore=_NOT_THE_RULE)
        await self._announce()

    async def rehearse(
        self, draft: RuleDraft, historian: ReadingSource, from_ms: int, to_ms: int, device_id: str | None = None
    ) -> Rehearsal:
        """How often the rule would have fired between two source times; ``device_id`` picks one device of a model.

        Raises what :meth:`create` raises, and what the historian raises.
        """
        await self._check(draft)
        scope = draft.scope
        models = {scope.model_id} if scope.model_id is not None and device_id is None else set[str]()
        chosen = device_id or scope.device_id
        subjects = await to_thread(self._directory.subjects, models, {chosen} if chosen is not None else set[str]())
        if device_id is not None:
            subjects = [s for s in subjects if device_id == scope.device_id or s.model_id == scope.model_id]
            if not subjects:
                raise NotFound(
                    f"The rule does not watch a device {device_id}.",
                    code="operations.device_unwatched",
                    hint="Choose a device in the rule's scope that is not disabled.",
                )
        to_ms = min(to_ms, self._clock.now_ms())
        if from_ms >= to_ms:
            raise Invalid("from_ms must be before to_ms and in the past.", code="operations.bad_range", hint="Mend it.")
        owner = await to_thread(self._directory.owner, draft.scope)
        rule = Rule(id="rehearsal", organisation_id=owner, **_fields(msgspec.structs.replace(draft, enabled=True)))
        return await rehearse(rule, subjects, historian, from_ms, to_ms, backfill_s=self._settings.backfill_s)

    async def _check(self, draft: RuleDraft) -> None:
        validate(draft)
        fact = await to_thread(self._directory.find_property, draft.scope, draft.property)
        if fact.type == "string" and not isinstance(draft.condition, Stale):
            raise _faulty("property", f"{draft.property} is text; only a stale rule can watch it")
        if fact.type is None and fact.declared and draft.scope.model_id is not None:
            nearest = difflib.get_close_matches(draft.property, fact.declared, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise _faulty("property", f"the model declares no property {draft.property}{hint}")

    async def _announce(self) -> None:
        try:
            await self._bus.publish(RULES_CHANGED, msgspec.msgpack.encode({}))
        except Unavailable as error:
            logger.debug("a changed rule is found by the next poll: %s", error.message)


def _faulty(field: str, message: str) -> Invalid:
    return Invalid(
        f"The rule is not valid: {message}.",
        code="operations.rule_invalid",
        hint="Correct the named fields.",
        detail={"pointer": f"/{field}", "faults": [{"pointer": f"/{field}", "message": message}]},
    )


def _unknown(rule_id: str) -> NotFound:
    return NotFound(
        f"There is no rule {rule_id}.", code="operations.rule_unknown", hint="GET /api/v1/rules lists them."
    )


def _fields(draft: RuleDraft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in RuleDraft.__struct_fields__}


def _encode(rule: Rule) -> str:
    return base64.urlsafe_b64encode(json.dumps([rule.name, rule.id]).encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[str, str]:
    try:
        name, rule_id = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=tuple[str, str]
        )
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Invalid(
            "This cursor was not made by this list.",
            code="operations.bad_cursor",
            hint="Use `next` of the page before, unchanged.",
        ) from error
    return name, rule_id
