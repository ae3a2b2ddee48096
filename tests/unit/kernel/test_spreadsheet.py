from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.kernel.spreadsheet import plain_cell, safe_cell


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "＝1", "'=1"])
def test_what_a_spreadsheet_takes_for_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["pump 7", "1-2", "a=b", "", "泵", "'s-Hertogenbosch"])
def test_what_it_does_not(text: str) -> None:
    assert safe_cell(text) == text


@given(st.text("'=-＝ ab\n"))
def test_it_comes_back_as_it_was(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
