"""A device's certificates: asked for, renewed, revoked. A certificate is a credential like a token, and opens the same.

Its fingerprint's digest stands among the device's credentials, so the listener knows the device by it at once, and
revoking ends the connections made with it as fast as with a token. What was issued, and the list of what was revoked,
is kept by :mod:`millwright.certificates`.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.certificates.model import (
        CertificateRequest,
        EnrolmentCode,
        IssuedCertificate,
        NewCode,
        Renewal,
        Revocation,
    )
    from millwright.devices.certificates.service import DeviceCertificates

__getattr__ = exports(__name__)

__all__ = [
    "CertificateRequest",
    "DeviceCertificates",
    "EnrolmentCode",
    "IssuedCertificate",
    "NewCode",
    "Renewal",
    "Revocation",
]
