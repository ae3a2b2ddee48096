"""The index, the personal values and the intents, in both databases."""

from __future__ import annotations

from typing import Any

from millwright.engines.sql import Records
from millwright.ledger import MIGRATIONS as LEDGER
from millwright.ledger import Act, Actor, Draft, LedgerStore, Query, Sealed, Target, entries_of, note
from millwright.ledger.record import acting
from millwright.ledger.record.documents import canonical

MIGRATIONS = [LEDGER]


def made(number: int, **values: Any) -> Sealed:
    base: dict[str, Any] = {
        "id": f"led_{number:03d}", "at_ms": number, "actor": Actor("person", "per_1", "Anna"),
        "action": "devices.change", "target": Target("device", f"dev_{number % 3}", "pump"), "outcome": "done",
        "address": "192.0.2.1",
    }  # fmt: skip
    act = Act()
    draft = Draft(**base | values)
    with acting(act):
        note(draft.target.kind, draft.target.id, draft.target.name, after={"title": f"100%_{number}\\", "nul": "a\0b"})
    return entries_of(act, draft)[0]


def written(sealed: Sealed, position: int) -> bytes:
    return canonical(sealed.entry | {"index": position})


def fill(store: LedgerStore, count: int) -> list[Sealed]:
    found = [made(number) for number in range(count)]
    store.keep(found, [], [])
    store.index(0, [written(each, position) for position, each in enumerate(found)])
    return found


def test_entries_are_found_by_everything_that_is_asked_for(records: Records) -> None:
    store = LedgerStore(records)
    assert store.size() == 0
    fill(store, 30)
    assert store.size() == 30
    assert store.known(["led_005", "led_999"]) == {"led_005"}

    def ids(limit: int = 100, before: int | None = None, **query: Any) -> list[str]:
        return [each["id"] for each in store.page(Query(**query), before=before, limit=limit)]

    assert ids(limit=2) == ["led_029", "led_028"]
    assert ids(limit=2, before=28) == ["led_027", "led_026"]
    assert len(ids(object_kind="device", object_id="dev_1")) == 10
    assert len(ids(object_kind="dev*")) == 30
    assert len(ids(action="devices.*")) == 30
    assert ids(action="device_.*") == []
    assert ids(outcome="denied") == []
    assert ids(from_ms=5, to_ms=7) == ["led_006", "led_005"]
    assert ids(text="100%_7\\") == ["led_007"]
    assert ids(text="PUMP led_011") == ["led_011"]
    assert len(ids(text="anna")) == 30  # a personal value
    assert ids(text="%") == ids()
    assert ids(text="nobody") == []
    assert len(ids(actor_id="per_1")) == 30
    assert ids(object_kind="*", object_id="*") == ids(actor_id="per_*") == []  # of kinds and actions alone


def test_personal_values_are_kept_apart_paged_and_erased(records: Records) -> None:
    store = LedgerStore(records)
    found = fill(store, 10)
    other = made(10, actor=Actor("person", "per_2", "Boris"), target=Target("person", "per_1", "Anna"))
    store.keep([other], [], [])
    store.keep([other], [], [])  # again, as after a crash
    assert len(store.disclosed([each.entry["id"] for each in found])) == 10
    pages, after = [], ""
    while page := store.disclosures_after(after, 3):
        pages += page
        after = page[-1].entry_id
    assert len(pages) == 11
    assert store.erase("per_1") == 10
    assert store.erase("per_1") == 0
    assert [each.subject for each in store.disclosures_after("", 100)] == ["per_2"]


def test_intents_end_or_become_overdue(records: Records) -> None:
    store = LedgerStore(records)
    begun = [made(number) for number in range(4)]
    rows = [(each.entry["id"], each.entry["at_ms"], canonical({"entry": each.entry})) for each in begun]
    store.keep([], rows, [])
    store.keep([], rows[:1], ["led_001"])
    store.index(0, [written(begun[2], 0)])
    assert [each.entry["id"] for each in store.overdue(3)] == ["led_000"]
    assert [each.entry["id"] for each in store.overdue(100)] == ["led_000", "led_003"]
    store.clear_index()
    assert store.size() == 0
    assert len(store.overdue(100)) == 2
