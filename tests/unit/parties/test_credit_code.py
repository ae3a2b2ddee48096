"""The check character of GB 32100, and the rule of kinds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.kernel import Invalid
from millwright.parties.organisations.code import check_character, clean_code
from millwright.parties.organisations.model import check_kinds

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
letters = st.sampled_from(ALPHABET)
bodies = st.tuples(
    st.text(letters, min_size=2, max_size=2),
    st.text(st.sampled_from("0123456789"), min_size=6, max_size=6),
    st.text(letters, min_size=9, max_size=9),
).map("".join)


def test_the_example_of_the_standard() -> None:
    assert clean_code("91350100m000100y43") == "91350100M000100Y43"


@given(bodies, st.integers(0, 16), letters)
def test_one_wrong_character_is_found(body: str, place: int, other: str) -> None:
    code = body + check_character(body)
    assert clean_code(code) == code
    if other != body[place]:
        with pytest.raises(Invalid):
            clean_code(body[:place] + other + body[place + 1 :] + code[17])


@given(bodies, st.integers(0, 15))
def test_two_neighbours_changed_about_are_found(body: str, place: int) -> None:
    code = body + check_character(body)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if swapped != code:
        with pytest.raises(Invalid):
            clean_code(swapped)


@pytest.mark.parametrize(
    ("parent", "own", "fits"),
    [
        ("province", "enterprise", True),
        ("enterprise", "enterprise", True),
        ("enterprise", "department", True),
        ("department", "department", True),
        ("site", "enterprise", False),
        ("city", "province", False),
        ("park", "industry", False),
        ("city", "city", False),
        (None, "province", True),
    ],
)
def test_kinds_nest(parent: str | None, own: str, fits: bool) -> None:
    if fits:
        check_kinds(parent, own, set())
    else:
        with pytest.raises(Invalid):
            check_kinds(parent, own, set())
