"""Passkeys (W3C Web Authentication, Level 3): a key pair on the person's own device, unlocked by them.

A passkey is two factors at once, for the device asks for a finger, a face or a number: user verification is demanded.
The browser offers those it has for this node's name, so that signing in takes no user name. Attestation is not asked
for: any device is welcome.

Invariants: a challenge is used once; a signature counter that goes back is noticed, refused and shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.parties.passkeys.service import Passkeys

__getattr__ = exports(__name__)

__all__ = ["Passkeys"]
