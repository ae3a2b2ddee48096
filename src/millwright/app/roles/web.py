"""The role ``web``."""

from __future__ import annotations

from millwright.app.node import Composition, Node


def compose(node: Node) -> Composition:
    """The parts of this role."""
    del node
    return Composition([])
