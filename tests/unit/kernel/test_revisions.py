"""Revisions as HTTP carries them."""

from __future__ import annotations

import pytest

from millwright.kernel import Invalid, etag, revision_of


@pytest.mark.parametrize(
    ("text", "revision"), [(None, None), ("*", None), (" * ", None), ('"3"', 3), ("3", 3), (' W/"12" ', 12)]
)
def test_a_revision_is_read(text: str | None, revision: int | None) -> None:
    assert revision_of(text) == revision


@pytest.mark.parametrize("text", ["", "x", '"-1"', '"1", "2"', '"٣"', '"' + "9" * 40 + '"'])
def test_what_is_no_revision_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as error:
        revision_of(text)
    assert error.value.code == "kernel.etag_invalid"


def test_what_is_written_is_read_again() -> None:
    assert revision_of(etag(7)["ETag"]) == 7
