import pytest
from litestar.exceptions import HTTPException, ValidationException

from millwright.kernel import LimitExceeded, MillwrightError, Unavailable
from millwright.kernel.errors import FAMILIES
from millwright.parties import NotSignedIn
from millwright.web import problems


def test_every_family_has_a_status_and_none_is_a_500() -> None:
    assert set(problems.STATUS) == set(FAMILIES)
    assert all(status < 500 or status == 503 for status in problems.STATUS.values())


@pytest.mark.parametrize("kind", list(FAMILIES.values()))
def test_an_error_keeps_its_code_and_hint(kind: type[MillwrightError]) -> None:
    problem = problems.of_exception(kind("What.", code="x.y", hint="Do.", detail={"a": 1}))
    assert problem.status == problems.STATUS[kind.family]
    assert (problem.type, problem.code, problem.hint, problem.detail) == ("/problems/x.y", "x.y", "Do.", "What.")
    assert problem.data == {"a": 1}


def test_a_pointer_of_a_domain_becomes_an_input_error() -> None:
    error = FAMILIES["invalid"]("Bad.", code="x.y", detail={"pointer": "/rows/3/a~1b"})
    assert problems.of_error(error).errors == [problems.InputError("/rows/3/a~1b", "rows.3.a/b", "body", "Bad.")]


def test_waiting_times_are_whole_seconds_and_never_none() -> None:
    assert problems.headers_of(problems.of_error(Unavailable("x", code="x.y", retry_after_s=0.1)))["Retry-After"] == "1"
    limited = problems.of_error(LimitExceeded("x", code="x.y", retry_after_s=1.5))
    assert problems.headers_of(limited)["Retry-After"] == "2"
    assert "Retry-After" not in problems.headers_of(problems.of_error(LimitExceeded("x", code="x.y")))


def test_who_is_not_signed_in_is_told_how() -> None:
    problem = problems.of_error(NotSignedIn("x", code="parties.sign_in_required"))
    assert problem.status == 401
    assert "WWW-Authenticate" in problems.headers_of(problem)


def test_the_unexpected_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    problem = problems.of_exception(RuntimeError("the secret is 42"), "req-1")
    assert problem.status == 500
    assert "42" not in problems.encode(problem, "req-1").decode()
    assert "req-1" in caplog.text
    assert "the secret is 42" in caplog.text
    assert problems.of_exception(HTTPException("the secret is 42", status_code=500)).detail == (
        "Something failed inside the node."
    )


def test_pointers() -> None:
    error = ValidationException(
        extra=[{"key": "roles[0].name", "source": "body", "message": "m"}, {"message": "n"}, "odd"]  # type: ignore[list-item]
    )
    found = problems.of_exception(error).errors
    assert [entry.pointer for entry in found] == ["/roles/0/name", ""]
