"""``command``: write properties and call services of devices."""

from __future__ import annotations

import json
from typing import Any

import click

from millwright.cli.client import Client, connect, part
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table

OPEN = ("queued", "sending", "sent", "acknowledged")
"""States of a command that is not over."""

GOOD = ("confirmed", "delivered", *OPEN)


@click.group()
def command() -> None:
    """Commands to devices: write, call, look, cancel."""


def _value(text: str) -> Any:
    """A number, true or false as JSON has it; anything else is text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, bool | int | float | str) else text


def _device(client: Client, name: str) -> str:
    """The id of a device by its name or id."""
    if name.startswith("dev_"):
        return name
    for device in client.pages("/devices", 1000, q=name):
        if device["name"].lower() == name.lower():
            return str(device["id"])
    raise click.UsageError(f"There is no device named {name!r}.")


def _tell(client: Client, made: dict[str, Any], wait_s: float, as_json: bool) -> None:
    found = client.get(f"/commands/{part(made['id'])}", wait_s=min(wait_s, 30.0)) if wait_s else made
    if as_json:
        print_json(found)
    else:
        why = (found.get("outcome") or {}).get("text") or ""
        click.echo(f"{found['id']} {found['state']}{': ' + why if why else ''}")
    if found["state"] not in GOOD:
        raise click.exceptions.Exit(1)


def _options(work: Any) -> Any:
    for option in (
        click.option("--reason", default="", help="Why; in the history and the ledger."),
        click.option("--expires", "expires_s", type=float, help="Seconds it may wait for the device; 0: only now."),
        click.option("--timeout", "timeout_s", type=float, help="Seconds the effect may take once it is sent."),
        click.option("--wait", "wait_s", type=click.FloatRange(0, 30), default=20.0, show_default=True),
        json_option,
    ):
        work = option(work)
    return work


def _asked(reason: str, expires_s: float | None, timeout_s: float | None) -> dict[str, Any]:
    asked = {"reason": reason, "expires_s": expires_s, "timeout_s": timeout_s}
    return {key: value for key, value in asked.items() if value is not None}


@command.command("write")
@click.argument("device")
@click.argument("property")
@click.argument("value")
@click.option("--effect", is_flag=True, help="Only the value coming back confirms it.")
@_options
@click.pass_obj
def write(
    options: Options,
    device: str,
    property: str,  # noqa: A002 - the API's own word
    value: str,
    effect: bool,
    reason: str,
    expires_s: float | None,
    timeout_s: float | None,
    wait_s: float,
    as_json: bool,
) -> None:
    """Set a property of a device. Exits with 1 when it did not take effect.

    \b
    Example:
      millwright command write pump-7 setpoint 42.5 --reason "warm-up"
    """
    body = {"property": property, "value": _value(value), "confirm": "value" if effect else "any"}
    with connect(options, timeout_s=45.0) as client:
        path = f"/devices/{part(_device(client, device))}/commands/write"
        _tell(client, client.post(path, {**body, **_asked(reason, expires_s, timeout_s)}), wait_s, as_json)


@command.command("call")
@click.argument("device")
@click.argument("service")
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input; repeat it.")
@_options
@click.pass_obj
def call(
    options: Options,
    device: str,
    service: str,
    inputs: tuple[str, ...],
    reason: str,
    expires_s: float | None,
    timeout_s: float | None,
    wait_s: float,
    as_json: bool,
) -> None:
    """Call a service of a device. Exits with 1 when it did not take effect.

    \b
    Example:
      millwright command call pump-7 restart --input delay_s=5
    """
    given: dict[str, Any] = {}
    for each in inputs:
        name, sign, value = each.partition("=")
        if not sign:
            raise click.UsageError(f"{each!r} is no NAME=VALUE.")
        given[name] = _value(value)
    body = {"service": service, "inputs": given}
    with connect(options, timeout_s=45.0) as client:
        path = f"/devices/{part(_device(client, device))}/commands/call"
        _tell(client, client.post(path, {**body, **_asked(reason, expires_s, timeout_s)}), wait_s, as_json)


@command.command("list")
@click.option("--device", help="Only to this device (name or id).")
@click.option("--open", "still_open", is_flag=True, help="Only those that are not over.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
@click.pass_obj
def list_commands(options: Options, device: str | None, still_open: bool, limit: int, as_json: bool) -> None:
    """List commands, newest first."""
    with connect(options) as client:
        device_id = _device(client, device) if device else None
        found = list(client.pages("/commands", limit, device_id=device_id, state=OPEN if still_open else ()))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            c["state"],
            format_time(c["asked_ms"]),
            c["device_name"],
            f"{c['name']}={c['value']}" if c["kind"] == "write" else f"{c['name']}()",
            c["by_name"],
            c["id"],
        )
        for c in found
    ]
    print_table(["state", "asked (UTC)", "device", "command", "by", "id"], rows, empty="No commands.")


@command.command("show")
@click.argument("command_id")
@json_option
@click.pass_obj
def show(options: Options, command_id: str, as_json: bool) -> None:
    """Show a command and its course, state by state."""
    with connect(options) as client:
        found = client.get(f"/commands/{part(command_id)}")
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['device_name']} {found['name']}: {found['state']}, asked by {found['by_name']}")
    rows = [(format_time(each["at_ms"]), each["state"], each["text"]) for each in found["history"]]
    print_table(["at (UTC)", "state", "what"], rows, empty="")


@command.command("cancel")
@click.argument("command_ids", nargs=-1, required=True)
@click.pass_obj
def cancel(options: Options, command_ids: tuple[str, ...]) -> None:
    """Cancel commands that wait, here or at an edge."""
    with connect(options) as client:
        for command_id in command_ids:
            found = client.post(f"/commands/{part(command_id)}/cancel", {})
            asked = " (the edge does not answer; it is asked for it as soon as it does)" if found["withdrawal"] else ""
            click.echo(f"{command_id} {found['state']}{asked}")
