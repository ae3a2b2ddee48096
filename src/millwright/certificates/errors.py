"""Errors of certificates: one function for each, so that code, words and hint are in one place."""

from __future__ import annotations

from millwright.kernel import Conflict, Denied, Invalid, LimitExceeded, NotFound


def refused_request(reason: str, message: str, hint: str = "", pointer: str = "/request") -> Invalid:
    """A request for a certificate is refused; ``reason`` ends the code."""
    return Invalid(
        message,
        code=f"certificates.{reason}",
        hint=hint or "Make a new request: `openssl req -new -key device.key -subj / -out device.csr`.",
        detail={"pointer": pointer},
    )


def too_large(limit: int) -> LimitExceeded:
    """A request, certificate or chain has more bytes than any honest one."""
    return LimitExceeded(
        f"More than {limit} bytes were sent where a certificate request was expected.",
        code="certificates.request_too_large",
        hint="Send one PKCS #10 request in PEM and nothing else.",
    )


def authority_invalid(message: str, hint: str = "") -> Invalid:
    """What was to be imported cannot sign certificates."""
    return Invalid(
        message,
        code="certificates.authority_invalid",
        hint=hint or "Send a CA certificate (CA:TRUE, keyCertSign), its chain and its own private key.",
        detail={"pointer": "/certificate"},
    )


def no_authority() -> NotFound:
    """No authority was made or imported yet."""
    return NotFound(
        "This node has no certificate authority yet.",
        code="certificates.no_authority",
        hint="It is made with the first certificate; an administrator makes or imports one on the system page.",
    )


def authority_unknown(key: str) -> NotFound:
    """There is no authority with this id."""
    return NotFound(
        f"There is no authority {key[:64]}.",
        code="certificates.authority_unknown",
        hint="GET /api/v1/certificates/authorities lists all.",
    )


def certificate_unknown(key: str) -> NotFound:
    """There is no certificate with this id, or not of this subject."""
    return NotFound(
        f"There is no certificate {key[:64]}.",
        code="certificates.certificate_unknown",
        hint="List the certificates of the device.",
    )


def key_reused() -> Conflict:
    """The key of a request is another subject's, or was revoked."""
    return Conflict(
        "The key of this request is known already: another device has it, or its certificate was revoked.",
        code="certificates.key_reused",
        hint="Make a new key for each device, on the device.",
    )


def renewal_refused(message: str) -> Denied:
    """A renewal does not prove that its sender has the certificate it names."""
    return Denied(
        message,
        code="certificates.renewal_refused",
        hint="Sign the new request with the key of a certificate of this device that is still valid, or use a code.",
    )
