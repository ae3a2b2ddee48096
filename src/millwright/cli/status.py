"""``status``: the node at a glance."""

from __future__ import annotations

from typing import Any

import click

from millwright.cli.client import connect
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json, print_table


@click.command()
@json_option
@click.pass_obj
def status(options: Options, as_json: bool) -> int:
    """Show processes, rates, devices, alarms and problems of a running node.

    Exit code 1 when a process is not running or there is a problem.
    """
    with connect(options) as client:
        system, overview = client.get("/system"), client.get("/overview")
        address = client.url
    troubled = bool(system["problems"]) or any(role["state"] != "running" for role in system["roles"])
    if as_json:
        print_json({"address": address, "system": system, "overview": overview})
        return int(troubled)
    click.echo(f"Millwright {system['version']} at {address}\n")
    rows = [
        (r["role"], r["state"], r["pid"], f"{r['rss_bytes'] / 1e6:.0f} MB", f"{r['cpu_percent']:.0f} %")
        for r in system["roles"]
    ]
    print_table(["process", "state", "pid", "memory", "cpu"], rows)
    _print_overview(overview)
    for problem in system["problems"]:
        click.echo(f"\nProblem: {problem['message']}\n  {problem.get('hint', '')}")
    return int(troubled)


def _print_overview(overview: dict[str, Any]) -> None:
    devices, alarms, rates, storage = (overview[key] for key in ("devices", "alarms", "rates", "storage"))
    click.echo(
        f"\ndevices   {devices['total']} registered, {devices['online']} online\n"
        f"alarms    {alarms['active']} active, {alarms['unacknowledged']} unacknowledged\n"
        f"intake    {rates['messages_per_s']:.0f} messages/s, {rates['points_per_s']:.0f} readings/s\n"
        f"history   {storage['points'] or 0:,} readings, {(storage['bytes'] or 0) / 1e6:.1f} MB; "
        f"{storage['disk_free_bytes'] / 1e9:.1f} GB free\n"
        f"waiting   {overview['arrivals']['count']} arrivals, {overview['dead_letters']['count']} dead letters"
    )
