"""Routes of rules."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from millwright.historian import HistorianClient
from millwright.kernel import etag, revision_of
from millwright.operations.model import Rule, RuleDraft
from millwright.operations.rehearsal import Rehearsal
from millwright.operations.rights import RULES_READ, RULES_WRITE
from millwright.operations.rules import RulePage, Rules
from millwright.parties import IfMatch, permit

RuleId = Annotated[str, PathParameter(description="The rule's id.", max_length=200)]
_MOST_MS = 4_102_444_800_000

EXAMPLE: dict[str, Any] = {
    "name": "Pump outlet too hot",
    "scope": {"model_id": "mod_01k9q3v6zj8r1e5x7w2n4b0t9c"},
    "property": "temperature",
    "condition": {"kind": "limit", "high": 80, "deadband": 2, "on_delay_s": 5, "off_delay_s": 5},
    "priority": "high",
    "message": "{device}: {property} is {value} {unit}, limit {limit} {unit}",
    "message_zh": "{device}：{property} 为 {value} {unit}，限值 {limit} {unit}",
}


class RehearsalRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule to try out on the readings with source times in a range; ``device_id`` picks one device of a model."""

    rule: RuleDraft
    from_ms: Annotated[int, msgspec.Meta(ge=0, le=_MOST_MS)]
    to_ms: Annotated[int, msgspec.Meta(ge=0, le=_MOST_MS)]
    device_id: str | None = None


def _example(value: dict[str, Any]) -> list[Example]:
    return [Example(summary="A high limit on every device of a model", value=value)]


class RuleController(Controller):
    """When an alarm is raised."""

    path = "/rules"
    tags = ("Rules",)

    @get("/", summary="Rules", guards=[permit(RULES_READ)])
    async def page(
        self,
        rules: NamedDependency[Rules],
        device_id: Annotated[str | None, QueryParameter(description="Only rules scoped to this device.")] = None,
        model_id: Annotated[str | None, QueryParameter(description="Only rules scoped to this model.")] = None,
        cursor: Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=1000)] = None,
        limit: Annotated[int, QueryParameter(description="Rules on a page.", ge=1, le=1000)] = 100,
    ) -> RulePage:
        """Rules by name."""
        return await rules.page(device_id=device_id, model_id=model_id, cursor=cursor, limit=limit)

    @post("/", summary="Make a rule", guards=[permit(RULES_WRITE)])
    async def create(
        self, rules: NamedDependency[Rules], data: Annotated[RuleDraft, Body(examples=_example(EXAMPLE))]
    ) -> Response[Rule]:
        """Keep a new rule; it watches within two seconds."""
        return _tagged(await rules.create(data), 201)

    @post("/test", summary="Try a rule out on history", status_code=200, guards=[permit(RULES_WRITE)], reads=True)
    async def test(
        self,
        rules: NamedDependency[Rules],
        historian: NamedDependency[HistorianClient],
        data: Annotated[
            RehearsalRequest,
            Body(examples=_example({"rule": EXAMPLE, "from_ms": 1_750_000_000_000, "to_ms": 1_750_086_400_000})),
        ],
    ) -> Rehearsal:
        """How often, and when, the rule would have fired; nothing is kept and no alarm is raised."""
        return await rules.rehearse(data.rule, historian, data.from_ms, data.to_ms, data.device_id)

    @get("/{rule_id:str}", summary="A rule", guards=[permit(RULES_READ)])
    async def get_rule(self, rules: NamedDependency[Rules], rule_id: RuleId) -> Response[Rule]:
        """The rule; its ETag goes with a change."""
        return _tagged(await rules.get(rule_id))

    @put("/{rule_id:str}", summary="Change a rule", guards=[permit(RULES_WRITE)])
    async def replace(
        self,
        rules: NamedDependency[Rules],
        rule_id: RuleId,
        data: Annotated[RuleDraft, Body(examples=_example(EXAMPLE))],
        if_match: IfMatch = None,
    ) -> Response[Rule]:
        """Put this in the place of the rule. Alarms it raised stay; those of a cause it no longer watches return."""
        return _tagged(await rules.replace(rule_id, data, revision=revision_of(if_match)))

    @delete("/{rule_id:str}", summary="Remove a rule", guards=[permit(RULES_WRITE)])
    async def remove(self, rules: NamedDependency[Rules], rule_id: RuleId) -> None:
        """Remove the rule; its active alarms return."""
        await rules.delete(rule_id)


def _tagged(rule: Rule, status: int = 200) -> Response[Rule]:
    return Response(rule, status_code=status, headers=etag(rule.revision))
