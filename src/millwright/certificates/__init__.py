"""Certificates: a built-in authority for small sites, an imported one where there is one already, and what they issued.

Vocabulary: an *authority* is a key that signs certificates; the *root* is trusted, the *issuing* authority below it
signs day by day. A *request* (PKCS #10) asks for a certificate of a key its sender has. A *subject* is a device or a
node.

Authorities are the node's own. A certificate belongs to the organisation of its subject.

Invariants: an authority's private key is in the records only sealed; every certificate issued has its record, so that
it can be revoked; a certificate never outlives its issuer; a subject's name in a certificate is ours to write, never
the request's.

Standards: X.509 and CRLs after RFC 5280, requests after RFC 2986, enrolment after RFC 7030 (in ``devices``).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.certificates.authority import CertificateAuthority, Signed
    from millwright.certificates.model import (
        Authority,
        AuthorityImport,
        Certificate,
        CertificatePage,
        Reason,
        device_uri,
    )
    from millwright.certificates.node import NodeCertificate
    from millwright.certificates.requests import check_request, parse_request, pkcs7_certificates
    from millwright.certificates.settings import CertificatesSettings, TlsSettings
    from millwright.certificates.store import (
        CertificateStore,
        find_code,
        insert_code,
        insert_issued,
        revoke,
        revoke_organisation,
        revoke_subject,
        take_code,
    )

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "MIGRATIONS",
    "Authority",
    "AuthorityImport",
    "Certificate",
    "CertificateAuthority",
    "CertificatePage",
    "CertificateStore",
    "CertificatesSettings",
    "NodeCertificate",
    "Reason",
    "Signed",
    "TlsSettings",
    "check_request",
    "device_uri",
    "find_code",
    "insert_code",
    "insert_issued",
    "parse_request",
    "pkcs7_certificates",
    "revoke",
    "revoke_organisation",
    "revoke_subject",
    "take_code",
]
