"""Which certificates the command line and the doctor believe; verification is never switched off.

The node on this machine is known by its own settings. Where they name a certificate file, a server must show that very
certificate, and then the name it was made for does not matter. Where the node's own authority makes its certificate, a
server must show one that this authority signed for the name it is reached by. Any other node is checked as a browser
would, against the authorities of the system or those of a file.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from pathlib import Path

from msgspec import field

from millwright.app.folder import DataFolder
from millwright.app.sections import ProcessSettings, folder_of, load_sections
from millwright.certificates.files import TRUST
from millwright.certificates.settings import TlsSettings
from millwright.kernel import Invalid
from millwright.web.settings import WebSettings

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class _TlsSections(ProcessSettings, frozen=True):
    web: WebSettings = field(default_factory=WebSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)


def own_node(config: Path | None, environ: Mapping[str, str]) -> ssl.SSLContext | None:
    """What the node that these settings describe is known by, or ``None`` when it speaks plain HTTP.

    Raises ``Invalid`` (``app.certificate_unreadable``).
    """
    found = load_sections(_TlsSections, config, environ)
    return known_by(found.web, found.tls, folder_of(found))


def known_by(web: WebSettings, tls: TlsSettings, folder: DataFolder) -> ssl.SSLContext | None:
    """The same from the sections themselves."""
    given = web.certificate or (tls.certificate if tls.mode == "files" else "")
    if given:
        return pin(Path(given))
    return trust(folder.tls / TRUST) if tls.mode == "auto" else None


def pin(certificate: Path) -> ssl.SSLContext:
    """Accepts a server that shows exactly the first certificate of this PEM file, while it is valid.

    Raises ``Invalid`` (``app.certificate_unreadable``).
    """
    try:
        text = certificate.read_text(encoding="ascii", errors="replace")
        begin = text.index(_BEGIN)
        pem = text[begin : text.index(_END, begin) + len(_END)]
        wanted = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
        context = _context(cadata=pem)
    except (OSError, ValueError) as error:  # an error of the TLS library is an OSError
        raise _unreadable(certificate, error) from error

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            shown = self.getpeercert(binary_form=True)
            if shown is None or hashlib.sha256(shown).digest() != wanted:
                raise ssl.SSLCertVerificationError(f"the server shows another certificate than {certificate}")

    # The certificate itself is compared, which says more than a name in it would.
    context.check_hostname = False
    context.sslsocket_class = PinnedSocket
    return context


def trust(authorities: Path) -> ssl.SSLContext:
    """Accepts a server whose certificate fits its name and is in this PEM file, or signed by one that is.

    Raises ``Invalid`` (``app.certificate_unreadable``).
    """
    try:
        return _context(cafile=authorities)
    except (OSError, ValueError) as error:
        raise _unreadable(authorities, error) from error


def _context(*, cafile: Path | None = None, cadata: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # requires a certificate, and that it fits the name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a certificate in the file need not be an authority's
    context.load_verify_locations(cafile=cafile, cadata=cadata)
    return context


def _unreadable(path: Path, error: Exception) -> Invalid:
    return Invalid(
        f"The certificate {path} cannot be read: {error}",
        code="app.certificate_unreadable",
        hint="Name a PEM file that this user may read; a relative path counts from the folder you are in.",
    )
