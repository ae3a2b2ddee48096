"""``edge``: this machine as an edge of another node."""

from __future__ import annotations

import click

from millwright.cli.local import data_folder, process_settings
from millwright.cli.main import Options
from millwright.cli.node import run_node
from millwright.cli.output import json_option, print_json


@click.group()
def edge() -> None:
    """Join a parent as an edge, and run it.

    An edge takes in what devices send, keeps it, and forwards it to its parent; it goes on while the link is cut.
    """


@edge.command("join")
@click.argument("parent")
@click.argument("code")
@click.option("--again", is_flag=True, help="Join although this folder did before; its data stays.")
@json_option
@click.pass_obj
def join(options: Options, parent: str, code: str, again: bool, as_json: bool) -> None:
    """Join PARENT with a one-time CODE; the parent shows both when an edge is made (Edges, Enrol an edge).

    The key that this machine is known by is made here and never leaves it. For a parent whose certificate is its own,
    give its root with `millwright --ca FILE edge join …`.

    \b
    Example:
      millwright --data /var/lib/millwright edge join https://plant.example mwe_…
    """
    from millwright.devices.edge.joining import join as ask

    folder = data_folder(options)
    made = ask(parent, code, folder.root, ca=options.ca, again=again)
    if as_json:
        print_json({"edge_id": made.edge_id, "name": made.name, "parent": made.parent, "urls": made.urls})
        return
    click.echo(f"This machine is the edge {made.name} of {made.parent} now.")
    click.echo(f"Run it: millwright --data {folder.root} edge up")


@edge.command("up")
@click.pass_obj
def up(options: Options) -> None:
    """Run this edge until Ctrl-C or SIGTERM: listener, local history, forwarding; the console with [edge] console.

    What runs is the version that is installed, or the one that the parent brought (see `millwright releases`).

    \b
    Example:
      millwright --data /var/lib/millwright edge up
    """
    import os
    import sys

    from millwright.devices.edge.upgrade import keeper

    _require_edge(options)
    root = data_folder(options).root.absolute()
    given = ["--data", str(root), *(("--config", str(options.config.absolute())) if options.config else ())]
    sys.stdout.flush()
    command = [sys.executable, "-I", "-S", keeper.__file__, str(root), sys.executable, *given]
    os.execv(sys.executable, command)  # noqa: S606 - this very program


@edge.command("node", hidden=True)
@click.pass_obj
def node(options: Options) -> int:
    """Run this edge in this environment; for the keeper, which chooses the environment."""
    _require_edge(options)
    return run_node(options, {})


def _require_edge(options: Options) -> None:
    from millwright.devices.edge.joining import find_membership
    from millwright.kernel import Unsupported

    if find_membership(data_folder(options).root) is None:
        raise Unsupported(
            "This folder has not joined a parent.",
            code="devices.edge_none",
            hint="Make an edge at the parent and type the command it shows, `millwright edge join …`.",
        )
    if process_settings(options).nats.url:
        raise Unsupported(
            "An edge runs a broker of its own, which joins the parent's.",
            code="devices.edge_broker",
            hint="Remove [nats] url.",
        )
