"""``capacity``: what a number of devices needs, computed from measured slopes."""

from __future__ import annotations

import dataclasses
import re

import click

from millwright.cli.output import json_option, print_json, print_table
from millwright.kernel import Invalid

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


@click.command()
@click.option("--devices", type=int, required=True, help="How many there are.")
@click.option("--points", type=int, default=10, show_default=True, help="Readings in one message of a device.")
@click.option("--every", default="10s", show_default=True, help="How often it sends: 500ms, 10s, 1m, 1h.")
@click.option("--plain", is_flag=True, help="Without TLS.")
@click.option(
    "--replicas", type=int, default=3, show_default=True, help="Broker servers that keep each message: 1 or 3."
)
@click.option("--keep-days", type=float, default=365, show_default=True, help="Days that readings stay on the disk.")
@click.option("--connects-per-day", type=float, default=4, show_default=True, help="How often a device connects anew.")
@click.option("--back-in", default="5m", show_default=True, help="Time in which all are to be back after a cut.")
@click.option("--identifiers", type=int, default=0, show_default=True, help="How many the register holds.")
@json_option
def capacity(
    devices: int,
    points: int,
    every: str,
    plain: bool,
    replicas: int,
    keep_days: float,
    connects_per_day: float,
    back_in: str,
    identifiers: int,
    as_json: bool,
) -> None:
    """Say how many cores, machines, how much memory and disk a number of devices needs.

    Computed, not tried: from slopes that were measured on one small machine (see the page on capacity). With --json the
    slopes are in the answer. No node is asked.

    \b
    Examples:
      millwright capacity --devices 1000000 --points 10 --every 10s
      millwright capacity --devices 10000000 --every 1m --keep-days 30 --json
    """
    from millwright.app.capacity import Demand, figures, plan

    demand = Demand(
        devices=devices,
        points=points,
        every_s=_seconds("every", every),
        tls=not plain,
        replicas=replicas,
        keep_days=keep_days,
        connects_per_day=connects_per_day,
        back_in_s=_seconds("back-in", back_in),
        identifiers=identifiers,
    )
    found = plan(demand)
    if as_json:
        totals = {"cores": found.cores, "memory_gb": found.memory_gb, "disk_gb": found.disk_gb}
        print_json(dataclasses.asdict(found) | totals | {"figures": figures()})
        return
    click.echo(f"{found.messages_per_s:,.0f} messages/s, {found.readings_per_s:,.0f} readings/s, ", nl=False)
    click.echo(f"{found.network_mbit_per_s:,.0f} Mbit/s, {found.disk_gb_per_day:,.1f} GB of readings a day\n")
    rows = [
        (part.name, part.processes, _amount(part.cores), _amount(part.memory_gb), _amount(part.disk_gb), part.bound_by)
        for part in found.parts
    ]
    total = ("together", "", _amount(found.cores), _amount(found.memory_gb), _amount(found.disk_gb), "")
    print_table(("part", "processes", "cores", "memory GB", "disk GB", "number decided by"), [*rows, total])
    size = {name: figures()[f"machine_{name}"].value for name in ("cores", "memory_gb", "disk_gb")}
    click.echo(
        f"\n{found.machines} machines of {size['cores']:.0f} cores, {size['memory_gb']:.0f} GB and "
        f"{size['disk_gb']:,.0f} GB of disk, for {found.machines_for}; "
        f"{found.cells} {'node' if found.cells == 1 else 'nodes (cells)'}."
    )
    click.echo(f"All are back {found.storm_s:,.0f} s after a cut.")
    first, devices = next(iter(found.limits.items()))
    click.echo(f"On a single node breaks first: {first}, at {devices:,} devices.")
    click.echo("Computed from slopes that were measured on one small machine, not tried at this size.")


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def _seconds(name: str, text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|min|m|h|d)", text.strip())
    if not found:
        raise Invalid(f"--{name} {text!r} is not a time.", code="capacity.time", hint="Write 500ms, 10s, 1m, 1h or 1d.")
    return float(found[1]) * _UNITS[found[2]]
