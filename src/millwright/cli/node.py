"""``up``, ``run`` and ``migrate``: running a node on this machine."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from typing import TYPE_CHECKING

import click

from millwright.app import FURTHER, ON_DEMAND, ROLES, WHEN_NEEDED
from millwright.cli.local import data_folder, environment, load_settings, process_settings
from millwright.cli.main import Options
from millwright.cli.output import print_json

if TYPE_CHECKING:
    from millwright.app.supervisor import Supervisor


@click.command()
@click.option("--host", help="Address the console and API listen on, overrides [web] host.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the console and API, overrides [web] port.")
@click.pass_obj
def up(options: Options, host: str | None, port: int | None) -> int:
    """Run a whole node on this machine, until Ctrl-C or SIGTERM.

    Starts a nats-server and every role, restarts what dies, and stops them in reverse so that nothing is lost. A second
    start on the same data folder is refused.

    \b
    Examples:
      millwright up
      millwright --data /var/lib/millwright up --port 80
    """
    overrides = {"MILLWRIGHT_WEB_HOST": host, "MILLWRIGHT_WEB_PORT": port}
    return run_node(options, {variable: str(value) for variable, value in overrides.items() if value is not None})


def run_node(options: Options, overrides: dict[str, str]) -> int:
    """Run the node on the data folder: a whole one, or an edge where the folder is one."""
    from millwright.app import edges, logs
    from millwright.app.supervisor import Supervisor

    settings = process_settings(options)
    folder = data_folder(options)
    folder.make()
    logs.configure("supervisor", settings.node, folder.logs, sys.stderr)
    chosen = edges.chosen(options.config, folder, environment(options))
    supervisor = Supervisor(
        settings,
        folder,
        config=options.config,
        overrides=overrides,
        announce=click.echo,
        roles=chosen.roles,
        remote=chosen.remote,
    )
    return asyncio.run(run_until_stopped(supervisor))


async def run_until_stopped(supervisor: Supervisor) -> int:
    """Start, wait for SIGTERM or SIGINT, stop."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    start = asyncio.create_task(supervisor.start())
    stop = asyncio.create_task(told.wait())
    await asyncio.wait((start, stop), return_when=asyncio.FIRST_COMPLETED)
    if not start.done():
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)
        return 0
    start.result()
    await stop
    click.echo("stopping")
    await supervisor.stop()
    return 0


@click.command()
@click.argument("role", type=click.Choice([*ROLES, *WHEN_NEEDED, *FURTHER, *ON_DEMAND]))
@click.option("--process", "number", type=click.IntRange(1), default=1, help="Which of [mqtt] processes it is.")
@click.option("--notify-fd", type=int, hidden=True)
@click.pass_obj
def run(options: Options, role: str, number: int, notify_fd: int | None) -> int:
    """Run one role in the foreground.

    For a node spread over machines, or under another supervisor (systemd, Kubernetes). All roles of a node share
    [nats] url and [sql] url; run `millwright migrate` before the first. The web role starts importer and
    indexer when there is work for them; they end by themselves. `millwright up` runs connectors while a connection
    is enabled.

    \b
    Example:
      MILLWRIGHT_NATS_URL=nats://broker:4222 millwright run listener
      millwright run listener --process 2
    """
    from millwright.app.roles import process

    return process.run(role, load_settings(options), options.config, notify_fd, number)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def migrate(options: Options, as_json: bool) -> None:
    """Bring the records database to this version's schema; `millwright up` does so by itself.

    A SQLite database is copied to backups/ in the data folder first. Data of a newer version is refused.
    """
    gc.disable()  # it ends soon, and most of its time is importing
    from millwright.app.schema import prepare

    done = prepare(load_settings(options))
    if as_json:
        print_json({"backup": str(done.backup) if done.backup else None, "setup_code": done.setup_code})
        return
    click.echo(f"The records are of this version.{f' The old ones are kept in {done.backup}.' if done.backup else ''}")
    if done.setup_code:
        click.echo(f"The first administrator is made in the console with the set-up code {done.setup_code}.")
