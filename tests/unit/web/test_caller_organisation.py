"""For whom a call counts: only where a grant of the caller's lives."""

from __future__ import annotations

from millwright.kernel import ROOT
from millwright.parties import Authority
from millwright.parties.authority import Held, Node, Tree
from millwright.web.calls import caller_organisation

NODES = [
    Node(ROOT, None, "city", "City"),
    Node("red", ROOT, "enterprise", "Red"),
    Node("site", "red", "site", "Site"),
    Node("blue", ROOT, "enterprise", "Blue", suspended=True),
    Node("shop", "blue", "site", "Shop"),
]


def holding(**until_ms: int | None) -> Authority:
    held = [Held(f"grt_{on}", on, "viewer", frozenset(), until) for on, until in until_ms.items()]
    return Authority("per_1", held, Tree(NODES), at_ms=100)


def test_a_living_grant_at_or_above_what_is_chosen() -> None:
    both = holding(red=None, site=101)
    assert both.places() == {"red", "site"}
    assert caller_organisation(both, "site") == "site"
    assert caller_organisation(both, "blue") == caller_organisation(both, "nowhere") == "red"
    assert caller_organisation(both, None) == both.home() == "red"


def test_a_grant_that_ended_counts_for_nothing() -> None:
    left = holding(red=100, site=None)
    assert left.places() == {"site"}
    assert caller_organisation(left, "red") == caller_organisation(left, None) == left.home() == "site"


def test_a_grant_inside_what_is_suspended_counts_for_nothing() -> None:
    out = holding(blue=None, shop=None, site=None)
    assert out.places() == {"site"}
    assert caller_organisation(out, "shop") == caller_organisation(out, None) == out.home() == "site"


def test_where_no_grant_lives_calls_count_for_nobody_and_acts_stay_where_one_was_held() -> None:
    gone = holding(shop=None, red=100)
    assert (gone.places(), gone.find_home()) == (frozenset(), None)
    assert caller_organisation(gone, "red") is caller_organisation(gone, None) is None
    assert gone.home() == "red"
    assert holding().home() == ROOT
