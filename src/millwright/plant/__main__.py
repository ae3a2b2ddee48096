"""``python -m millwright.plant tep|steel --url mqtt://127.0.0.1:1883``; tokens are read from the environment.

``PLANT_TOKENS`` holds ``name=token`` pairs, separated by commas: the six controllers of ``tep``, or ``edge``.
Tokens do not travel on the command line because every user of a machine can read those.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading

from millwright.plant import steel, tep
from millwright.plant.connection import Address
from millwright.plant.tep_tags import CONTROLLERS

PLANTS = {"tep": (tep.run, tuple(CONTROLLERS)), "steel": (steel.run, ("edge",))}


def main() -> int:
    """Run one plant until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m millwright.plant", description=__doc__)
    parser.add_argument("plant", choices=sorted(PLANTS))
    parser.add_argument("--url", default="mqtt://127.0.0.1:1883", help="where the node listens for devices")
    parser.add_argument("--speed", type=float, default=90.0, help="recorded seconds per second (default 90)")
    parser.add_argument("--no-backfill", action="store_true", help="send no history first")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s plant %(message)s", datefmt="%H:%M:%S")
    play, names = PLANTS[arguments.plant]
    tokens = dict(pair.split("=", 1) for pair in os.environ.get("PLANT_TOKENS", "").split(",") if "=" in pair)
    missing = [name for name in names if name not in tokens]
    if missing:
        parser.error(f"PLANT_TOKENS has no token of {', '.join(missing)}")
    if arguments.speed <= 0:
        parser.error("--speed must be more than 0")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        address = Address.parse(arguments.url)
    except ValueError as error:
        parser.error(str(error))
    play(address, tokens, speed=arguments.speed, stop=stop, backfill=not arguments.no_backfill)
    return 0


if __name__ == "__main__":
    sys.exit(main())
