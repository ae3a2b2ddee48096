"""HTTP routes of rules and alarms; mounted below ``/api/v1``."""

from litestar import Controller

from millwright.operations.api.alarms import AlarmController
from millwright.operations.api.rules import RuleController

ROUTES: list[type[Controller]] = [RuleController, AlarmController]

__all__ = ["ROUTES", "AlarmController", "RuleController"]
