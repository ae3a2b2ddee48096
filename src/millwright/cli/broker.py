"""``broker``: one server of a cluster, on a machine that runs no node."""

from __future__ import annotations

import os
import sys

import click

from millwright.cli.local import data_folder, process_settings
from millwright.cli.main import Options


@click.command()
@click.pass_obj
def broker(options: Options) -> None:
    """Run one server of a NATS cluster in the foreground, and no node.

    A node's own server becomes one of a cluster by [nats] host, port, cluster_port, routes and secret; the others run
    by this command, each on a machine and a data folder of its own, with the same secret. Three servers survive the
    loss of one. The streams are in nats/ of the data folder.

    \b
    Example:
      MILLWRIGHT_NATS_SECRET=… millwright --config broker.toml broker
    """
    from millwright.app.folder import FolderLock
    from millwright.engines.nats import NatsServer
    from millwright.kernel import Invalid

    settings = process_settings(options)
    if not settings.nats.cluster_port:
        raise Invalid(
            "This server would stand alone: [nats] cluster_port is not set.",
            code="engines.nats_cluster_settings",
            hint="Set [nats] host, port, cluster_port, routes and secret; `millwright up` runs a server of its own.",
        )
    folder = data_folder(options)
    folder.make()
    lock = FolderLock(folder)
    lock.acquire()
    command = NatsServer(settings.nats, folder.nats).command()
    lock.hand_on()
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - our own server, no words of a user
