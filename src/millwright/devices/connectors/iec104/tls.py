"""TLS by IEC 62351-3: at least 1.2, both sides with certificates where the station asks."""

from __future__ import annotations

import ssl

from ..tls import client_context
from .settings import Iec104Settings


def context(settings: Iec104Settings) -> ssl.SSLContext | None:
    """What the connection is secured by; ``None`` without ``tls``. Blocks.

    Raises ``Invalid`` (``iec104.certificate_unusable``).
    """
    if not settings.tls:
        return None
    return client_context(
        authorities=settings.tls_authorities,
        certificate=settings.tls_certificate,
        key=settings.tls_key,
        name=settings.tls_server_name,
        code="iec104.certificate_unusable",
    )
