"""TLS on every listener by one switch: what ``[tls]`` makes of ``[web]`` and ``[mqtt]``, and what keeps it valid.

What needs cryptography is imported where it is used: most processes of a node without TLS never do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import structs

from millwright.app.folder import DataFolder
from millwright.app.node import Node
from millwright.app.settings import NodeSettings
from millwright.app.stats import Figures, Problem
from millwright.certificates.files import CERTIFICATE, KEY
from millwright.devices.mqtt import MqttSettings
from millwright.kernel import Clock, MillwrightError, Repeat
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Act, Actor, OwnActs, Recorder, Target, acting
from millwright.web import WebSettings

if TYPE_CHECKING:
    from millwright.certificates import CertificateAuthority, NodeCertificate

logger = logging.getLogger(__name__)

MQTT_TLS_PORT: Final = 8883
_LOOK_S: Final = 10.0
_RENEW_S: Final = 3600.0
_WARNED_MS: Final = 7 * 86_400_000


def listening(settings: NodeSettings, folder: DataFolder) -> tuple[WebSettings, MqttSettings]:
    """The listeners' settings in force: with ``[tls] mode`` on, both speak TLS with the same certificate.

    A certificate that ``[web]`` or ``[mqtt]`` names itself goes first.
    """
    tls, web, mqtt = settings.tls, settings.web, settings.mqtt
    if tls.mode == "off":
        return web, mqtt
    certificate, key = tls.certificate, tls.key
    if tls.mode == "auto":
        certificate, key = str(folder.tls / CERTIFICATE), str(folder.tls / KEY)
    if not web.certificate:
        web = structs.replace(web, certificate=certificate, key=key)
    mqtt = structs.replace(mqtt, port=mqtt.port if tls.plain_mqtt else 0, tls_port=mqtt.tls_port or MQTT_TLS_PORT)
    if not mqtt.certificate:
        mqtt = structs.replace(mqtt, certificate=certificate, key=key)
    return web, mqtt


def is_own(certificate: str, folder: DataFolder) -> bool:
    """Whether a listener's certificate is the one that the node's own authority makes."""
    return bool(certificate) and Path(certificate) == folder.tls / CERTIFICATE


def names(settings: NodeSettings) -> list[str]:
    """The names that the node's own certificate carries."""
    from millwright.certificates.node import own_names

    public = urlsplit(settings.web.public_url).hostname or ""
    return own_names([*settings.tls.names, public, settings.web.host, settings.mqtt.host])


class NodeTls:
    """Keeps the certificate of one role's listener valid. A :class:`millwright.kernel.Part`, started before it.

    ``auto``: makes and renews the node's certificate, and records that in the ledger. In every mode ``on_change`` (the
    web server's) is called when the files changed, by whatever hand; what cannot be renewed, or ends within a week, is
    reported as a problem.
    """

    def __init__(
        self,
        node: Node,
        authority: CertificateAuthority,
        recorder: Recorder,
        certificate: str,
        key: str,
        on_change: Callable[[], Awaitable[None]] | None = None,
        *,
        look_s: float = _LOOK_S,
    ) -> None:
        self._files = [Path(each) for each in (certificate, key) if each] if certificate else []
        self._clock: Clock = node.clock
        self._name = node.settings.node.name
        self._acts = OwnActs(recorder, node.clock, Actor("system", self._name, self._name))
        self._on_change = on_change
        settings = node.settings
        self._own: NodeCertificate | None = None
        if settings.tls.mode == "auto" and is_own(certificate, node.folder):
            from millwright.certificates import NodeCertificate

            everything = node.records.scoped(EVERYTHING)
            self._own = NodeCertificate(
                authority, everything, node.clock, node.folder.tls, settings.node.name, names(settings)
            )
        self._seen: object = None
        self._ends_ms: int | None = None
        self._since_ms = node.clock.now_ms()
        self._renewed_s, self._started = 0.0, False
        self._watch = Repeat(
            self._round,
            look_s,
            first_s=look_s,
            name="TLS certificate",
            lost="the TLS certificate cannot be renewed, taken over or told of",
            back="the TLS certificate is looked after again",
            log=logger,
        )

    async def start(self) -> None:
        """Leave a valid certificate where one is to be made. Raises what keeps it from being made."""
        if not self._files:
            return
        await self._ensure()
        self._seen = await asyncio.to_thread(self._look)
        self._renewed_s = self._clock.monotonic_s()
        self._started = True
        await self._watch.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._watch.stop()
        if self._started:
            self._started = False
            try:
                await self._acts.tell()
            except MillwrightError as error:
                logger.warning("a new certificate is not in the ledger: %s", error.message)

    def figures(self) -> Figures:
        """A problem while the certificate is about to end."""
        left_ms = None if self._ends_ms is None else self._ends_ms - self._clock.now_ms()
        if left_ms is None or left_ms > _WARNED_MS:
            return Figures()
        days = max(0, left_ms // 86_400_000)
        return Figures(
            problems=[
                Problem(
                    "tls.certificate_ends",
                    f"The certificate {self._files[0]} ends in {days} days.",
                    "Put a new one in its place, it is taken over at once; with [tls] mode = auto read the role's log.",
                    self._since_ms,
                )
            ]
        )

    def _look(self) -> object:
        """Which files are there; reads until when the certificate is valid where they are others than last time."""
        seen = []
        for path in self._files:
            with contextlib.suppress(OSError):
                seen.append((path.stat().st_mtime_ns, path.stat().st_size))
        if seen == self._seen:
            return seen
        from cryptography import x509

        try:
            known = x509.load_pem_x509_certificate(self._files[0].read_bytes())
            self._ends_ms = int(known.not_valid_after_utc.timestamp() * 1000)
        except (OSError, ValueError):
            self._ends_ms = None
        return seen

    async def _round(self) -> None:
        try:
            if self._clock.monotonic_s() - self._renewed_s > _RENEW_S:
                self._renewed_s = self._clock.monotonic_s()
                await self._ensure()
            await self._take_over()
        finally:
            await self._acts.tell()

    async def _take_over(self) -> None:
        """Let the listener use the files when they are others; one that cannot is told again."""
        seen = await asyncio.to_thread(self._look)
        if seen == self._seen:
            return
        if self._on_change is not None:
            await self._on_change()
        self._seen = seen

    async def _ensure(self) -> None:
        """Make the certificate where that is due; what was made is told to the ledger when that takes it."""
        if self._own is None:
            return
        act = Act()
        with acting(act):
            await asyncio.to_thread(self._own.ensure)
        if act.notes:
            self._acts.keep(act, "certificates.renew", Target("node", self._name, self._name))
