"""TLS by IEC 62351-3: at least 1.2, both sides with certificates where the station asks."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from millwright.kernel import Invalid

from .settings import Iec104Settings


def context(settings: Iec104Settings) -> ssl.SSLContext | None:
    """What the connection is secured by; ``None`` without ``tls``. Blocks.

    Raises ``Invalid`` (``iec104.certificate_unusable``).
    """
    if not settings.tls:
        return None
    try:
        made = ssl.create_default_context(cadata=settings.tls_authorities or None)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.check_hostname = settings.tls_server_name != "-"
        if settings.tls_certificate:
            _load(made, settings)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise Invalid(
            f"A certificate or key of the connection cannot be used: {error}.",
            code="iec104.certificate_unusable",
            hint="Give them as PEM text, the key without a passphrase and matching the certificate.",
        ) from error
    return made


def _load(made: ssl.SSLContext, settings: Iec104Settings) -> None:
    # OpenSSL reads them from a file only; it is ours alone and gone at once.
    handle, name = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(settings.tls_certificate.strip() + "\n" + settings.tls_key.strip() + "\n")
        made.load_cert_chain(name)
    finally:
        Path(name).unlink(missing_ok=True)
