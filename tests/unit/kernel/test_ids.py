import re
import time

from millwright.kernel import new_id, new_secret


def test_an_id_is_safe_in_a_url_and_a_subject() -> None:
    assert re.fullmatch(r"dev_[0-9a-hjkmnp-tv-z]{26}", new_id("dev"))


def test_later_ids_sort_later() -> None:
    ids = []
    for _ in range(20):
        ids.append(new_id("dev"))
        time.sleep(0.002)
    assert ids == sorted(ids)


def test_ids_and_secrets_do_not_repeat() -> None:
    assert len({new_id("dev") for _ in range(10_000)}) == 10_000
    assert len({new_secret("mwd") for _ in range(1_000)}) == 1_000


def test_a_secret_carries_192_bits() -> None:
    assert len(new_secret("mwd").removeprefix("mwd_")) == 32
