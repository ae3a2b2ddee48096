"""``token``: access tokens for programs."""

from __future__ import annotations

import click

from millwright.cli.client import connect, part
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table


@click.group()
def token() -> None:
    """Access tokens for programs that use the API."""


@token.command("list")
@json_option
@click.pass_obj
def list_tokens(options: Options, as_json: bool) -> None:
    """List tokens, without their secrets."""
    with connect(options) as client:
        found = list(client.pages("/tokens"))
    if as_json:
        print_json(found)
        return
    rows = [
        (t["name"], t["roles"], format_time(t["expires_ms"]), format_time(t["last_used_ms"]), t["id"]) for t in found
    ]
    print_table(["name", "roles", "expires (UTC)", "last used (UTC)", "id"], rows, empty="No tokens.")


@token.command("add")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(["administrator", "engineer", "operator", "viewer", "auditor"]),
    default=["viewer"],
    show_default=True,
    help="What it may do; repeat it.",
)
@json_option
@click.pass_obj
def add(options: Options, name: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Make a token; it is shown this once.

    \b
    Example:
      millwright token add grafana --role viewer
    """
    with connect(options) as client:
        made = client.post("/tokens", {"name": name, "roles": list(roles)})
    if as_json:
        print_json(made)
    else:
        click.echo(made["token"])


@token.command("remove")
@click.argument("token_id")
@json_option
@click.pass_obj
def remove(options: Options, token_id: str, as_json: bool) -> None:
    """End a token."""
    with connect(options) as client:
        client.delete(f"/tokens/{part(token_id)}")
    if as_json:
        print_json({"removed": token_id})
