"""What the other side's status codes and this library's exceptions mean to whoever called."""

from __future__ import annotations

from typing import Final

from asyncua import ua

from millwright.devices.connectors.opcua.values import status_name
from millwright.devices.connectors.opcua.wire import UNREADABLE, guard
from millwright.kernel import Denied, Invalid, MillwrightError, Unavailable, Unsupported

SIGN_IN: Final = frozenset(
    {"BadUserAccessDenied", "BadIdentityTokenRejected", "BadIdentityTokenInvalid", "BadUserSignatureInvalid"}
)
OUR_CERTIFICATE: Final = frozenset(
    {
        "BadSecurityChecksFailed", "BadCertificateUntrusted", "BadCertificateInvalid", "BadCertificateUriInvalid",
        "BadCertificateUseNotAllowed", "BadCertificateTimeInvalid", "BadCertificateChainIncomplete",
        "BadCertificateRevoked", "BadCertificateIssuerRevoked", "BadCertificateHostNameInvalid", "BadNonceInvalid",
        "BadSecurityPolicyRejected", "BadSecurityModeRejected",
    }
)  # fmt: skip
DENIED: Final = frozenset(
    {
        "BadUserAccessDenied",
        "BadNotWritable",
        "BadNotReadable",
        "BadNotExecutable",
        "BadSecurityModeInsufficient",
        "BadLicenseNotAvailable",
    }
)
UNFIT: Final = frozenset(
    {
        "BadTypeMismatch", "BadOutOfRange", "BadInvalidArgument", "BadArgumentsMissing", "BadTooManyArguments",
        "BadIndexRangeInvalid", "BadIndexRangeNoData", "BadDataEncodingInvalid", "BadWriteNotSupported",
    }
)  # fmt: skip
UNKNOWN: Final = frozenset(
    {"BadNodeIdUnknown", "BadNodeIdInvalid", "BadMethodInvalid", "BadAttributeIdInvalid", "BadNodeClassInvalid"}
)
UNSUPPORTED: Final = frozenset(
    {
        "BadServiceUnsupported",
        "BadHistoryOperationUnsupported",
        "BadHistoryOperationInvalid",
        "BadNotSupported",
        "BadNotImplemented",
    }
)
TOO_MANY: Final = frozenset(
    {
        "BadTooManyOperations",
        "BadRequestTooLarge",
        "BadResponseTooLarge",
        "BadEncodingLimitsExceeded",
        "BadTcpMessageTooLarge",
    }
)
"""The request asked for more at once than the server takes: ask for less."""


def name_of(error: BaseException) -> str:
    """The status code's name, empty when it is no status."""
    code = getattr(error, "code", None)
    return status_name(code) if isinstance(error, ua.UaError) and isinstance(code, int) else ""


def lost(url: str, why: str) -> Unavailable:
    """The connection is gone."""
    return Unavailable(
        f"The connection to {url} is lost: {why}.",
        code="connectors.opcua_lost",
        hint="It is opened again by itself. If that does not help, see whether the server runs and the network "
        "reaches it.",
    )


def silent(url: str, timeout_s: float) -> Unavailable:
    """There was no answer."""
    return Unavailable(
        f"{url} does not answer within {timeout_s:g} s.",
        code="connectors.opcua_silent",
        hint="See whether the server runs and is reached from here, or raise `timeout_s`.",
    )


def refused_sign_in(url: str, who: str, status: str) -> Denied:
    """The server does not take our user."""
    return Denied(
        f"{url} does not let {who} in ({status}).",
        code="connectors.opcua_sign_in",
        hint="Look at user name, password or user certificate, and whether the server knows the user.",
        detail={"status": status},
    )


def of_session(url: str, error: BaseException, timeout_s: float) -> MillwrightError:
    """What a call that failed as a whole becomes."""
    if isinstance(error, MillwrightError):
        return error
    name = name_of(error)
    if name in DENIED:
        return refused(url, name)
    if name in UNSUPPORTED:
        return unsupported(url, name)
    if isinstance(error, TimeoutError):
        return silent(url, timeout_s)
    if isinstance(error, OSError):
        return lost(url, str(error) or type(error).__name__)
    if name:
        return lost(url, name)
    if isinstance(error, UNREADABLE):
        return guard(url, error)
    return lost(url, f"{type(error).__name__}: {error}")


def refused(what: str, status: str) -> Denied:
    """The server does not allow it."""
    return Denied(
        f"{what}: the server refuses ({status}).",
        code="connectors.opcua_refused",
        hint="Ask for the right on the server, or sign in as somebody who has it.",
        detail={"status": status},
    )


def unsupported(what: str, status: str) -> Unsupported:
    """The server does not do it at all."""
    return Unsupported(
        f"{what}: the server cannot do this ({status}).",
        code="connectors.opcua_not_offered",
        hint="The manual of the server says which services and facets it has.",
        detail={"status": status},
    )


def of_operation(what: str, status: int) -> MillwrightError:
    """What a bad result of one write, call or history read becomes."""
    name = status_name(status)
    if name in DENIED:
        return refused(what, name)
    if name in UNSUPPORTED:
        return unsupported(what, name)
    if name in UNKNOWN:
        return Invalid(
            f"{what}: the server knows no such node ({name}).",
            code="connectors.opcua_node_unknown",
            hint="Browse the server for the right address; it may run another program now.",
            detail={"status": name},
        )
    if name in UNFIT:
        return Invalid(
            f"{what}: the server does not take it ({name}).",
            code="connectors.opcua_value_refused",
            hint="Look at the type and the range that the server shows for it.",
            detail={"status": name},
        )
    return Unavailable(
        f"{what}: the server could not do it ({name}).",
        code="connectors.opcua_failed",
        hint="Look at the state of the machine behind the server, then try again.",
        detail={"status": name},
    )
