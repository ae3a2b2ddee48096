"""What the listener's TLS rests on: its certificate and key, and whose client certificates it believes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from millwright.kernel import Invalid, Repeat

logger = logging.getLogger(__name__)

POLL_S: Final = 5.0


def _no_trust() -> str:
    return ""


class ListenerTls:
    """Makes the context that handshakes use, and another one when a file or the trusted authorities change.

    Connections that are there keep what they were made with. ``trust`` gives the authorities (PEM) whose client
    certificates are believed; it may block. ``mode`` is ``off``, ``optional`` or ``required``. A
    :class:`millwright.kernel.Part`, to be started before the listener.
    """

    def __init__(
        self,
        certificate: str | Path,
        key: str | Path,
        *,
        mode: str = "off",
        trust: Callable[[], str] = _no_trust,
        client_ca: str = "",
        poll_s: float = POLL_S,
    ) -> None:
        self._certificate, self._key, self._client_ca = str(certificate), str(key), client_ca
        self._mode, self._trust = mode, trust
        self._context: ssl.SSLContext | None = None
        self._made_of: object = None
        self._watch = Repeat(
            self._look,
            poll_s,
            first_s=poll_s,
            name="listener's TLS",
            lost="TLS goes on with what it has",
            back="TLS takes over changes again",
            log=logger,
        )

    def context(self) -> ssl.SSLContext:
        """What the next handshake uses. Raises ``Invalid`` (``listener.certificate_unusable``)."""
        if self._context is None:
            self.refresh()
        assert self._context is not None
        return self._context

    def refresh(self) -> bool:
        """Look whether anything changed; whether a new context was made. Blocks.

        Raises ``Invalid`` (``listener.certificate_unusable``, ``listener.client_ca_unusable``).
        """
        trust = self._trust() if self._mode != "off" else ""
        made_of = (trust, *(_stamp(path) for path in (self._certificate, self._key, self._client_ca)))
        if made_of == self._made_of:
            return False
        context = self._make(trust)
        self._context, self._made_of = context, made_of
        return True

    async def start(self) -> None:
        """Make the first context, then look for changes."""
        await asyncio.to_thread(self.refresh)
        await self._watch.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._watch.stop()

    async def _look(self) -> None:
        if await asyncio.to_thread(self.refresh):
            logger.info("TLS uses the changed certificate, key or authorities from now on")

    def _make(self, trust: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # A password is never asked for at the terminal: an encrypted key is an error.
            context.load_cert_chain(self._certificate, self._key or None, password="")
        except (OSError, ssl.SSLError) as error:
            raise Invalid(
                f"The certificate {self._certificate!r} with key {self._key!r} cannot be used: {error}",
                code="listener.certificate_unusable",
                hint="Set [mqtt] certificate and key to readable PEM files that belong together, or tls_port to 0.",
            ) from error
        if self._mode == "off":
            return context
        if trust:
            try:
                context.load_verify_locations(cadata=trust)
            except (OSError, ValueError, TypeError) as error:
                raise Invalid(
                    f"The authorities trusted with device certificates cannot be used: {error}",
                    code="listener.client_ca_unusable",
                    hint="Set [mqtt] client_ca to a readable PEM file with CA certificates, or leave it empty.",
                ) from error
        if self._client_ca:
            try:
                context.load_verify_locations(self._client_ca)
            except (OSError, ssl.SSLError) as error:
                raise Invalid(
                    f"The authorities in {self._client_ca!r} cannot be used: {error}",
                    code="listener.client_ca_unusable",
                    hint="Set [mqtt] client_ca to a readable PEM file with CA certificates, or leave it empty.",
                ) from error
        if self._mode == "required" or trust or self._client_ca:
            context.verify_mode = ssl.CERT_REQUIRED if self._mode == "required" else ssl.CERT_OPTIONAL
            # An issuing authority may be trusted without the root above it.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context


def fingerprint_of(transport: asyncio.BaseTransport) -> bytes:
    """SHA-256 of the certificate that the client at the other end proved to have; empty without one."""
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(True) if tls is not None else None
    return hashlib.sha256(certificate).digest() if certificate else b""


def _stamp(path: str) -> tuple[int, int]:
    if not path:  # no file is named; the empty path would be the working folder
        return 0, 0
    try:
        found = Path(path).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
