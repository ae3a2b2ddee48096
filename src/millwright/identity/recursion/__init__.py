"""Recursion: names that are not kept here are asked for down the tree, and the answers are kept for a while.

A recursive node spares who asks the way: root, prefix, server. It answers from a cache on every interface; what is in
it was said by the server that is responsible for the name, and only that.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.recursion.service import Recursor
    from millwright.identity.recursion.settings import RecursionSettings

__getattr__ = exports(__name__)

__all__ = ["RecursionSettings", "Recursor"]
