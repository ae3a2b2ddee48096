"""The command line: ``millwright COMMAND``.

Commands that run things (``up``, ``run``, ``demo``, ``migrate``, ``doctor``, ``settings``) work on this machine's data
folder; all others speak to a node's HTTP API. Every command takes ``--json``. Exit codes: see
:mod:`millwright.cli.exits`.
"""

from millwright.cli.main import main

__all__ = ["main"]
