import pytest

from millwright.kernel import Invalid
from millwright.parties.passwords import Passwords, check, is_common


@pytest.mark.parametrize(
    "password",
    [
        "password12",
        "Password123!",
        "P@ssw0rd2024",
        "1234567890",
        "0987654321",
        "qwertyuiop",
        "1qaz2wsx3edc",
        "aaaaaaaaaaaa",
        "abababababab",
        "adminadmin",
        "admin12345",
        "administrator1",
        "woaini1314520",
        "iloveyou2024",
        "letmein!!!!",
        "millwright1",
        "Ｐａｓｓｗｏｒｄ１２３",
        "!!!!!!!!!!1",
        "2026-01-31",
        "13800138000",
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(password)
    assert caught.value.code == "parties.password_weak"


@pytest.mark.parametrize(
    "password",
    [
        "copper kettles whistle",
        "Tr4velling-Kiln",
        "老虎不吃草但是吃西瓜和面",
        "zv9#Lq2mXw7!",
        "operator of seven mills",
    ],
)
def test_what_nobody_guesses_first_is_accepted(password: str) -> None:
    check(password, "Anna")


@pytest.mark.parametrize("password", ["short", "x" * 9, "abcdefg hij" * 40])
def test_length_has_bounds(password: str) -> None:
    with pytest.raises(Invalid):
        check(password)


@pytest.mark.parametrize("password", ["annabella1", "Annabella2026", "annabellaannabella", "4nnabella!!"])
def test_a_password_made_of_the_name_is_refused(password: str) -> None:
    with pytest.raises(Invalid):
        check(password, "Annabella")


def test_a_phrase_that_contains_a_common_word_is_not_common() -> None:
    assert not is_common("the password of my aunt")


async def test_a_hash_is_argon2id_and_verifies() -> None:
    passwords = Passwords()
    stored = await passwords.hash("copper kettles whistle")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(stored, "copper kettles whistle")
    assert not await passwords.verify(stored, "copper kettles whistles")
    assert not passwords.outdated(stored)


async def test_full_width_digits_are_the_same_password() -> None:
    passwords = Passwords()
    assert await passwords.verify(await passwords.hash("kiln 12345 mill"), "kiln １２３４５ mill")


async def test_nothing_verifies_against_no_password() -> None:
    passwords = Passwords()
    assert not await passwords.verify(None, "no password is stored here")
    assert not await passwords.verify("broken", "x")
