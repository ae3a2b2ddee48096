"""``ledger``: who did what, its proofs, copies of the log and their verification, witnesses, keys."""

from __future__ import annotations

import click

from millwright.cli.ledger import copies, keys, reading, witness


@click.group()
def ledger() -> None:
    """The ledger: who did what, and proof of it."""


for command in (*reading.COMMANDS, *copies.COMMANDS, *witness.COMMANDS, *keys.COMMANDS):
    ledger.add_command(command)

__all__ = ["ledger"]
