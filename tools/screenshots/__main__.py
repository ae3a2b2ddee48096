"""``python -m tools.screenshots [GUIDE …]``: the pictures of the guides named, or of all.

Wants what the tests want: Chromium, the built console, mosquitto.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.screenshots.commanding import commands
from tools.screenshots.connecting import TOURS, connect
from tools.screenshots.histories import bring_in, take_out
from tools.screenshots.moving import thingsboard
from tools.screenshots.places import tags_and_zones
from tools.screenshots.sending import VEHICLES_PORT, vehicles, webhooks
from tools.screenshots.sites import edge, network
from tools.screenshots.stage import Stage, stage

from support.browser import browser  # isort: skip
from support.edge import Parent  # isort: skip
from support.node import RunningNode  # isort: skip

GUIDES: dict[str, Callable[[Stage], None]] = {
    **{key: partial(connect, key=key) for key in TOURS if key != "rfid"},
    "tags-and-zones": tags_and_zones,
    "commands": commands,
    "edge": edge,
    "watch-a-site": network,
    "bring-history-in": bring_in,
    "take-history-out": take_out,
    "from-thingsboard": thingsboard,
    "webhooks": webhooks,
    "vehicles": vehicles,
}
NODES: dict[str, Callable[[Path], RunningNode]] = {
    "edge": Parent,
    "vehicles": lambda folder: RunningNode(folder, {"vehicles": {"host": "127.0.0.1", "port": VEHICLES_PORT}}),
    "watch-a-site": lambda folder: RunningNode(folder, {"network": {"interval_s": 1}}),
}
"""The node that a guide wants, where it is not a plain one."""


def main(wanted: list[str]) -> int:
    """Take them; returns the exit code."""
    if unknown := set(wanted) - set(GUIDES):
        print(f"no such guide: {', '.join(sorted(unknown))}; there are {', '.join(GUIDES)}", file=sys.stderr)
        return 2
    with browser() as made:
        for key in wanted or list(GUIDES):
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                make = NODES.get(key, RunningNode)
                with make(Path(folder)) as node, stage(node, made) as on:
                    GUIDES[key](on)
            print(f"{key}: {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
