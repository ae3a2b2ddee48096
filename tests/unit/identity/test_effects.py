"""Measures are found by dictionaries as by looking at each; and the log and the index carry them as they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.engines.lmdb import LmdbEnvironment
from millwright.identity.measures.reach import holds_for
from millwright.identity.records.effects import Effects
from millwright.identity.records.index import TABLES, RecordIndex
from millwright.identity.records.model import Measure
from millwright.kernel import ManualClock, Unavailable
from support.identifiers import MemoryLog, home, make_records, open_records
from support.measures import take

NOW_MS = 1_790_000_000_000
NAMES = st.sampled_from(
    ["88.1/a", "88.1/ab", "88.1/A", "88.1/", "88.1/abc/d", "GS1/01/09506000134352", "GS1/01/09506000134352/10/L",
     "GS1/01/09506000134352/10/L/21/7", "GS1/01/09506000134352/21/7", "0.NA/88.1"]
)  # fmt: skip
TIMES = st.sampled_from([0, NOW_MS - 1, NOW_MS, NOW_MS + 1])


def measure(number: int, kind: str, scope: str, on: str, since: int, until: int | None, lifted: bool) -> Measure:
    prefix = "GS1:9506000" if on.startswith("GS1") else "88.1"
    more: dict[str, Any] = {"lifted_ms": 1} if lifted else {}
    return Measure(
        id=f"mea_{number:04}", kind=kind, scope=scope, prefix=prefix, on=prefix if scope == "prefix" else on,  # type: ignore[arg-type]
        organisation_id="org", who="per", reason="r", taken_ms=number % 3, since_ms=since, until_ms=until, **more,
    )  # fmt: skip


MEASURES = st.lists(
    st.tuples(
        st.sampled_from(["suspend", "redirect", "announce"]),
        st.sampled_from(["identifier", "beginning", "prefix"]),
        NAMES,
        TIMES,
        st.one_of(st.none(), TIMES),
        st.booleans(),
    ),
    max_size=8,
)


@given(MEASURES, NAMES)
def test_what_is_found_is_what_holds(taken: list[Any], name: str) -> None:
    measures = [measure(number, *each) for number, each in enumerate(taken)]
    prefix = "GS1:9506000" if name.startswith("GS1") else "88.1"
    effects = Effects.build(measures, ManualClock(NOW_MS))
    found = None if effects is None else effects.of(name.encode().upper(), prefix)
    about_prefix = name.startswith("0.NA")
    holding = [
        each
        for each in measures
        if each.in_force(NOW_MS)
        and each.prefix == prefix
        and holds_for(each, name)
        and (each.kind == "suspend" or not about_prefix)
    ]
    told = set() if found is None else {each.id for each in found.announced}
    assert told == {each.id for each in holding if each.kind == "announce"}
    for kind, chosen in (
        ("suspend", found.suspended if found else None),
        ("redirect", found.redirected if found else None),
    ):
        of_kind = [each for each in holding if each.kind == kind]
        assert (chosen is None) == (not of_kind)
        if chosen is not None:
            assert chosen in of_kind
            rank = {"identifier": 2, "beginning": 1, "prefix": 0}
            nearest = max(rank[each.scope] for each in of_kind)
            assert rank[chosen.scope] == nearest


def test_an_old_node_stops_at_a_batch_with_measures(tmp_path: Path) -> None:
    log = MemoryLog()
    records = open_records(tmp_path, log)
    home(records, b"88.1")
    assert log.messages[1][0] == 1  # as ever
    taken = take(records, "suspend", "prefix", "88.1", "88.1")
    assert log.messages[2][0] == 2
    records.put_measure(taken, who="per_test")
    assert log.end == 2  # what is there already changes nothing
    records.close()


def test_an_index_of_before_there_were_measures_is_read(tmp_path: Path) -> None:
    records = make_records(tmp_path)
    records.open()
    home(records, b"88.1")
    digest = records.digest
    records.close()
    folder = tmp_path / "identifiers"
    # Without the table, as it was written then.
    old = LmdbEnvironment(folder, TABLES, durable=False)
    with old._env.begin(write=True) as txn:
        txn.drop(old._tables["measures"], delete=True)
    old.close()
    with pytest.raises(Unavailable):
        LmdbEnvironment(folder, TABLES, read_only=True)
    index = RecordIndex(folder, read_only=True)
    with index.view() as view:
        assert not view.measured
        assert list(view.iter_measures()) == []
        assert view.find_measure("mea_1") is None
    assert index.verify() == 0
    assert index.state().digest.hex() == digest
    index.close()
