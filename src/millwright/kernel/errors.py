"""One error family for each thing a caller must do next.

Domains raise these and know no transport. The web maps a family to an HTTP status (RFC 9457 problem
details), the command line to an exit code, a protocol to its own reason code. Every error carries a
stable ``code`` (dotted, never translated) and a ``hint`` that says what to do.
"""

from __future__ import annotations

from typing import Any, ClassVar


class MillwrightError(Exception):
    """Base of every error that Millwright raises on purpose.

    ``code`` is stable and dotted (``devices.token_unknown``); ``hint`` tells the reader what to do;
    ``detail`` holds machine-readable facts (JSON types only).
    """

    family: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str, hint: str = "", detail: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.detail = detail or {}

    def to_dict(self) -> dict[str, Any]:
        """The error as plain data, for a reply that crosses a process border."""
        return {
            "family": self.family,
            "message": self.message,
            "code": self.code,
            "hint": self.hint,
            "detail": self.detail,
            "retry_after_s": getattr(self, "retry_after_s", None),
        }


class Invalid(MillwrightError):
    """The request is malformed or breaks a rule: mend it before sending it again."""

    family = "invalid"


class Denied(MillwrightError):
    """The caller is not known, or may not do this."""

    family = "denied"


class NotFound(MillwrightError):
    """The named object does not exist, or the caller may not know that it does."""

    family = "not_found"


class Conflict(MillwrightError):
    """The object is in another state than the caller assumes: read it again, then decide."""

    family = "conflict"


class Outdated(Conflict):
    """The change rests on a revision that the caller named and that is no longer the newest."""


class Unsupported(MillwrightError):
    """The request is understood, and this node does not do it."""

    family = "unsupported"


class Corrupt(MillwrightError):
    """Stored or received data is broken: a repair or a restore is needed."""

    family = "corrupt"


class LimitExceeded(MillwrightError):
    """A quota, size or rate is used up; ``retry_after_s`` tells when it frees, if it does."""

    family = "limit_exceeded"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str = "",
        detail: dict[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, detail=detail)
        self.retry_after_s = retry_after_s


class Unavailable(MillwrightError):
    """Something this needs is away for now: try again after ``retry_after_s`` seconds."""

    family = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str = "",
        detail: dict[str, Any] | None = None,
        retry_after_s: float = 1.0,
    ) -> None:
        super().__init__(message, code=code, hint=hint, detail=detail)
        self.retry_after_s = retry_after_s


FAMILIES: dict[str, type[MillwrightError]] = {
    family.family: family
    for family in (Invalid, Denied, NotFound, Conflict, Unsupported, Corrupt, LimitExceeded, Unavailable)
}


def from_dict(data: dict[str, Any]) -> MillwrightError:
    """The error that :meth:`MillwrightError.to_dict` described; an unknown family becomes ``Unavailable``."""
    kind = FAMILIES.get(str(data.get("family")), Unavailable)
    retry: dict[str, Any] = {}
    if kind in (LimitExceeded, Unavailable) and data.get("retry_after_s") is not None:
        retry["retry_after_s"] = float(data["retry_after_s"])
    return kind(
        str(data.get("message", "")),
        code=str(data.get("code", "kernel.unknown")),
        hint=str(data.get("hint", "")),
        detail=dict(data.get("detail") or {}),
        **retry,
    )
