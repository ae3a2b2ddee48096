"""``network``: the network around this node and its edges."""

from __future__ import annotations

import time
from typing import Any

import click

from millwright.cli.client import Client, connect
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table
from millwright.kernel import NotFound, Unavailable

_SCAN_S = 1_200.0


@click.group()
def network() -> None:
    """The network of a site: interfaces, peers, protocols, what is wrong. A site is this node or an edge."""


@network.command("list")
@json_option
@click.pass_obj
def list_sites(options: Options, as_json: bool) -> None:
    """List this node and its edges, and how the network of each is."""
    with connect(options) as client:
        found = client.get("/networks")
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each["name"],
            each["kind"],
            each["state"],
            f"{each['links'] - each['links_down']}/{each['links']}",
            each["findings"],
            "–" if each["share_pct"] is None else f"{each['share_pct']:g} %",
            "yes" if each["watched"] else "no",
            each["id"],
        )
        for each in found
    ]
    print_table(["site", "kind", "state", "links up", "findings", "IPv6", "watched", "id"], rows, empty="No sites.")


@network.command("show")
@click.argument("site", required=False)
@json_option
@click.pass_obj
def show(options: Options, site: str | None, as_json: bool) -> None:
    """Show what SITE (this node, unless named) saw last: links, findings, interfaces, switches, protocols.

    \b
    Example:
      millwright network show "hall 3"
    """
    with connect(options) as client:
        found = client.get(f"/networks/{_find(client, site)['id']}")
    if as_json:
        print_json(found)
        return
    report = found["report"]
    if report is None:
        click.echo("It has told nothing yet. `millwright network watch` has this node look.")
        return
    click.echo(f"{found['site']['name']} ({report['host']}), seen {format_time(report['at_ms'])}")
    for each in report["findings"]:
        detail = ", ".join(f"{key} {value}" for key, value in each["detail"].items() if value not in ("", None))
        click.echo(f"  {each['severity']}: {each['kind']} {each['about']} ({detail})")
    rows = [
        (each["peer"], each["role"], each["state"], _ms(each["latency_ms"]), _ms(each["jitter_ms"]),
         "–" if each["loss_pct"] is None else f"{each['loss_pct']:g} %", each["method"],
         " ".join([*each["names"], *each["protocols"]]))
        for each in report["links"]
    ]  # fmt: skip
    print_table(["peer", "role", "state", "latency", "jitter", "loss", "by", "what"], rows, empty="No links.")
    for each in report["interfaces"]:
        addresses = " ".join(f"{one['address']}/{one['prefix']}" for one in each["addresses"])
        speed = f"{each['speed_mbps']} Mb/s {each['duplex'] or ''}" if each["speed_mbps"] else ""
        click.echo(f"{each['name']}: {'up' if each['up'] and each['carrier'] else 'down'} {speed} {addresses}".rstrip())
    for each in report["switches"]:
        click.echo(f"{each['interface']} is cabled to {each['name'] or each['chassis']}, port {each['port']}")
    ready = report["readiness"]
    click.echo(f"IPv6: {ready['hosts_v6']} of {ready['hosts']} hosts, {ready['links_v6']} of {ready['links']} links")


@network.command("watch")
@click.argument("site", required=False)
@click.option("--off", is_flag=True, help="Watch it no more; the figures that are kept stay.")
@click.pass_obj
def watch(options: Options, site: str | None, off: bool) -> None:
    """Have SITE (this node, unless named) watched, and its figures kept as readings of a device."""
    with connect(options) as client:
        found = client.put(f"/networks/{_find(client, site)['id']}/watching", {"watched": not off})["site"]
    if off:
        click.echo(f"{found['name']} is not watched any more.")
    else:
        click.echo(f"{found['name']} is watched; its figures are readings of {found['device_id']}.")


@network.command("know")
@click.argument("site")
@click.argument("macs", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="All neighbours that are there now.")
@click.pass_obj
def know(options: Options, site: str, macs: tuple[str, ...], everybody: bool) -> None:
    """Say that neighbours of SITE belong there, by their MAC addresses.

    \b
    Example:
      millwright network know "hall 3" 02:fc:00:00:00:05
    """
    if not macs and not everybody:
        raise click.UsageError("Name MAC addresses, or --all.")
    with connect(options) as client:
        path = f"/networks/{_find(client, site)['id']}/neighbours/known"
        found = client.post(path, {"macs": list(macs), "all": everybody})["site"]
    click.echo(f"{found['unknown_neighbours']} neighbours of {found['name']} are unknown now.")


@network.command("scan")
@click.argument("site")
@click.argument("subnet")
@click.option("--per-s", type=click.IntRange(1, 100), default=20, show_default=True, help="Most questions a second.")
@json_option
@click.pass_obj
def scan(options: Options, site: str, subnet: str, per_s: int, as_json: bool) -> None:
    """Ask every address of a private SUBNET by echo, from SITE, and wait for the outcome.

    \b
    Example:
      millwright network scan "hall 3" 192.168.10.0/24
    """
    with connect(options) as client:
        site_id = _find(client, site)["id"]
        order = client.post(f"/networks/{site_id}/scans", {"subnet": subnet, "per_s": per_s})
        deadline = time.monotonic() + _SCAN_S
        while True:
            report = client.get(f"/networks/{site_id}")["report"]
            result = (report or {}).get("scan")
            if result and result["id"] == order["id"] and result["state"] in ("done", "failed"):
                break
            if time.monotonic() > deadline:
                raise Unavailable(
                    "The site does not tell the outcome of the scan.",
                    code="cli.scan_lost",
                    hint="`millwright network list` says whether the site is heard.",
                )
            time.sleep(1)
    if as_json:
        print_json(result)
        return
    if result["error"]:
        click.echo(result["error"], err=True)
    rows = [(each["address"], each["mac"], _ms(each["latency_ms"])) for each in result["found"]]
    print_table(["address", "MAC", "latency"], rows, empty="Nobody answered.")


@network.command("export")
@click.argument("site", required=False)
@click.pass_obj
def export(options: Options, site: str | None) -> None:
    """Print what SITE (this node, unless named) saw last, as CSV."""
    with connect(options) as client:
        path = f"/networks/{_find(client, site)['id']}/export"
        click.echo(client.text(path).removeprefix("\ufeff"), nl=False)


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} ms"


def _find(client: Client, name: str | None) -> dict[str, Any]:
    for each in client.get("/networks"):
        mine = each["kind"] == "node" if name is None else name in (each["id"], each["name"])
        if mine:
            found: dict[str, Any] = each
            return found
    raise NotFound(
        f"There is no site {name or 'of this node'!r}.",
        code="cli.network_unknown",
        hint="`millwright network list` shows them.",
    )
