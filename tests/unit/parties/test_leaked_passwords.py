"""Passwords that leaked elsewhere, looked up without a network."""

import hashlib
from pathlib import Path

import pytest

from millwright.kernel import Invalid
from millwright.parties.passwords import LeakedPasswords, Passwords, check
from millwright.parties.passwords.leaked import SHIPPED, WIDTH

MINE = "copper kettles whistle"


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest().upper()


@pytest.mark.parametrize("password", ["allahouakbar", "Einstein1973", "lavidaesbella", "FUCKINGPASSWORD"])
def test_what_leaked_is_refused_whatever_its_case(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(password)
    assert caught.value.code == "parties.password_leaked"


def test_the_shipped_list_is_sorted_and_whole() -> None:
    data = SHIPPED.read_bytes()
    entries = [data[at : at + WIDTH] for at in range(0, len(data), WIDTH)]
    assert len(entries) > 10_000
    assert entries == sorted(set(entries))
    assert len(entries[-1]) == WIDTH


@pytest.mark.parametrize("layout", ["file", "folder"])
def test_a_larger_list_is_the_readers_own(tmp_path: Path, layout: str) -> None:
    hashes = sorted([sha1(MINE), *(sha1(f"other {number}") for number in range(5000))])
    if layout == "file":
        path = tmp_path / "pwned.txt"
        path.write_text("".join(f"{digest}:{number}\r\n" for number, digest in enumerate(hashes)))
    else:
        path = tmp_path
        for digest in hashes:
            with (path / f"{digest[:5]}.txt").open("a") as file:
                file.write(f"{digest[5:]}:1\n")
    leaked = LeakedPasswords(str(path))
    with pytest.raises(Invalid) as caught:
        Passwords(leaked).check(MINE)
    assert caught.value.code == "parties.password_leaked"
    assert all(leaked.holds(f"other {number}") for number in (0, 17, 4999))
    assert not any(leaked.holds(f"nobody's {number}") for number in range(500))


def test_the_first_and_the_last_line_of_a_file_are_found(tmp_path: Path) -> None:
    path = tmp_path / "pwned.txt"
    for words in (["one"], ["one", "two"], [f"word {number}" for number in range(40)]):
        path.write_text("".join(f"{digest}:3\n" for digest in sorted(map(sha1, words))))
        assert all(LeakedPasswords(str(path)).holds(word) for word in words)


def test_a_list_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        LeakedPasswords(str(tmp_path / "nowhere"))
    assert caught.value.code == "parties.leaked_list_missing"


@pytest.mark.parametrize("password", ["bessemer.steel1", "steel-bessemer", "xx Bessemer 77", "be55emer!x9z"])
def test_a_password_around_the_name_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(password, "Henry Bessemer", "Steel.Bessemer")
    assert caught.value.code == "parties.password_weak"


def test_a_phrase_may_hold_the_name() -> None:
    check("the converter of bessemer roars", "Bessemer")
