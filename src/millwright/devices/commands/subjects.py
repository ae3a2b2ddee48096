"""Where commands are told of on the bus; small, for who only listens."""

from __future__ import annotations

from typing import Final

WAKE: Final = "commands.wake"
"""Told when something waits to be sent; the worker looks by itself every two seconds, too."""
EVENTS: Final = "events.commands"
"""Every change of a command's state: the :class:`Command` as a JSON object."""
