"""``settings``: what is set, where it comes from, what there is."""

from __future__ import annotations

import difflib
from typing import Any

import click

from millwright.cli.local import environment, load_settings
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json, print_table
from millwright.kernel import NotFound


@click.group()
def settings() -> None:
    """Settings in force on this machine, and where each comes from."""


@settings.command("list")
@click.option("--changed", is_flag=True, help="Only those that are not at their default.")
@json_option
@click.pass_obj
def list_settings(options: Options, changed: bool, as_json: bool) -> None:
    """List every setting. Secrets are not shown."""
    found = [entry for entry in _described(options) if not changed or entry["origin"] != "default"]
    if as_json:
        print_json(found)
        return
    rows = [(entry["key"], _shown(entry["value"]), entry["origin"]) for entry in found]
    print_table(["setting", "value", "from"], rows, empty="Every setting is at its default.")


@settings.command("show")
@click.argument("key")
@json_option
@click.pass_obj
def show(options: Options, key: str, as_json: bool) -> None:
    """Explain one setting, such as `mqtt.port`."""
    found = {entry["key"]: entry for entry in _described(options)}
    entry = found.get(key)
    if entry is None:
        nearest = difflib.get_close_matches(key, found, n=1, cutoff=0.4)
        raise NotFound(
            f"There is no setting {key}.",
            code="settings.unknown_key",
            hint=f"Did you mean {nearest[0]}?" if nearest else "`millwright settings list` shows all.",
        )
    if as_json:
        print_json(entry)
        return
    section, _, name = key.rpartition(".")
    click.echo(f"{entry['description']}\n")
    click.echo(f"value        {_shown(entry['value'])}   (from: {entry['origin']})")
    click.echo(f"default      {_shown(entry['default'])}")
    click.echo(f"in the file  [{section}] {name} = …")
    click.echo(f"environment  {entry['variable']}")


def _described(options: Options) -> list[dict[str, Any]]:
    from millwright.app.settings import describe

    return [
        {
            "key": entry.key,
            "value": entry.value,
            "default": entry.default,
            "origin": entry.origin,
            "variable": entry.variable,
            "description": entry.description,
        }
        for entry in describe(load_settings(options), options.config, environment(options))
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, str) else str(value)
