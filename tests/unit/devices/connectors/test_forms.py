"""What a form is told of the settings of a protocol."""

from __future__ import annotations

from typing import Annotated

import pytest
from msgspec import Meta, Struct

from millwright.devices.connectors.forms import fields_of


class Settings(Struct):
    hosts: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(description="Several.")]
    antennas: tuple[Annotated[int, Meta(ge=1)], ...] = ()
    words: list[str] = []
    headers: dict[str, str] = {}
    pairs: tuple[tuple[int, int], ...] = ()


@pytest.mark.parametrize(
    ("name", "kind", "items"),
    [
        ("hosts", "list", "string"),
        ("antennas", "list", "integer"),
        ("words", "list", "string"),
        ("headers", "json", None),
        ("pairs", "json", None),
    ],
)
def test_a_list_of_texts_or_numbers_is_entered_one_a_line(name: str, kind: str, items: str | None) -> None:
    (field,) = (each for each in fields_of(Settings) if each.name == name)
    assert (field.type, field.items) == (kind, items)
