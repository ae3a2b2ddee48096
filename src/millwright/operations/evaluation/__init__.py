"""Rules evaluated over columns of readings; see :class:`Evaluator` for what counts and what does not."""

from millwright.operations.evaluation.evaluator import AHEAD_MS, NO_LONGER_WATCHED, Evaluator
from millwright.operations.evaluation.plan import Plan, covers, kind_of
from millwright.operations.evaluation.rate import RateWindow
from millwright.operations.evaluation.watch import Bounds, Phase, Turn, Watch

__all__ = [
    "AHEAD_MS",
    "NO_LONGER_WATCHED",
    "Bounds",
    "Evaluator",
    "Phase",
    "Plan",
    "RateWindow",
    "Turn",
    "Watch",
    "covers",
    "kind_of",
]
