"""The life of a role's process: import, compose, wait for go, start the parts, serve, stop within the deadline."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import os
import resource
import sys
from pathlib import Path

from millwright.app import ON_DEMAND, logs, name_of
from millwright.app.node import Node, construct
from millwright.app.readiness import Notifier, until_told_to_stop, wait_for_go
from millwright.app.roles import find_composer
from millwright.app.settings import NodeSettings
from millwright.kernel import Lifecycle, MillwrightError

logger = logging.getLogger(__name__)


def run(
    role: str, settings: NodeSettings, config: Path | None = None, notify_fd: int | None = None, number: int = 1
) -> int:
    """Run ``role`` until it is told to stop; returns the exit code. ``notify_fd``: started by a supervisor.

    ``number`` is which of several processes of the role it is.
    """
    import uvloop

    # What is imported and composed stays: to look through it for garbage again and again takes a tenth of the start.
    gc.disable()
    supervised = notify_fd is not None
    notifier = Notifier(notify_fd)
    faulthandler.enable()
    _raise_file_limit()
    try:
        compose = find_composer(role)
        node = construct(role, settings, config, number)
        node.folder.make()
        if not supervised:
            _require_schema(node)
        logs.configure(name_of(role, number), settings.node, node.folder.logs, None if supervised else sys.stderr)
        composition = compose(node)
        # One that comes and goes is not missed by those who watch figures.
        parts = [node.bus, *composition.parts, *([] if role in ON_DEMAND else [node.stats])]
        wait_for_go(supervised)
    except Exception as error:
        notifier.failed(error)
        raise
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(node, Lifecycle(*parts), composition.address, notifier, supervised))
    finally:
        node.close()


def _raise_file_limit() -> None:
    """Let this process open as many files as the system allows it: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _require_schema(node: Node) -> None:
    """The supervisor migrates before it lets roles go; by hand, somebody must have."""
    from millwright.app.schema import require_schema  # Alembic is not needed otherwise

    require_schema(node.records)


async def _serve(node: Node, lifecycle: Lifecycle, address: str | None, notifier: Notifier, supervised: bool) -> int:
    role, stop_timeout_s = node.role, node.settings.node.stop_timeout_s
    # This one task starts and stops the parts: some hold cancel scopes, which belong to the task that entered them.
    stop = asyncio.create_task(until_told_to_stop(supervised))
    this = asyncio.current_task()
    assert this is not None
    starting = True

    def cancel_start(_: asyncio.Task[str]) -> None:
        if starting:
            this.cancel()

    stop.add_done_callback(cancel_start)
    try:
        await lifecycle.start()
        starting = False
    except asyncio.CancelledError:
        logger.info("%s was told to stop while it started", role)
        return 0
    except MillwrightError as error:
        logger.error("%s cannot start: %s %s", role, error.message, error.hint)
        notifier.failed(error)
        return 5
    except Exception as error:
        logger.exception("%s cannot start", role)
        notifier.failed(error)
        return 1
    notifier.ready(address)
    gc.collect()
    gc.freeze()
    gc.enable()
    logger.info("%s is ready", role)
    reason = await stop
    logger.info("%s stops: %s", role, reason)
    try:
        async with asyncio.timeout(stop_timeout_s):
            await lifecycle.stop()
    except TimeoutError:
        logger.error("%s did not stop within %g s", role, stop_timeout_s)
        logging.shutdown()
        os._exit(1)
    logger.info("%s has stopped", role)
    return 0
