import pytest

from millwright.parties.second_factor.totp import code_at, find_step, new_secret, to_text, to_uri

RFC = b"12345678901234567890"


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_rfc_6238(second: int, code: str) -> None:
    assert code_at(RFC, second // 30) == code
    assert find_step(RFC, code, second * 1000) == second // 30


def test_a_clock_may_be_off_by_one_step_and_no_more() -> None:
    now = 1_750_000_000_000
    step = now // 1000 // 30
    assert [find_step(RFC, code_at(RFC, step + off), now) for off in range(-3, 4)] == [
        None, None, step - 1, step, step + 1, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "２８７０８２", "28708\ud800"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert find_step(RFC, code, 59_000) is None


def test_an_app_reads_the_address() -> None:
    uri = to_uri(RFC, "Anna Müller", "Millwright")
    assert uri == (
        "otpauth://totp/Millwright%3AAnna%20M%C3%BCller?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Millwright"
    )
    assert len(new_secret()) == 20
    assert "=" not in to_text(new_secret())
