"""The role ``indexer``: brings the search index of identifiers up to the register, where much is to do, and ends."""

from __future__ import annotations

import os

from millwright.app.identifiers import follower_of, register_of
from millwright.app.node import Composition, Node

_NICENESS = 15
"""Pages, devices and imports go first."""


def compose(node: Node) -> Composition:
    """The register and the follower."""
    os.nice(_NICENESS)
    register = register_of(node)
    return Composition([register, follower_of(node, register, ends=True)])
