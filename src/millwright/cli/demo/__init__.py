"""``demo``: a node with a plant that gets into trouble within a minute."""

from millwright.cli.demo.command import demo

__all__ = ["demo"]
