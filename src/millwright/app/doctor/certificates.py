"""Certificates, the authorities behind them, and the keys of secrets."""

from __future__ import annotations

import time
from pathlib import Path

from cryptography import x509

from millwright.app.doctor.finding import Finding, ok, warning, wrong
from millwright.app.folder import DataFolder
from millwright.app.node import open_records
from millwright.app.settings import NodeSettings
from millwright.app.tls import listening
from millwright.certificates import CertificateStore
from millwright.certificates.keys import public_key_of, read_key, spki
from millwright.certificates.profiles import general_name, milliseconds
from millwright.engines.secrets import open_secrets
from millwright.kernel import MillwrightError, SystemClock
from millwright.kernel.scope import EVERYTHING

_DAY_MS = 86_400_000
_SOON_DAYS = 14


def check_certificates(settings: NodeSettings, folder: DataFolder) -> list[Finding]:
    """The certificates that the listeners use, and what would surprise whoever relies on them."""
    web, mqtt = listening(settings, folder)
    used: dict[tuple[str, str], list[str]] = {}
    if web.certificate:
        used.setdefault((web.certificate, web.key), []).append("web")
    if mqtt.tls_port and mqtt.certificate:
        used.setdefault((mqtt.certificate, mqtt.key), []).append("mqtt")
    found = []
    for (certificate, key), listeners in used.items():
        check = f"certificate of {' and '.join(listeners)}"
        if settings.tls.mode == "auto" and Path(certificate).parent == folder.tls and not Path(certificate).exists():
            found.append(ok(check, "will be made at the first start"))
        else:
            found.append(_check(check, Path(certificate), Path(key or certificate), settings.tls.names))
    if mqtt.client_certificates == "required":
        check = "client certificates"
        if not mqtt.tls_port:
            found.append(
                wrong(check, "They are required, and no port takes any.", "Set [tls] mode or [mqtt] tls_port.")
            )
        elif mqtt.port:
            message = f"Nobody can sign in on port {mqtt.port}, which is without TLS."
            found.append(warning(check, message, "Set [mqtt] port to 0."))
    if not web.certificate and web.host not in ("127.0.0.1", "::1", "localhost"):
        message = "The console is served to other machines without TLS."
        found.append(warning("TLS", message, "Set [tls] mode to auto or files, or put a proxy with TLS before it."))
    return found


def _check(check: str, certificate: Path, key: Path, names: list[str]) -> Finding:
    try:
        known = x509.load_pem_x509_certificate(certificate.read_bytes())
        own = read_key(key.read_bytes())
        public = public_key_of(known)
    except (OSError, ValueError, MillwrightError) as error:
        said = error.message if isinstance(error, MillwrightError) else str(error)
        return wrong(check, f"{certificate} with {key} cannot be read: {said}", "Name readable PEM files.")
    if spki(public) != spki(own.public_key()):
        return wrong(check, f"{certificate} and {key} do not belong together.", "Name the key of this certificate.")
    days = (milliseconds(known.not_valid_after_utc) - time.time_ns() // 1_000_000) // _DAY_MS
    if days < 0:
        return wrong(check, f"{certificate} ended {-days} days ago.", "Replace it; it is taken over at once.")
    missing = [name for name in names if not _is_named(known, name)]
    if missing:
        return warning(check, f"{certificate} does not name {', '.join(missing)}.", "Others will not believe it there.")
    if key.stat().st_mode & 0o007:
        return warning(check, f"{key} can be read by every user of this machine.", f"chmod o-rwx {key}")
    if days < _SOON_DAYS:
        return warning(check, f"{certificate} ends in {days} days.", "Replace it; [tls] mode = auto does so by itself.")
    return ok(check, f"{certificate}, {days} days left")


def _is_named(certificate: x509.Certificate, name: str) -> bool:
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    wanted = general_name(name)
    wildcard = x509.DNSName("*." + name.partition(".")[2]) if isinstance(wanted, x509.DNSName) else wanted
    return wanted in alternative or wildcard in alternative


def check_kept(settings: NodeSettings, folder: DataFolder) -> list[Finding]:
    """What the records hold of this: sealed secrets that must open, authorities that must not end."""
    if not settings.sql.url and not (folder.root / "records.db").exists():
        return [ok("secrets", "their key will be made at the first start")]
    clock = SystemClock()
    try:
        records = open_records(settings, EVERYTHING)
        try:
            keys = open_secrets(settings.secrets, records, folder.root, clock).check()
            authorities = CertificateStore(records).authorities()
        finally:
            records.close()
    except MillwrightError as error:
        return [wrong("secrets", error.message, error.hint)]
    except Exception:  # records that cannot be read at all, or are of an older version, are another check's finding
        return []
    found = [ok("secrets", f"they open; {len(keys)} data keys by {settings.secrets.source}")]
    for authority in authorities:
        days = (authority.not_after_ms - clock.now_ms()) // _DAY_MS
        if authority.active and days < 60:
            hint = "Import its successor." if authority.origin == "imported" else "Make another on the system page."
            found.append(warning("authority", f"{authority.subject} ends in {days} days.", hint))
        elif authority.active:
            found.append(ok("authority", f"{authority.subject}, {days} days left"))
    return found
