from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.connectors.json_path import find, moment_ms, parse_place, pointer, scalar

DOCUMENT: Any = {
    "a": {"b": [1, {"c": 2}], "x.y": 3, "": 4, "0": 5},
    "a/b": 6,
    "m~n": 7,
    "list": [{"name": "in", "v": 8}, {"name": "out", "v": 9}, {"on": True, "v": 10}],
}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("/a/b/0", 1),
        ("/a/b/1/c", 2),
        ("/a/", 4),
        ("/a/0", 5),
        ("/a~1b", 6),
        ("/m~0n", 7),
        ("a.b[0]", 1),
        ("a.b[-1].c", 2),
        ("a.b.1.c", 2),
        ('a."x.y"', 3),
        ("list[name=out].v", 9),
        ("list[name='out'].v", 9),
        ("list[on=true].v", 10),
        ("", DOCUMENT),
    ],
)
def test_a_place_is_found(place: str, value: Any) -> None:
    assert find(DOCUMENT, parse_place(place)) == value


@pytest.mark.parametrize(
    "place", ["/a/c", "/a/b/2", "/a/b/-1", "/a/b/01", "/a/b/c", "/a/b/0/d", "b", "a.b[9]", "list[name=x].v", "a[b=1]"]
)
def test_what_is_not_there_is_said(place: str) -> None:
    with pytest.raises(LookupError):
        find(DOCUMENT, parse_place(place))


@pytest.mark.parametrize("place", [".a", "a[", "a[x]", "a..b", "/a~2", 'a"b"', "a[=1]", "a]", "a[0]b"])
def test_what_is_no_place_is_said(place: str) -> None:
    with pytest.raises(ValueError):
        parse_place(place)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_a_pointer_leads_where_it_came_from(names: list[str]) -> None:
    document: Any = 42
    for name in reversed(names):
        document = {name: document}
    assert find(document, parse_place(pointer(names))) == 42


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-26T01:02:03.5Z", 1795654923500),
        ("2026-11-26T09:02:03+08:00", 1795654923000),
        ("2026-11-26 01:02:03", 1795654923000),
        (1795654923, 1795654923000),
        (1795654923.25, 1795654923250),
        ("1795654923", 1795654923000),
        (1795654923000, 1795654923000),
        (1795654923000000, 1795654923000),
        (datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC), 1795654923000),
    ],
)
def test_times(text: Any, wanted: int) -> None:
    assert moment_ms(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", None, True, [], {}, -1, 1e300, float("nan")])
def test_what_is_no_time(text: Any) -> None:
    with pytest.raises(ValueError):
        moment_ms(text)


def test_what_is_no_value() -> None:
    assert [scalar(each) for each in (1, 1.5, True, "x")] == [1, 1.5, True, "x"]
    for each in (None, [], {}):
        with pytest.raises(ValueError):
            scalar(each)
