"""What a connection would reach on the machine that it runs on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SIMULATOR: Final = "simulator"
"""The kind that reaches nothing."""


def is_below(text: str, folder: Path) -> bool:
    """Whether a path, or the path of a URL such as ``sqlite:///…``, lies in ``folder``."""
    try:
        return Path(text.partition(":///")[2] or text).expanduser().resolve().is_relative_to(folder)
    except (OSError, ValueError, RuntimeError):  # no path
        return False
