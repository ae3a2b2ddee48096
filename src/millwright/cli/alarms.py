"""``alarms``: what is wrong, and that somebody has seen it."""

from __future__ import annotations

import click

from millwright.cli.client import connect, part
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table

WAITING = ("unacknowledged", "returned_unacknowledged")
"""States in which an alarm waits for somebody."""

OPEN = ("unacknowledged", "acknowledged", "returned_unacknowledged")
"""States of an alarm that is not closed."""


@click.group()
def alarms() -> None:
    """Alarms: list and acknowledge."""


@alarms.command("list")
@click.option("--active", is_flag=True, help="Only alarms whose condition holds now.")
@click.option("--all", "every", is_flag=True, help="Closed ones too.")
@click.option("--priority", type=click.Choice(["critical", "high", "medium", "low"]))
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@json_option
@click.pass_obj
def list_alarms(options: Options, active: bool, every: bool, priority: str | None, limit: int, as_json: bool) -> None:
    """List alarms that need somebody, newest first.

    \b
    Example:
      millwright alarms list --priority critical
    """
    with connect(options) as client:
        states = () if every else OPEN
        found = list(client.pages("/alarms", limit, priority=priority, active=active or None, state=states))
    if as_json:
        print_json(found)
        return
    rows = [
        (a["priority"], a["state"], format_time(a["raised_ms"]), a["device_name"], a["message"], a["id"]) for a in found
    ]
    print_table(["priority", "state", "raised (UTC)", "device", "message", "id"], rows, empty="No alarms.")


@alarms.command("ack")
@click.argument("ids", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every alarm that nobody has acknowledged.")
@click.option("--comment", help="What was found, or done.")
@json_option
@click.pass_obj
def ack(options: Options, ids: tuple[str, ...], every: bool, comment: str | None, as_json: bool) -> None:
    """Acknowledge alarms by their ids.

    \b
    Example:
      millwright alarms ack alm_01k… --comment "pump restarted"
    """
    if bool(ids) == every:
        raise click.UsageError("Give ids of alarms, or --all.")
    with connect(options) as client:
        if every:
            ids = tuple(a["id"] for a in client.pages("/alarms", state=WAITING))
        done = [
            client.post(f"/alarms/{part(alarm)}/acknowledge", {"comment": comment} if comment else {}) for alarm in ids
        ]
    if as_json:
        print_json(done)
    else:
        click.echo(f"{len(done)} acknowledged.")
