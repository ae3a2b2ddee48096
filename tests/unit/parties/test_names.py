import pytest

from millwright.kernel import Invalid
from millwright.parties.names import clean_person_name, name_key, skeleton


@pytest.mark.parametrize("name", ["Аnna", "Annа", "pаypal", "Ηelen", "x Ivаn", "Оlaf-1"])
def test_a_word_of_two_writing_systems_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        clean_person_name(name)
    assert caught.value.code == "parties.name_mixed"


@pytest.mark.parametrize(
    "name", ["Anna", "Иван Петров", "Anna Иванова", "王小明", "王Anna", "たなかAnna", "Μαρία", "Zoë", "김철수", "op-1"]
)
def test_a_word_of_one_writing_system_is_accepted(name: str) -> None:
    assert clean_person_name(name) == name


def test_names_are_shown_normalised() -> None:
    assert clean_person_name("Ａｎｎａ ") == "Anna"
    assert clean_person_name("①") == "1"


@pytest.mark.parametrize(("one", "other"), [("сора", "copa"), ("ОРЕК", "OPEK"), ("νικο", "niko"), ("Zoé", "zoe")])
def test_names_that_look_the_same_have_one_skeleton(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)
    assert skeleton(one) == skeleton(other)


def test_names_that_look_different_do_not() -> None:
    assert len({skeleton(name) for name in ("anna", "hanna", "王", "玉", "анна", "bob")}) == 6
