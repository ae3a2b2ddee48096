"""TLS to a NATS server on another machine."""

from __future__ import annotations

import ssl

from millwright.engines.nats.settings import NatsSettings
from millwright.kernel import Invalid


def tls_context(settings: NatsSettings) -> ssl.SSLContext | None:
    """How connections to ``[nats] url`` are secured; ``None`` without certificates of our own and a ``tls://`` URL.

    Raises ``Invalid`` (``engines.nats_certificate_unusable``).
    """
    if not settings.url or not (settings.ca or settings.certificate or settings.url.startswith("tls://")):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate:
            context.load_cert_chain(settings.certificate, settings.key or None)
    except (OSError, ssl.SSLError) as error:
        raise Invalid(
            f"The certificates of [nats] cannot be used: {error}",
            code="engines.nats_certificate_unusable",
            hint="Set [nats] ca, certificate and key to readable PEM files; certificate and key belong together.",
        ) from error
    return context
