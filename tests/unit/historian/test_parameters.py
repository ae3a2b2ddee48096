"""Parameters in the text form of ClickHouse's placeholders; the contract suite shows that the engine reads them."""

from __future__ import annotations

import pytest

from millwright.engines.clickhouse import Parameters, render
from millwright.engines.clickhouse.errors import translate
from millwright.historian.retention import regular_expression
from millwright.kernel import Corrupt, Invalid, LimitExceeded, Unavailable


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\\N"),
        (True, "1"),
        (2**64 - 1, "18446744073709551615"),
        (0.1, "0.1"),
        (float("-inf"), "-inf"),
        ("it's\n", "it\\'s\\n"),
        (["a'b", None, 1], "['a\\'b',NULL,1]"),
        ([], "[]"),
    ],
)
def test_values_are_escaped(value: object, text: str) -> None:
    parameters: Parameters = {"value": value}  # type: ignore[dict-item]
    assert render(parameters["value"]) == text


@pytest.mark.parametrize(
    ("message", "family", "code"),
    [
        ("Code: 243. DB::Exception: not enough space", LimitExceeded, "disk_full"),
        ("Code: 75. DB::ErrnoException: write: No space left on device", LimitExceeded, "disk_full"),
        ("Code: 75. DB::ErrnoException: write: I/O error", Unavailable, "clickhouse_unavailable"),
        ("Code: 40. DB::Exception: Checksum doesn't match", Corrupt, "series_corrupt"),
        ("Code: 159. DB::Exception: Timeout exceeded", LimitExceeded, "query_timeout"),
        ("Code: 242. DB::Exception: Table is in readonly mode", Unavailable, "clickhouse_unavailable"),
        ("Code: 60. DB::Exception: Unknown table", Invalid, "clickhouse_refused"),
        ("connection reset", Unavailable, "clickhouse_unavailable"),
        ("", Unavailable, "clickhouse_unavailable"),
    ],
)
def test_what_the_engine_says_becomes_a_family(message: str, family: type[Exception], code: str) -> None:
    error = translate(message)
    assert type(error) is family
    assert error.code == f"engines.{code}"


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "anything\nat all", True),
        ("dev_?", "dev_1", True),
        ("dev_?", "dev_12", False),
        ("a.b", "aXb", False),
        ("a+(b", "a+(b", True),
        ("vib*", "no vib", False),
    ],
)
def test_patterns_match_whole_names(pattern: str, name: str, matches: bool) -> None:
    import re

    assert (re.fullmatch(regular_expression(pattern).strip("^$"), name) is not None) == matches
