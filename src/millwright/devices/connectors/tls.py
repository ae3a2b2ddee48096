"""TLS as a client, out of PEM texts in the settings of a connection."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from millwright.kernel import Invalid

ANY_NAME = "-"
"""In place of a name in a certificate: any will do."""


def client_context(
    *, authorities: str = "", certificate: str = "", key: str = "", name: str = "", code: str
) -> ssl.SSLContext:
    """At least TLS 1.2, the other side's certificate verified against ``authorities`` or those of this machine. Blocks.

    Raises ``Invalid`` with ``code`` when certificate or key cannot be used.
    """
    try:
        made = ssl.create_default_context(cadata=authorities or None)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.check_hostname = name != ANY_NAME
        if certificate:
            _load(made, certificate, key)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise Invalid(
            f"A certificate or key of the connection cannot be used: {error}.",
            code=code,
            hint="Give them as PEM text, the key without a passphrase and matching the certificate.",
        ) from error
    return made


def _load(made: ssl.SSLContext, certificate: str, key: str) -> None:
    # OpenSSL reads them from a file only; it is ours alone and gone at once.
    handle, name = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(certificate.strip() + "\n" + key.strip() + "\n")
        made.load_cert_chain(name)
    finally:
        Path(name).unlink(missing_ok=True)
