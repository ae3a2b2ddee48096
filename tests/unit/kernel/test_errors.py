import pytest

from millwright.kernel import LimitExceeded, MillwrightError, Unavailable
from millwright.kernel.errors import FAMILIES, from_dict


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_an_error_survives_the_way_over_the_bus(family: type[MillwrightError]) -> None:
    error = family("The pump is off.", code="pump.off", hint="Start it.", detail={"pump": 3})
    again = from_dict(error.to_dict())
    assert type(again) is family
    assert again.to_dict() == error.to_dict()


def test_the_time_to_wait_survives_too() -> None:
    error = from_dict(LimitExceeded("Full.", code="tank.full", retry_after_s=2.5).to_dict())
    assert isinstance(error, LimitExceeded)
    assert error.retry_after_s == 2.5


def test_a_family_from_the_future_asks_to_try_again() -> None:
    error = from_dict({"family": "sleepy", "message": "Zzz", "code": "x.y"})
    assert isinstance(error, Unavailable)
    assert error.code == "x.y"
