"""What goes into an entry, what stays out, and what can be erased."""

from __future__ import annotations

from typing import Any

import pytest

from millwright.kernel import ManualClock
from millwright.ledger import Act, Actor, Draft, Sealed, Target, acting, entries_of, note
from millwright.ledger.record import Denials, commitment, current_act, open_entry, seal
from millwright.ledger.record.documents import MOST_CHANGES, canonical, differences, digest, document
from millwright.ledger.record.recorder import Recorder
from millwright.ledger.verification import align

ANNA = Actor("person", "per_1", "Anna", "ses_1")


def draft(**values: Any) -> Draft:
    base: dict[str, Any] = {
        "id": "led_1", "at_ms": 1, "actor": ANNA, "action": "devices.change", "outcome": "done",
        "target": Target("device", "dev_1", "pump"), "address": "192.0.2.7", "agent": "Firefox",
    }  # fmt: skip
    return Draft(**base | values)


def test_secrets_stay_out() -> None:
    found = document(
        {
            "name": "pump",
            "password": "marker-1",
            "token": "marker-2",
            "deep": [{"client_secret": "marker-3", "private_key": "marker-4", "note": "mwt_" + "a" * 32}],
        }
    )
    assert found == {"name": "pump", "deep": [{"note": "…"}]}


def test_of_codes_none_is_kept_but_the_credit_code() -> None:
    marker = "91350211M000100Y43"
    names = ("code", "codes", "setup_code", "invitation_code", "recovery_codes", "Enrolment_Code", "old_credit_code")
    for value in (marker, [marker], 913502):
        for name in names:
            if isinstance(value, int) and name.endswith("codes"):
                continue
            assert document({"name": "x", "deep": [{name: value}], name: value}) == {"name": "x", "deep": [{}]}, name
    said = {"recovery_codes": 10, "enrolment_code": {"expires_ms": 5, "code": marker}, "credit_code": marker}
    assert document(said) == {"recovery_codes": 10, "enrolment_code": {"expires_ms": 5}, "credit_code": marker}


def test_differences_name_the_place() -> None:
    before = {"title": None, "tags": ["a"], "scope": {"high": 80, "x/y": 1}, "same": 1}
    after = {"title": "Cooling", "tags": ["a", "b"], "scope": {"high": 90}, "same": 1}
    found = {change.path: (change.before, change.after) for change in differences(before, after)}
    assert found == {
        "/title": (None, "Cooling"),
        "/tags": (["a"], ["a", "b"]),
        "/scope/high": (80, 90),
        "/scope/x~1y": (1, None),
    }
    many = differences(None, {str(number): number for number in range(500)})
    assert len(many) == MOST_CHANGES
    assert len(differences(None, {"text": "x" * 5000})[0].after) < 250


def test_canonical_is_one_form_only() -> None:
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()
    assert digest(None) == ""
    assert digest({}) != ""


def test_an_entry_of_any_change_fits() -> None:
    huge = {f"key {number} " + "k" * 3000: "中" * 5000 for number in range(40)}
    act = Act()
    with acting(act):
        note("device", "dev_1", after=huge)
    assert len(canonical(entries_of(act, draft())[0].entry)) < 65_535


def test_personal_values_are_apart_and_erasable() -> None:
    act = Act()
    with acting(act):
        note(
            "person", "per_2", "Boris", before={"name": "Boris"}, after={"name": "Bob"}, personal=("/name",), named=True
        )
    (sealed,) = entries_of(act, draft(action="people.change"))
    text = canonical(sealed.entry).decode()
    for value in ("Anna", "Boris", "Bob", "192.0.2.7", "Firefox"):
        assert value not in text
    whole = open_entry(sealed.entry | {"index": 0}, sealed.disclosures)
    assert (whole.actor.name, whole.target.name, whole.address) == ("Anna", "Boris", "192.0.2.7")
    assert [(change.path, change.before, change.after) for change in whole.changes] == [("/name", "Boris", "Bob")]
    assert whole.erased == []

    kept = [each for each in sealed.disclosures if each.subject != "per_2"]
    erased = open_entry(sealed.entry | {"index": 0}, kept)
    assert erased.target.name is None
    assert erased.actor.name == "Anna"
    assert [(change.path, change.before, change.after) for change in erased.changes] == [("/name", None, None)]
    assert sorted(erased.erased) == ["changes/name", "target.name"]

    committed = {part["subject"]: part["fields"] for part in sealed.entry["personal"]}
    for each in sealed.disclosures:
        for name, value in each.values.items():
            assert commitment(each.salt, name, value) == committed[each.subject][name]
            assert commitment("00" * 16, name, value) != committed[each.subject][name]


def test_the_same_value_commits_differently_each_time() -> None:
    first, second = seal(draft()), seal(draft())
    assert first.entry["personal"] != second.entry["personal"]


def test_each_object_has_its_entry() -> None:
    act = Act()
    with acting(act):
        note("alarm", "alm_1")
        note("alarm", "alm_2")
    assert current_act() is None
    note("alarm", "alm_3")  # outside an act: nobody's
    found = entries_of(act, draft())
    assert [(each.entry["id"], each.entry["target"]["id"]) for each in found] == [
        ("led_1", "alm_1"),
        ("led_1-1", "alm_2"),
    ]
    with acting(act):
        for number in range(2000):
            note("alarm", str(number))
    (summary,) = entries_of(act, draft())
    assert summary.entry["count"] == 2002


class Kept(Recorder):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    async def record(self, entries: Any) -> None:
        self.entries += [each.entry for each in entries]


async def test_a_flood_of_denials_is_counted() -> None:
    kept = Kept()
    denials = Denials(kept, ManualClock())
    for number in range(10_000):
        await denials.note(draft(id=f"a{number}", outcome="denied", error="parties.role_required"))
    assert len(kept.entries) == 3
    await denials.flush()
    assert len(kept.entries) == 4
    assert kept.entries[-1]["count"] == 9997
    # As many kinds as an attacker can think of.
    for number in range(10_000):
        await denials.note(draft(id=f"b{number}", outcome="denied", error=f"e{number}"))
    await denials.flush()
    assert len(kept.entries) < 120
    assert sum(entry.get("count", 1) for entry in kept.entries) == 20_000
    await denials.note(draft(id="c", outcome="denied", error="parties.role_required"))
    assert kept.entries[-1]["id"] == "c"


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        ("abcdef", []),
        ("abXdef", [("altered", 2)]),
        ("abdef", [("removed", 2)]),
        ("abXcdef", [("inserted", 2)]),
        ("abdcef", [("reordered", 2), ("reordered", 3)]),
        ("abcde", [("removed", 5)]),
        ("abcdefX", [("inserted", 6)]),
        ("", [("removed", place) for place in range(6)]),
        ("aXcdYf", [("altered", 1), ("altered", 4)]),
    ],
)
def test_what_was_done_to_entries_is_told(found: str, kinds: list[tuple[str, int]]) -> None:
    told = list(align([each.encode() for each in "abcdef"], [each.encode() for each in found]))
    assert [(finding.kind, finding.first) for finding in told] == kinds


def test_sealed_entries_have_no_empty_fields() -> None:
    sealed: Sealed = seal(draft())
    assert {"error", "changes", "grant", "count"} & sealed.entry.keys() == set()
