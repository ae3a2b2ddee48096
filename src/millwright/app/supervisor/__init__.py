"""Runs the processes of a node on one machine: starts them together, restarts what dies, stops them in reverse."""

from millwright.app.supervisor.child import Child, ChildState
from millwright.app.supervisor.node import Supervisor

__all__ = ["Child", "ChildState", "Supervisor"]
