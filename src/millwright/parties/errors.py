"""Errors of signing in."""

from __future__ import annotations

from millwright.kernel import Denied


class NotSignedIn(Denied):
    """Nobody is signed in, or the password or token is wrong; over HTTP a 401 where other denials are a 403."""
