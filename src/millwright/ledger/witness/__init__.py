"""Witnessing: a second node sees a log's tree heads, checks that each continues the last one, and co-signs (C2SP
tlog-witness, tlog-cosignature). ``state`` decides, ``server`` speaks HTTP, ``feed`` asks on a log's behalf."""

from millwright.ledger.witness.feed import WitnessFeed, WitnessLink
from millwright.ledger.witness.server import create_witness, parse_request
from millwright.ledger.witness.state import Refused, Witness

__all__ = ["Refused", "Witness", "WitnessFeed", "WitnessLink", "create_witness", "parse_request"]
