from __future__ import annotations

from dataclasses import replace

import pytest

from millwright.kernel import Invalid
from millwright.operations import Condition, Limit, RateOfChange, Scope, Stale
from millwright.operations.messages import render
from millwright.operations.model import Raised, WatchKey
from millwright.operations.validation import validate
from support.operations import rule, subject

FAULTS: list[tuple[Condition, str]] = [
    (Limit(), "condition needs high, low or both"),
    (Limit(high=1, low=1), "condition.low must be less than high (1 ≥ 1)"),
    (Limit(high=10, low=0, deadband=5), "condition.deadband must be less than half of high - low (5)"),
    (Limit(high=10, deadband=-1), "condition.deadband must not be negative"),
    (Limit(high=float("inf")), "condition.high must be a finite number"),
    (Limit(high=10, on_delay_s=86_401), "condition.on_delay_s must be from 0 to 86400 seconds"),
    (Limit(high=10, off_delay_s=-1), "condition.off_delay_s must be from 0 to 86400 seconds"),
    (RateOfChange(per_s=0, window_s=5), "condition.per_s must be greater than 0"),
    (RateOfChange(per_s=1, window_s=0), "condition.window_s must be from 0.1 to 86400 seconds"),
    (RateOfChange(per_s=1, window_s=5, deadband=1), "condition.deadband must be from 0 to less than per_s"),
    (Stale(after_s=0.5), "condition.after_s must be from 1 to 86400 seconds"),
    (Stale(after_s=float("nan")), "condition.after_s must be a finite number"),
]


@pytest.mark.parametrize(("condition", "reason"), FAULTS)
def test_a_wrong_condition_is_refused_with_its_reason(condition: Condition, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(rule(condition))
    assert reason in caught.value.message
    assert caught.value.code == "operations.rule_invalid"


@pytest.mark.parametrize(
    "condition",
    [
        Limit(high=10, low=0, deadband=4.9, on_delay_s=86_400),
        Limit(low=-5),
        RateOfChange(per_s=1, window_s=0.1, deadband=0.9),
        Stale(after_s=1),
    ],
)
def test_the_borders_are_allowed(condition: Condition) -> None:
    validate(rule(condition))


@pytest.mark.parametrize("scope", [Scope(), Scope(device_id="d", model_id="m")], ids=["neither", "both"])
def test_a_scope_is_one_thing(scope: Scope) -> None:
    with pytest.raises(Invalid, match="exactly one of device_id and model_id"):
        validate(rule(scope=scope))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{devise} is hot", "names {devise}"),
        ("{device.__class__}", "names {device.__class__}"),
        ("{value:.1000000f}", "takes? no format"),
        ("{value!r}", "take no format"),
        ("{value", "unbalanced braces"),
        ("{}", "names {}"),
    ],
)
def test_a_message_names_only_what_there_is(message: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        validate(rule(message=message))
    with pytest.raises(Invalid, match="message_zh"):
        validate(rule(message_zh=message))


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        validate(rule(Limit(), name="  ", message="{x}"))
    assert [fault["pointer"] for fault in caught.value.detail["faults"]] == ["/name", "/condition", "/message"]


def raised(**changes: object) -> Raised:
    made = rule(**changes)
    return Raised(WatchKey("r1", "d1", "temperature", "limit"), 0, made, subject(), 81.23456789, 0, 80.0, "Cel")


def test_the_standard_sentences() -> None:
    assert render(raised()) == (
        "temperature of D1 is 81.2346 °C, beyond its limit 80 °C",
        "D1 的 temperature 为 81.2346 °C，越过限值 80 °C",
    )


def test_a_sentence_of_ones_own() -> None:
    english, chinese = render(raised(message="{device}: {{hot}} {value} {unit}", message_zh="{property}过高"))
    assert english == "D1: {hot} 81.2346 °C"
    assert chinese == "temperature过高"
    assert render(raised(message="hot"))[1] == "hot"


def test_a_unit_that_is_no_ucum_code_is_said_as_the_device_says_it() -> None:
    change = replace(raised(), unit="psi abs")
    assert "81.2346 psi abs" in render(change)[0]
