"""Which events move a machine, and which are let be; what pictures of plans are taken."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest
from PIL import Image

from millwright.devices.location.feedback import Due, Trigger, judge, matching
from millwright.devices.location.model import Corner, Feedback, FeedbackForm, LocationEvent, NewZone
from millwright.devices.location.service import _checked, _rule, _type_of
from millwright.kernel import Invalid

NOW = 1_767_225_600_000
STALE = 30_000


def due(**changed: Any) -> Due:
    """An entry of two seconds ago that may be asked for."""
    rule = Feedback(
        name="r", on="enter", zone_id="z", device_id="d", command="p", value=1, id="f", by_id="x", by_name="X",
        again_after_s=10, most_per_hour=3,
    )  # fmt: skip
    usual: dict[str, Any] = {
        "number": 1, "rule": rule, "tag": "A", "tag_owner": "org", "device_owner": "org", "zone": "Z",
        "event_kind": "enter",
        "happened_ms": NOW - 3000, "recorded_ms": NOW - 2000, "certain": True, "inside": True, "asked_hour": 0,
        "asked_last_ms": None, "zone_since_ms": NOW - 3000, "entered_ms": NOW - 3000,
    }  # fmt: skip
    if "rule" in changed:
        changed["rule"] = msgspec.structs.replace(rule, **changed["rule"])
    return Due(**usual | changed)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"rule": {"enabled": False}}, "location.rule_off"),
        ({"happened_ms": NOW - 40_000}, "location.late"),  # a link was cut: the machine is elsewhere by now
        ({"recorded_ms": NOW - 40_000, "happened_ms": NOW - 40_000}, "location.late"),  # we were away
        ({"recorded_ms": NOW - 40_000, "happened_ms": NOW - 40_000, "rule": {"hold_s": 15}}, None),
        ({"inside": False, "zone_since_ms": None}, "location.gone"),
        ({"zone_since_ms": NOW - 500}, "location.gone"),  # it left, and came again: that is another event
        ({"asked_last_ms": NOW - 9_000}, "location.too_soon"),
        ({"asked_last_ms": NOW - 11_000, "asked_hour": 2}, None),
        ({"asked_last_ms": NOW - 11_000, "asked_hour": 3}, "location.too_often"),
        ({"event_kind": "exit"}, "location.came_back"),
        ({"event_kind": "exit", "inside": False}, None),
        ({"event_kind": "exit", "inside": False, "certain": False}, "location.uncertain"),
    ],
)
def test_what_is_let_be(changed: dict[str, Any], why: str | None) -> None:
    found = judge(due(**changed), NOW, STALE)
    assert (found and found[0]) == why
    assert found is None or found[1]


def test_a_rule_means_a_zone_and_a_group_or_a_tag() -> None:
    event = LocationEvent(
        number=1, kind="enter", time_ms=NOW, recorded_ms=NOW, zone_id="z", zone="Z", tag="A", entered_ms=NOW,
        stay_ms=None, reader_id="r", certain=True, reason="", organisation_id="org",
    )  # fmt: skip
    triggers = [
        Trigger("any", "org", "enter", "z", None, None, 0),
        Trigger("lifts", "org", "enter", "z", "lifts", None, 0),
        Trigger("boxes", "org", "enter", "z", "boxes", None, 0),
        Trigger("A", "org", "enter", "z", None, "A", 0),
        Trigger("B", "org", "enter", "z", None, "B", 0),
        Trigger("exit", "org", "exit", "z", None, None, 0),
        Trigger("elsewhere", "org", "enter", "y", None, None, 0),
    ]
    groups = {("org", "A"): "lifts", ("other", "A"): "boxes"}
    assert [each.rule_id for each in matching(event, triggers, groups)] == ["any", "lifts", "A"]
    assert not list(matching(msgspec.structs.replace(event, kind="exit", reason="removed"), triggers, groups))
    assert not list(matching(msgspec.structs.replace(event, kind="uncertain", tag=None), triggers, groups))


def test_a_write_needs_a_value() -> None:
    form = FeedbackForm(name="r", on="enter", zone_id="z", device_id="d", command="p")
    with pytest.raises(Invalid, match="value"):
        _rule(form)


@pytest.mark.parametrize(
    "zone",
    [
        {},
        {"polygon": [Corner(0, 0), Corner(1, 0), Corner(1, 1)]},  # on no plan
        {"plan_id": "p", "polygon": [Corner(0, 0), Corner(1, 0)]},
        {"plan_id": "p", "polygon": [Corner(0, 0), Corner(1, 1), Corner(2, 2)]},  # a line
        {"plan_id": "p", "polygon": [Corner(0, 0), Corner(1, 0), Corner(1, 1)], "z_min_m": 3.0, "z_max_m": 2.0},
    ],
)
def test_a_zone_nobody_could_enter_is_refused(zone: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        _checked(NewZone(name="z", **zone))
    assert refused.value.detail["pointer"]


def picture(kind: str, size: tuple[int, int] = (8, 8)) -> bytes:
    made = io.BytesIO()
    Image.new("1" if kind == "GIF" else "RGB", size).save(made, kind)
    return made.getvalue()


def test_pictures_are_looked_at() -> None:
    assert _type_of(picture("PNG")) == "image/png"
    assert _type_of(picture("JPEG")) == "image/jpeg"
    assert _type_of(picture("WEBP")) == "image/webp"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    for wrong in (b"", b"x" * 5_000_001, svg, picture("GIF"), picture("PNG")[:40], picture("PNG", (8000, 5001))):
        with pytest.raises(Invalid) as refused:
            _type_of(wrong)
        assert refused.value.code == "location.image_invalid"
