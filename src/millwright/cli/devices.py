"""``devices``: the registry, its credentials, import and export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from millwright.cli.client import connect
from millwright.cli.lookup import get_device, get_model, read_json
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table
from millwright.kernel import NotFound


@click.group()
def devices() -> None:
    """Registered devices: list, add, import, credentials."""


@devices.command("list")
@click.option("-q", "query", help="Part of the name, title, tag or id.")
@click.option("--status", type=click.Choice(["online", "offline", "never"]), help="Only devices in this state.")
@click.option("--limit", type=click.IntRange(1), help="Most devices to list.")
@json_option
@click.pass_obj
def list_devices(options: Options, query: str | None, status: str | None, limit: int | None, as_json: bool) -> None:
    """List devices.

    \b
    Example:
      millwright devices list --status offline
    """
    with connect(options) as client:
        found = list(client.pages("/devices", limit, q=query, status=status))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            device["name"],
            "online" if device["presence"]["online"] else "offline",
            format_time(device["presence"]["last_seen_ms"]),
            device["place_path"],
            device["alarms_active"],
            device["id"],
        )
        for device in found
    ]
    print_table(["name", "state", "last seen (UTC)", "place", "alarms", "id"], rows, empty="No devices.")


@devices.command("show")
@click.argument("name")
@json_option
@click.pass_obj
def show(options: Options, name: str, as_json: bool) -> None:
    """Show a device and the newest value of each of its properties. NAME is its name or id."""
    with connect(options) as client:
        device = get_device(client, name)
        properties = client.get(f"/devices/{device['id']}/properties")
    if as_json:
        print_json(device | {"properties": properties})
        return
    for key in ("name", "title", "id", "kind", "place_path", "tags"):
        if device.get(key):
            click.echo(f"{key.replace('_', ' '):<12} {', '.join(device[key]) if key == 'tags' else device[key]}")
    presence = device["presence"]
    click.echo(
        f"{'state':<12} {'online' if presence['online'] else 'offline'} since {format_time(presence['since_ms'])}"
    )
    rows = []
    for entry in properties:
        latest = entry["latest"] or {"value": None, "time_ms": None}
        rows.append((entry["name"], latest["value"], entry["unit"], format_time(latest["time_ms"]), entry["title"]))
    print_table(["property", "value", "unit", "time (UTC)", "title"], rows, empty="No properties yet.")


@devices.command("add")
@click.argument("name")
@click.option("--title", help="For people.")
@click.option("--model", help="Name or id of its model.")
@click.option("--place", help="Path of its place, such as `Works/Paint shop`.")
@click.option("--tag", "tags", multiple=True, help="A tag; repeat it.")
@click.option("--sparkplug", metavar="GROUP/EDGE", help="Make it a Sparkplug edge node of this address.")
@json_option
@click.pass_obj
def add(
    options: Options,
    name: str,
    title: str | None,
    model: str | None,
    place: str | None,
    tags: tuple[str, ...],
    sparkplug: str | None,
    as_json: bool,
) -> None:
    """Register a device and issue its token, which is shown this once.

    \b
    Example:
      millwright devices add pump-7 --model "Centrifugal pump" --place "Works/Cooling"
    """
    body: dict[str, Any] = {"name": name, "title": title, "tags": list(tags)}
    if sparkplug:
        group, _, edge = sparkplug.partition("/")
        body |= {"kind": "sparkplug_edge", "sparkplug": {"group_id": group, "edge_node_id": edge}}
    with connect(options) as client:
        if model:
            body["model_id"] = get_model(client, model)["id"]
        if place:
            body["place_id"] = _place_id(client.get("/places"), place)
        device = client.post("/devices", {key: value for key, value in body.items() if value is not None})
        issued = client.post(f"/devices/{device['id']}/credentials", {})
    if as_json:
        print_json({"device": device, "credential": issued})
        return
    click.echo(f"{name} is registered as {device['id']}.")
    click.echo(f"Token (shown once): {issued['token']}")
    click.echo("It signs in to MQTT with the token as user name and an empty password.")


@devices.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def remove(options: Options, name: str, yes: bool, as_json: bool) -> int:
    """Remove a device and its credentials; its history stays. Exit code 1 when the question is answered with no."""
    with connect(options) as client:
        device = get_device(client, name)
        if not yes and not click.confirm(f"Remove {device['name']} ({device['id']})?", err=True):
            return 1
        client.delete(f"/devices/{device['id']}")
    if as_json:
        print_json({"removed": device["id"]})
    return 0


@devices.command("token")
@click.argument("name")
@click.option("--label", help="What this credential is for.")
@json_option
@click.pass_obj
def token(options: Options, name: str, label: str | None, as_json: bool) -> None:
    """Issue a further token for a device; it is shown this once."""
    with connect(options) as client:
        issued = client.post(f"/devices/{get_device(client, name)['id']}/credentials", {"label": label})
    if as_json:
        print_json(issued)
    else:
        click.echo(issued["token"])


@devices.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--issue", is_flag=True, help="Issue a token to each device; they are shown this once.")
@click.option("--dry-run", is_flag=True, help="Only say what would be refused.")
@json_option
@click.pass_obj
def import_devices(options: Options, file: Path, issue: bool, dry_run: bool, as_json: bool) -> int:
    """Register the devices in FILE: CSV with a header (UTF-8 or GB 18030), or a JSON array of rows.

    Columns: name, title, model, place, tags, kind, group_id, edge_node_id, device_id. Exit code 1 when rows were
    refused.

    \b
    Example:
      millwright devices import devices.csv --issue --json > tokens.json
    """
    with connect(options, timeout_s=300) as client:
        query = {"issue": issue or None, "dry_run": dry_run or None}
        if file.suffix == ".json":
            report = client.post("/devices/import", read_json(file), **query)
        else:
            report = client.post_file("/devices/import", file.read_bytes(), "text/csv", **query)
    if as_json:
        print_json(report)
    else:
        click.echo(f"{report['created']} {'would be ' if dry_run else ''}registered, {len(report['refused'])} refused.")
        for refused in report["refused"]:
            click.echo(f"  row {refused['row']} {refused['name']}: {refused['reason']}")
        for issued in report["credentials"]:
            click.echo(f"{issued['username']} {issued['token']}")
    return 1 if report["refused"] else 0


@devices.command("export")
@json_option
@click.pass_obj
def export(options: Options, as_json: bool) -> None:
    """Write every device to standard output as CSV, or with --json as `devices list` does."""
    with connect(options, timeout_s=300) as client:
        if as_json:
            print_json(list(client.pages("/devices")))
            return
        with client.stream("/devices/export") as pieces:
            for piece in pieces:
                click.echo(piece, nl=False)


def _place_id(places: Any, path: str) -> str:
    items = places["items"] if isinstance(places, dict) else places
    for place in items:
        if path in (place["id"], place["path"]):
            return str(place["id"])
    raise NotFound(f"There is no place {path!r}.", code="devices.place_unknown", hint="The console shows all places.")
