from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.connectors.contract import BAD, Sample
from millwright.devices.connectors.modbus.address import parse
from millwright.devices.connectors.modbus.blocks import Block, Item, plan
from millwright.devices.connectors.modbus.settings import ModbusSettings
from millwright.devices.connectors.polling import due_samples


def blocks(*addresses: str, **settings: int) -> list[tuple[int, str, int, int]]:
    planned = plan([Item(each, parse(each)) for each in addresses], ModbusSettings(**settings))  # type: ignore[arg-type]
    return [(block.unit, block.table, block.start, block.count) for block in planned]


def test_neighbours_are_read_together_and_small_gaps_with_them() -> None:
    assert blocks("holding:10", "holding:0:float32", "holding:20:int64", max_gap=9) == [(1, "holding", 0, 24)]
    assert blocks("holding:10", "holding:0:float32", max_gap=7) == [(1, "holding", 0, 2), (1, "holding", 10, 1)]


def test_limits_hold() -> None:
    assert blocks("holding:0", "holding:124") == [(1, "holding", 0, 1), (1, "holding", 124, 1)]
    many = [f"holding:{n}" for n in range(300)]
    assert [count for *_, count in blocks(*many)] == [125, 125, 50]
    assert [count for *_, count in blocks(*many, max_registers=10)] == [10] * 30
    assert [count for *_, count in blocks(*[f"coil:{n}" for n in range(3000)])] == [2000, 1000]


def test_a_value_is_never_torn() -> None:
    assert blocks("holding:0", "holding:1:float32", "holding:2", max_registers=2) == [
        (1, "holding", 0, 1),
        (1, "holding", 1, 2),
    ]


def test_units_and_tables_are_apart() -> None:
    assert blocks("holding:0", "2:holding:1", "input:2", "coil:3", unit=7) == [
        (2, "holding", 1, 1),
        (7, "coil", 3, 1),
        (7, "holding", 0, 1),
        (7, "input", 2, 1),
    ]


@given(st.sets(st.integers(0, 400), min_size=1, max_size=60), st.integers(0, 20), st.integers(4, 125))
def test_every_value_is_in_exactly_one_block_and_blocks_hold_no_wide_gaps(
    starts: set[int], gap: int, most: int
) -> None:
    items = [Item(str(start), parse(f"holding:{start}:float32")) for start in starts]
    planned = plan(items, ModbusSettings(max_gap=gap, max_registers=most))
    assert sorted(item.key for block in planned for item in block.items) == sorted(map(str, starts))
    for block in planned:
        assert block.count <= most
        places = sorted(item.address.start for item in block.items)
        assert all(b - a - 2 <= gap for a, b in pairwise(places))
        assert (block.start, block.start + block.count) == (places[0], places[-1] + 2)


@given(st.sets(st.integers(0, 100), min_size=1, max_size=40), st.sets(st.integers(0, 101)))
def test_splitting_reads_all_that_can_be_read(starts: set[int], illegal: set[int]) -> None:
    """A device with holes: halving what it refuses ends with exactly those values that touch a hole."""
    items = [Item(str(start), parse(f"holding:{start}:uint32")) for start in starts]
    waiting, read, refused = plan(items, ModbusSettings()), set(), set()
    questions = 0
    while waiting:
        block = waiting.pop()
        questions += 1
        keys = {item.key for item in block.items}
        if not illegal & set(range(block.start, block.start + block.count)):
            read |= keys
        elif parts := block.halves():
            waiting += parts
        else:
            refused |= keys
    assert refused == {str(s) for s in starts if {s, s + 1} & illegal}
    assert read == {str(s) for s in starts} - refused
    assert questions <= 2 * len(starts) + 4


def test_a_block_is_cut_at_its_widest_gap_first() -> None:
    (block,) = plan(
        [Item(a, parse(a)) for a in ("holding:0", "holding:1", "holding:9", "holding:12")], ModbusSettings()
    )
    halves = block.halves()
    assert halves is not None
    assert [(half.start, half.count) for half in halves] == [(0, 2), (9, 4)]


def test_one_place_is_not_cut() -> None:
    (block,) = plan([Item("a", parse("holding:5:uint16")), Item("b", parse("holding:5:int16"))], ModbusSettings())
    assert block.halves() is None
    assert isinstance(block, Block)


def test_what_need_not_be_delivered() -> None:
    item = Item("a", parse("holding:0"), deadband=2)
    told = []
    for value in (10, 11, 12, 13, 14.5, 10.5):
        told += [sample.value for sample in due_samples([item], [Sample("a", value)])]
    assert told == [10, 12, 14.5, 10.5]
    bad = Sample("a", None, None, BAD, "silent")
    assert due_samples([item], [bad]) == [bad]
    assert due_samples([item], [bad]) == []
    other = Sample("a", None, None, BAD, "busy")
    assert due_samples([item], [other]) == [other]
    assert due_samples([item], [Sample("a", 10.5)]) == [Sample("a", 10.5)]
    plain = Item("b", parse("holding:0"))
    assert [len(due_samples([plain], [Sample("b", 1)])) for _ in range(3)] == [1, 1, 1]
