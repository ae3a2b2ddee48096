"""The calculator: its arithmetic, what it refuses, and that the page says what the command says."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from millwright.app.capacity import Demand, figures, limits, plan
from millwright.cli.main import root
from millwright.kernel import Invalid

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "capacity.md"
REPOSITORY = PAGE.parents[2]


def value(name: str) -> float:
    return figures()[name].value


def part(found: Any, name: str) -> Any:
    return next(each for each in found.parts if each.name == name)


def test_a_plan_is_the_slopes_times_how_often_they_are_paid() -> None:
    found = plan(Demand(60_000, 10, 60, tls=False, replicas=1, keep_days=10, connects_per_day=0, back_in_s=1e9))
    assert found.messages_per_s == 1_000
    assert found.readings_per_s == 10_000
    assert found.disk_gb_per_day == pytest.approx(10_000 * 86_400 * value("reading_bytes") / 1e9)
    assert part(found, "historian").disk_gb == pytest.approx(10 * found.disk_gb_per_day)
    share = value("utilisation")
    assert part(found, "listener").cores == pytest.approx(1_000 * value("message_us") / 1e6 / share, rel=1e-3)
    frames = 1e3 / value("frame_ms")
    broker_us = 1_000 * value("broker_us") + frames * value("frame_us")
    assert part(found, "broker").cores == pytest.approx(broker_us / 1e6 / share)
    assert part(found, "broker").processes == 1
    assert found.cells == 1


def test_all_coming_back_at_once_may_decide_the_cores_of_the_listener() -> None:
    calm = plan(Demand(1_000_000, 10, 600, back_in_s=36_000))
    hasty = plan(Demand(1_000_000, 10, 600, back_in_s=60))
    assert part(hasty, "listener").cores > 5 * part(calm, "listener").cores
    assert part(hasty, "listener").bound_by == "all coming back at once"
    assert hasty.storm_s <= 60
    assert plan(Demand(1_000_000, 10, 600, back_in_s=60, tls=False)).cores < hasty.cores


def test_more_than_one_intake_can_take_needs_cells() -> None:
    """One process decodes an intake, and one stream takes it: whichever is met first."""
    found = limits(Demand(1, 10, 10))
    most = min(found["decoding in one historian process"], found["bytes into one stream of the broker"])
    assert plan(Demand(most, 10, 10)).cells == 1
    more = plan(Demand(int(most * 1.01), 10, 10))
    assert more.cells == 2
    assert part(more, "broker").processes == 6


def test_limits_begin_with_the_lowest() -> None:
    found = list(limits(Demand(1, 10, 10)).values())
    assert found == sorted(found)
    assert limits(Demand(1, 10, 10, keep_days=1))["disk of one machine"] == pytest.approx(
        365 * limits(Demand(1, 10, 10))["disk of one machine"], rel=1e-4
    )


def test_the_plan_grows_with_the_devices_and_never_shrinks() -> None:
    plans = [plan(Demand(10**power, 10, 10)) for power in range(3, 9)]
    for smaller, larger in itertools.pairwise(plans):
        assert larger.cores > smaller.cores
        assert larger.memory_gb >= smaller.memory_gb
        assert larger.machines >= smaller.machines


def test_replicas_are_on_machines_of_their_own() -> None:
    assert plan(Demand(10, 1, 60, replicas=1)).machines == 1
    assert plan(Demand(10, 1, 60, replicas=3)).machines == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"devices": 0},
        {"points": 0},
        {"every_s": 0},
        {"every_s": float("inf")},
        {"every_s": float("nan")},
        {"replicas": 2},
        {"keep_days": -1},
        {"back_in_s": 0},
        {"identifiers": -1},
    ],
)
def test_what_is_no_plant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        Demand(**({"devices": 1, "points": 1, "every_s": 1.0} | wrong))
    assert caught.value.code == "capacity.demand"


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        CliRunner().invoke(root, ["capacity", "--devices", "1", "--every", "often"], catch_exceptions=False)
    assert caught.value.code == "capacity.time"


def test_every_figure_says_where_it_comes_from_and_measured_ones_by_what() -> None:
    for name, figure in figures().items():
        assert figure.value > 0, name
        assert figure.how, name
        if figure.source == "measured":
            script = re.match(r"bench/\w+\.py", figure.how)
            assert script, f"{name} is measured by no command of bench/"
            assert (REPOSITORY / script[0]).exists(), figure.how


def _numbers(line: str) -> list[float]:
    return [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*(?:\.\d+)?", line)]


def _cases() -> list[tuple[str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^`millwright capacity (.+?)`: (.*?)(?=^###? )", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("words", "shown"), _cases())
def test_the_page_says_what_the_command_says(words: str, shown: str) -> None:
    ran = CliRunner().invoke(root, ["capacity", *shlex.split(words), "--json"], catch_exceptions=False)
    found = json.loads(ran.output)
    per_s = _numbers(shown.splitlines()[0])
    assert per_s == [
        round(found[key]) for key in ("messages_per_s", "readings_per_s", "network_mbit_per_s", "disk_gb_per_day")
    ]
    for each in found["parts"]:
        row = next(line for line in shown.splitlines() if line.startswith(f"| {each['name']} |"))
        wanted = [each["processes"], round(each["cores"], 1), round(each["memory_gb"], 1), round(each["disk_gb"])]
        assert _numbers(row) == wanted
    together = next(line for line in shown.splitlines() if "together" in line)
    assert _numbers(together) == [round(found["cores"], 1), round(found["memory_gb"], 1), round(found["disk_gb"])]
    assert f"**{found['machines']} machines**" in shown


def test_the_page_has_the_cases_and_every_figure() -> None:
    assert len(_cases()) == 4
    text = PAGE.read_text(encoding="utf-8")
    for figure in figures().values():
        assert f"| {figure.value:,g} {figure.unit} | {figure.source} |" in text
