"""``connectors``: machines that are asked over their own protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from millwright.cli.client import Client, connect
from millwright.cli.lookup import read_json
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table
from millwright.kernel import NotFound

_SETTING = click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A setting; repeat it.")
_FILE = click.option(
    "--settings", "file", type=click.Path(path_type=Path), help="JSON file with settings, - for stdin."
)


@click.group()
def connectors() -> None:
    """Connections to machines: add, test, browse, points, health."""


@connectors.command("kinds")
@json_option
@click.pass_obj
def kinds(options: Options, as_json: bool) -> None:
    """List the protocols installed, with their settings."""
    with connect(options) as client:
        found = client.get("/connectors/kinds")
    if as_json:
        print_json(found)
        return
    for kind in found["kinds"]:
        click.echo(f"{kind['key']}: {kind['title']['en']} ({', '.join(kind['capabilities'])})")
        for field in kind["fields"]:
            default = "required" if field["required"] else f"default {json.dumps(field['default'])}"
            click.echo(f"  {field['name']:<18} {default:<22} {field['description']}")
    for broken in found["broken"]:
        click.echo(f"{broken['key']}: cannot be loaded: {broken['error']}", err=True)


@connectors.command("list")
@json_option
@click.pass_obj
def list_connections(options: Options, as_json: bool) -> None:
    """List connections and how they do."""
    with connect(options) as client:
        found, health = client.get("/connectors"), client.get("/connectors/health")
    states = {each["connection_id"]: each for each in health}
    if as_json:
        print_json([each | {"health": states.get(each["id"])} for each in found])
        return
    rows = [
        (
            each["name"],
            each["kind"],
            _state(each, states),
            each["points"],
            states[each["id"]]["samples_per_s"],
            each["id"],
        )
        for each in found
    ]
    print_table(["name", "kind", "state", "points", "values/s", "id"], rows, empty="No connections.")


@connectors.command("add")
@click.argument("kind")
@click.argument("name")
@_SETTING
@_FILE
@click.option("--disabled", is_flag=True, help="Keep it, and do not open it yet.")
@json_option
@click.pass_obj
def add(
    options: Options, kind: str, name: str, pairs: tuple[str, ...], file: Path | None, disabled: bool, as_json: bool
) -> None:
    """Add a connection of a KIND; `kinds` lists them. Test the settings before.

    \b
    Example:
      millwright connectors add simulator "Press line" --set machine=press --set tags=20
    """
    body = {"kind": kind, "name": name, "settings": _settings(pairs, file), "enabled": not disabled}
    with connect(options) as client:
        made = client.post("/connectors", body)
    if as_json:
        print_json(made)
    else:
        click.echo(f"{name} is {made['id']}.")


@connectors.command("test")
@click.argument("name")
@_SETTING
@_FILE
@json_option
@click.pass_obj
def test(options: Options, name: str, pairs: tuple[str, ...], file: Path | None, as_json: bool) -> None:
    """Connect once and say who answers. NAME is a connection, or a kind whose settings follow.

    \b
    Example:
      millwright connectors test simulator --set machine=press
    """
    with connect(options, timeout_s=120) as client:
        found = client.post("/connectors/test", _peer(client, name, pairs, file))
    if as_json:
        print_json(found)
        return
    said = found["identity"]
    told = " ".join(said[key] for key in ("vendor", "product", "version", "serial") if said[key])
    click.echo(
        f"connected in {found['open_ms']:g} ms, answers in {found['latency_ms']:g} ms: {told or 'no name given'}"
    )


@connectors.command("browse")
@click.argument("name")
@click.argument("parent", required=False)
@_SETTING
@_FILE
@json_option
@click.pass_obj
def browse(
    options: Options, name: str, parent: str | None, pairs: tuple[str, ...], file: Path | None, as_json: bool
) -> None:
    """List what is below a node of a machine. NAME as for `test`; without PARENT the top."""
    with connect(options, timeout_s=120) as client:
        peer, items, cursor = _peer(client, name, pairs, file), [], None
        while True:
            page = client.post("/connectors/browse", peer | {"parent": parent, "cursor": cursor})
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
    if as_json:
        print_json(items)
        return
    rows = [(each["address"], each["kind"], each["type"], each["value"], each["unit"], each["name"]) for each in items]
    print_table(["address", "kind", "type", "value", "unit", "name"], rows, empty="Nothing is there.")


@connectors.command("health")
@click.argument("name", required=False)
@json_option
@click.pass_obj
def health(options: Options, name: str | None, as_json: bool) -> None:
    """Say how connections do, and what is wrong with them."""
    with connect(options) as client:
        known = {each["id"]: each for each in client.get("/connectors")}
        wanted = _find(client, name)["id"] if name else None
        found = [each for each in client.get("/connectors/health") if wanted in (None, each["connection_id"])]
    if as_json:
        print_json(found)
        return
    for each in found:
        line = f"{known[each['connection_id']]['name']}: {each['state']} since {format_time(each['since_ms'])}"
        click.echo(f"{line}, {each['points_good']} of {each['points']} points good, {each['samples_per_s']:g} values/s")
        for trouble in [*filter(None, [each["error"]]), *each["problems"]]:
            click.echo(f"  {trouble['message']} {trouble['hint']}")


@connectors.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only report what would be refused.")
@json_option
@click.pass_obj
def import_points(options: Options, name: str, file: Path, dry_run: bool, as_json: bool) -> None:
    """Add points to a connection from a CSV file; `export` shows its columns."""
    with connect(options, timeout_s=300) as client:
        path = f"/connectors/{_find(client, name)['id']}/points/import"
        report = client.post_file(path, file.read_bytes(), "text/csv", dry_run=str(dry_run).lower())
    if as_json:
        print_json(report)
        return
    click.echo(f"{report['created']} points {'would be' if dry_run else 'are'} added.")
    for each in report["refused"]:
        click.echo(f"row {each['row']} ({each['address']}): {each['reason']}", err=True)


@connectors.command("export")
@click.argument("name")
@click.pass_obj
def export_points(options: Options, name: str) -> None:
    """Print the points of a connection as CSV."""
    with connect(options) as client:
        click.echo(
            client.text(f"/connectors/{_find(client, name)['id']}/points/export").removeprefix("\ufeff"), nl=False
        )


def _find(client: Client, name: str) -> dict[str, Any]:
    for each in client.get("/connectors"):
        if name == each["id"] or name.casefold() == each["name"].casefold():
            found: dict[str, Any] = each
            return found
    raise NotFound(
        f"There is no connection {name!r}.",
        code="cli.connection_unknown",
        hint="`millwright connectors list` shows them.",
    )


def _peer(client: Client, name: str, pairs: tuple[str, ...], file: Path | None) -> dict[str, Any]:
    settings = _settings(pairs, file)
    if any(kind["key"] == name for kind in client.get("/connectors/kinds")["kinds"]):
        return {"kind": name, "settings": settings}
    return {"connection_id": _find(client, name)["id"], **({"settings": settings} if settings else {})}


def _settings(pairs: tuple[str, ...], file: Path | None) -> dict[str, Any]:
    settings: dict[str, Any] = dict(read_json(file)) if file is not None else {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise click.BadParameter(f"{pair!r} has no =")
        try:
            settings[name] = json.loads(text)
        except ValueError:
            settings[name] = text
    return settings


def _state(connection: dict[str, Any], states: dict[str, Any]) -> str:
    found = states.get(connection["id"])
    return str(found["state"]) if found and connection["enabled"] else "off"
