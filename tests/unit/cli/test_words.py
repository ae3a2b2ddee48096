"""What the command line says to a word it does not know."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from millwright.cli.main import root


@pytest.mark.parametrize(
    ("word", "nearest"), [("brokr", "broker"), ("device", "devices"), ("dead_letters", "dead-letters")]
)
def test_the_nearest_command_is_named(word: str, nearest: str) -> None:
    done = CliRunner().invoke(root, [word])
    assert done.exit_code == 2
    assert f"No such command '{word}'. Did you mean '{nearest}'?" in done.output


def test_nothing_is_named_where_nothing_is_near() -> None:
    done = CliRunner().invoke(root, ["xyzzy"])
    assert done.exit_code == 2
    assert "Did you mean" not in done.output
