"""``releases``: versions for edges, and their way there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from millwright.cli.client import Client, connect, part
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table
from millwright.kernel import NotFound

_PART_BYTES = 8 * 1024 * 1024


@click.group()
def releases() -> None:
    """Versions for edges: put on the shelf, signed, rolled out group after group; an edge goes back by itself."""


@releases.command("add")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def add(options: Options, files: tuple[Path, ...], as_json: bool) -> None:
    """Make a release of wheels: millwright's own, and those of packages that changed since the version at the edges.

    An edge installs without a network, from these files and what it has. Wheels of several machines may be in it.

    \b
    Example:
      millwright releases add dist/millwright-0.2.0-py3-none-any.whl
    """
    with connect(options, timeout_s=120) as client:
        for file in files:
            with file.open("rb") as source:
                offset = 0
                while (data := source.read(_PART_BYTES)) or not offset:
                    client.put_part(f"/edge-releases/files/{part(file.name)}", data, offset)
                    offset += len(data)
        made = client.post("/edge-releases", {"files": [file.name for file in files]})
    if as_json:
        print_json(made)
        return
    click.echo(f"Version {made['version']} is on the shelf ({made['id']}), signed by {', '.join(made['signed_by'])}.")


@releases.command("list")
@json_option
@click.pass_obj
def list_releases(options: Options, as_json: bool) -> None:
    """List the releases on the shelf, the newest first."""
    with connect(options) as client:
        found = client.get("/edge-releases")
    if as_json:
        print_json(found)
        return
    rows = [(each["version"], each["id"], len(each["files"]), format_time(each["created_ms"])) for each in found]
    print_table(("VERSION", "ID", "FILES", "MADE"), rows)


@releases.command("remove")
@click.argument("release")
@click.pass_obj
def remove(options: Options, release: str) -> None:
    """Take RELEASE (version or id) off the shelf."""
    with connect(options) as client:
        client.delete(f"/edge-releases/{part(_release(client, release)['id'])}")


@releases.command("roll-out")
@click.argument("release")
@click.argument("groups", nargs=-1, required=True)
@click.option("--trial", "trial_s", type=float, default=300, show_default=True, help="Seconds to get ready.")
@click.option("--settle", "settle_s", type=float, default=180, show_default=True, help="Seconds to stay well.")
@json_option
@click.pass_obj
def roll_out(
    options: Options, release: str, groups: tuple[str, ...], trial_s: float, settle_s: float, as_json: bool
) -> None:
    """Bring RELEASE (version or id) to edges: each of GROUPS is names joined by commas, the first is tried first.

    The next group begins when all edges of the one before are well. The first that fails goes back to what it ran and
    ends the roll-out.

    \b
    Example:
      millwright releases roll-out 0.2.0 "hall 3" "hall 1,hall 2"
    """
    with connect(options) as client:
        known = {each["name"].casefold(): each["id"] for each in client.get("/edges")}
        body = {
            "release_id": _release(client, release)["id"],
            "groups": [[_edge(known, name) for name in group.split(",")] for group in groups],
            "trial_s": trial_s,
            "settle_s": settle_s,
        }
        made = client.post("/edge-rollouts", body)
    if as_json:
        print_json(made)
        return
    click.echo(f"The roll-out {made['id']} of {made['version']} has begun; see `millwright releases rollouts`.")


@releases.command("rollouts")
@json_option
@click.pass_obj
def rollouts(options: Options, as_json: bool) -> None:
    """List roll-outs and how far each edge is, the newest first."""
    with connect(options) as client:
        found = client.get("/edge-rollouts")
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"{each['id']}  {each['version']}  {each['state']}  {format_time(each['created_ms'])}")
        for edge in each["edges"]:
            click.echo(
                f"  {edge['group'] + 1}. {edge['name']}: {edge['progress']}{' - ' if edge['why'] else ''}{edge['why']}"
            )


@releases.command("stop")
@click.argument("rollout")
@click.pass_obj
def stop(options: Options, rollout: str) -> None:
    """Let no further edge of ROLLOUT begin."""
    with connect(options) as client:
        client.post(f"/edge-rollouts/{part(rollout)}/stop")


def _release(client: Client, wanted: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = client.get("/edge-releases")
    for each in found:
        if wanted in (each["id"], each["version"]):
            return each
    raise NotFound(
        f"There is no release {wanted}.", code="devices.release_unknown", hint="`millwright releases list` shows them."
    )


def _edge(known: dict[str, str], name: str) -> str:
    name = name.strip()
    if name in known.values():
        return name
    if name.casefold() not in known:
        raise NotFound(f"There is no edge {name}.", code="devices.edge_unknown", hint="See Edges in the console.")
    return known[name.casefold()]
