"""Checking a copy of a log offline: no node is asked, and nothing in the copy is believed without a signature."""

from millwright.ledger.verification.alignment import align
from millwright.ledger.verification.model import Finding, Report
from millwright.ledger.verification.verify import verify

__all__ = ["Finding", "Report", "align", "verify"]
