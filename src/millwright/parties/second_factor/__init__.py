"""A second factor beside the password: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for the day
the telephone is lost.

Invariants: an app's secret is kept sealed and shown once; a code works once; a recovery code works once, and its salted
digest alone is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.parties.second_factor.service import SecondFactors

__getattr__ = exports(__name__)

__all__ = ["SecondFactors"]
