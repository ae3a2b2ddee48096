"""Looks for what keeps a node from starting or working, and says how to mend it. Changes nothing."""

from millwright.app.doctor.examination import Examination, examine
from millwright.app.doctor.finding import Finding

__all__ = ["Examination", "Finding", "examine"]
