"""``status``: the node at a glance."""

from __future__ import annotations

from collections import Counter
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
    several = Counter(role["role"] for role in system["roles"])
    rows = [
        (
            f"{r['role']} {r['instance']}" if several[r["role"]] > 1 else r["role"],
            r["state"],
            r["pid"],
            f"{r['rss_bytes'] / 1e6:.0f} MB",
            f"{r['cpu_percent']:.0f} %",
        )
        for r in system["roles"]
    ]
    print_table(["process", "state", "pid", "memory", "cpu"], rows)
    _print_overview(overview)
    _print_identifiers(system["roles"])
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


def _print_identifiers(roles: list[dict[str, Any]]) -> None:
    for role in roles:
        gauges = role.get("gauges", {})
        if "identifiers" in gauges:
            click.echo(
                f"register  {gauges['identifiers']:,.0f} identifiers, batch {gauges['identifier_position']:,.0f}, "
                f"{gauges['identifier_lag']:,.0f} behind"
            )
    recursive = [role for role in roles if "recursion_entries" in role.get("gauges", {})]
    if not recursive:
        return
    counted, causes, verdicts = Counter[str](), Counter[str](), Counter[str]()
    for role in recursive:
        for name, value in role["counters"].items():
            kind, _, cause = name.partition(".")
            where = {"recursion_failures": causes, "recursion_signatures": verdicts}.get(kind, counted)
            where[cause or kind] += int(value)
    found = counted["recursion_hits"] + counted["recursion_negative_hits"] + counted["recursion_stale"]
    ratio = found / max(1, found + counted["recursion_misses"])
    failures = ", ".join(f"{count:,} {cause.replace('_', ' ')}" for cause, count in causes.most_common())
    click.echo(
        f"recursion {sum(role['gauges']['recursion_entries'] for role in recursive):,.0f} answers in the cache, "
        f"{ratio:.1%} answered from it, {counted['recursion_stale']:,} stale; failures: {failures or 'none'}"
    )
    if verdicts:
        told = ", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.most_common())
        click.echo(f"          signatures of records fetched: {told}")
