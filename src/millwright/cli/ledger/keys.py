"""``ledger keys``, ``rotate-key``, ``retire-key``, ``reindex``: on the node's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from millwright.cli.local import load_settings
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json

if TYPE_CHECKING:
    from millwright.ledger import KeyFile


def _key_file(options: Options) -> tuple[KeyFile, str]:
    from millwright.app.sections import folder_of
    from millwright.ledger import KeyFile

    settings = load_settings(options)
    folder = folder_of(settings)
    path = Path(settings.ledger.key_file) if settings.ledger.key_file else folder.ledger_key
    return KeyFile(path, settings.ledger.kinds), settings.ledger.origin or f"millwright/{settings.node.name}"


@click.command("keys")
@json_option
@click.pass_obj
def keys(options: Options, as_json: bool) -> None:
    """Print the verifier keys that sign this node's log, the newest first: for witnesses and for `verify`."""
    file, name = _key_file(options)
    found = [str(each.verifier) for each in file.load(name)]
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(found))


@click.command("rotate-key")
@click.pass_obj
def rotate_key(options: Options) -> None:
    """Make a new signing key. The old one signs too until `retire-key`; the running node takes it up by itself."""
    file, name = _key_file(options)
    for each in file.rotate(name):
        click.echo(str(each.verifier))


@click.command("retire-key")
@click.pass_obj
def retire_key(options: Options) -> None:
    """Let only the newest key sign. First give it to every witness and to whoever verifies."""
    file, name = _key_file(options)
    for each in file.retire(name):
        click.echo(f"{each.verifier} signs no more")


@click.command("reindex")
@click.pass_obj
def reindex(options: Options) -> None:
    """Forget the index over the log; the node makes it anew at its next start. Stop the node first."""
    from millwright.app.ledger import forget_index

    forget_index(load_settings(options))
    click.echo("The index is made anew at the next start.")


COMMANDS = (keys, rotate_key, retire_key, reindex)
"""What the group takes in."""
