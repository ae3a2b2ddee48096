"""The code systems, in the order in which an unknown text is tried: those that name themselves come first."""

from __future__ import annotations

from millwright.identity.codes import did, ecode, epc, gs1, handle, idcode, oid
from millwright.identity.codes.model import System

SYSTEMS: tuple[System, ...] = (
    did.SYSTEM,
    epc.SYSTEM,
    gs1.SYSTEM,
    oid.SYSTEM,
    idcode.SYSTEM,
    ecode.SYSTEM,
    handle.SYSTEM,
)
"""One line a system."""
