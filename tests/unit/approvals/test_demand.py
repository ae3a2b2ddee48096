"""Where a policy holds: what organisations add, and that nobody below takes away."""

from __future__ import annotations

import pytest

from millwright.approvals.catalogue import Catalogue
from millwright.approvals.demand import common, demanding, in_force, loosens
from millwright.kernel import Invalid
from millwright.parties.authority import Node, Tree

TREE = Tree(
    [
        Node("org_root", None, "province", "root"),
        Node("org_works", "org_root", "enterprise", "works"),
        Node("org_north", "org_works", "site", "north"),
        Node("org_south", "org_works", "site", "south"),
        Node("org_other", "org_root", "enterprise", "other"),
    ]
)
STATED = {"org_root": frozenset({"grants.add"}), "org_north": frozenset({"devices.remove"})}


@pytest.mark.parametrize(
    ("organisation_id", "names"),
    [
        ("org_root", {"grants.add"}),
        ("org_works", {"grants.add"}),
        ("org_north", {"grants.add", "devices.remove"}),
        ("org_south", {"grants.add"}),
        ("org_other", {"grants.add"}),
        ("org_nowhere", set()),
    ],
)
def test_an_organisation_adds_and_never_removes(organisation_id: str, names: set[str]) -> None:
    assert in_force(STATED, TREE, organisation_id) == names


def test_only_organisations_below_the_one_that_states_it_demand_it() -> None:
    everywhere = set(TREE.nodes)
    assert demanding(STATED, TREE, "devices.remove", everywhere) == {"org_north"}
    assert demanding(STATED, TREE, "grants.add", everywhere) == everywhere
    assert demanding(STATED, TREE, "devices.remove", {"org_south"}) == set()
    assert demanding({}, TREE, "devices.remove", everywhere) == set()


def test_what_is_stated_by_an_organisation_that_is_gone_holds_nowhere() -> None:
    assert demanding({"org_gone": frozenset({"x"})}, TREE, "x", set(TREE.nodes)) == set()


def test_less_than_before_is_looser_and_more_is_not() -> None:
    assert loosens(STATED, "org_north", [])
    assert loosens(STATED, "org_north", ["grants.add"])
    assert not loosens(STATED, "org_north", ["devices.remove", "grants.add"])
    assert not loosens(STATED, "org_south", [])


def test_the_lowest_organisation_above_all() -> None:
    assert common(TREE, ["org_north"]) == "org_north"
    assert common(TREE, ["org_north", "org_south"]) == "org_works"
    assert common(TREE, ["org_north", "org_works"]) == "org_works"
    assert common(TREE, ["org_north", "org_other"]) == "org_root"
    assert common(TREE, []) is None


def test_a_name_that_no_route_has_is_refused_with_the_nearest() -> None:
    catalogue = Catalogue()
    catalogue.add("devices.remove", "Remove a device", "DELETE /devices/{device_id}")
    catalogue.add("devices.change", "Change a device", "PATCH /devices/{device_id}")
    catalogue.add("devices.remove", "Remove it otherwise", "DELETE /machines/{device_id}")
    assert catalogue.check(["devices.remove", "devices.change", "devices.remove"]) == [
        "devices.change",
        "devices.remove",
    ]
    assert len(catalogue.list()[1].routes) == 2
    with pytest.raises(Invalid, match=r"devices\.remov\b") as caught:
        catalogue.check(["devices.remov"])
    assert caught.value.detail["nearest"] == "devices.remove"
