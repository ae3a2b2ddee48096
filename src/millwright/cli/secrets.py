"""``secrets``: the keys that secrets are sealed under."""

from __future__ import annotations

import dataclasses

import click

from millwright.cli.local import load_settings
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json


@click.group()
def secrets() -> None:
    """Secrets kept sealed in the records: how they stand, and new keys for them."""


@secrets.command("status")
@json_option
@click.pass_obj
def status(options: Options, as_json: bool) -> None:
    """Say whether the secrets of this node open, and under which keys. Never prints a secret."""
    from millwright.app.secrets import state

    found = state(load_settings(options))
    if as_json:
        print_json(dataclasses.asdict(found))
        return
    click.echo(
        f"{found.secrets} secrets under {found.data_keys} data keys, which the master key {found.master_key} "
        f"({found.source}) wraps; {found.pending} wait to be sealed anew."
    )


@secrets.command("rotate")
@click.option("--finish", is_flag=True, help="Make no new key; only finish a rotation that was interrupted.")
@json_option
@click.pass_obj
def rotate(options: Options, finish: bool, as_json: bool) -> None:
    """Seal every secret of this node under new keys, while it runs or not.

    With `[secrets] source = "environment"` first give the new key as secret_key and the one before in old_secret_keys
    to every process. A rotation that is interrupted goes on by itself while the node runs.

    \b
    Example:
      millwright secrets rotate
    """
    from millwright.app.secrets import rotate as rotate_secrets

    done = rotate_secrets(load_settings(options), begin=not finish)
    if as_json:
        print_json(dataclasses.asdict(done))
        return
    click.echo(
        f"{done.resealed} secrets sealed and {done.rewrapped} data keys wrapped anew, {done.removed} old keys removed."
    )
