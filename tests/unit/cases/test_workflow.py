import pytest

from millwright.cases import SYSTEM, Actor, Case, Transition, Workflow
from millwright.kernel import Conflict, Denied, Invalid

LAMP = Workflow(
    kind="lamp",
    initial="dark",
    closed=frozenset({"broken"}),
    transitions=(
        Transition("switch", {"dark": "lit", "lit": "dark"}, rights=frozenset({"operator"})),
        Transition("drop", {"dark": "broken", "lit": "broken"}, required=("height_m", "comment")),
    ),
)
OPERATOR = Actor("per_1", "Li", frozenset({"operator"}))
VISITOR = Actor("per_2", "Wang", frozenset({"viewer"}))


def case(state: str = "dark") -> Case:
    return Case(id="c1", kind="lamp", subject="s", state=state, priority=1, opened_ms=0, created_ms=0, updated_ms=0)


def test_a_transition_moves_from_each_of_its_states() -> None:
    assert LAMP.states == {"dark", "lit", "broken"}
    assert LAMP.step(case("dark"), "switch", OPERATOR, comment="", data={}) == "lit"
    assert LAMP.step(case("lit"), "switch", OPERATOR, comment="", data={}) == "dark"


def test_who_may_do_what() -> None:
    assert LAMP.allowed("dark", VISITOR) == []
    assert LAMP.allowed("dark", OPERATOR) == ["switch"]
    assert LAMP.allowed("dark", SYSTEM) == ["switch", "drop"]
    assert LAMP.allowed("broken", SYSTEM) == []
    with pytest.raises(Denied) as caught:
        LAMP.step(case(), "drop", OPERATOR, comment="", data={})
    assert caught.value.code == "cases.transition_denied"


def test_a_closed_case_stays_closed() -> None:
    with pytest.raises(Conflict) as caught:
        LAMP.step(case("broken"), "switch", SYSTEM, comment="", data={})
    assert caught.value.code == "cases.wrong_state"


def test_required_fields_are_asked_for() -> None:
    with pytest.raises(Invalid) as caught:
        LAMP.step(case(), "drop", SYSTEM, comment=" ", data={})
    assert caught.value.detail == {"fields": ["height_m"]}
    assert LAMP.step(case(), "drop", SYSTEM, comment="slipped", data={"height_m": 0}) == "broken"


def test_an_unknown_transition_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        LAMP.step(case(), "paint", SYSTEM, comment="", data={})
    assert caught.value.code == "cases.unknown_transition"


@pytest.mark.parametrize(
    ("initial", "closed", "transitions", "message"),
    [
        ("a", {"b"}, [Transition("t", {"b": "a", "a": "b"})], "leaves the closed state b"),
        ("a", {"c"}, [Transition("t", {"a": "b"})], "no way leads to c"),
        ("a", {"b"}, [Transition("t", {"a": "b"}), Transition("t", {"a": "b"})], "one name"),
    ],
)
def test_a_wrong_workflow_cannot_be_made(
    initial: str, closed: set[str], transitions: list[Transition], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Workflow("k", initial, frozenset(closed), tuple(transitions))
