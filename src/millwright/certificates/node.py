"""The node's own certificate for its listeners: in files, renewed before it ends, the same for every role here."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509

from millwright.certificates.authority import CertificateAuthority
from millwright.certificates.files import CERTIFICATE, KEY, TRUST
from millwright.certificates.keys import key_bytes, make_key
from millwright.certificates.profiles import general_name, milliseconds
from millwright.certificates.store import insert_issued
from millwright.engines.sql import Records
from millwright.kernel import ROOT, Clock
from millwright.kernel.files import write_whole
from millwright.ledger import note


def own_names(more: Sequence[str]) -> list[str]:
    """The names a certificate of this machine carries: its own, the local ones, and ``more``."""
    names = [*more, socket.gethostname(), "localhost", "127.0.0.1", "::1"]
    return [name for name in dict.fromkeys(names) if name and name not in ("0.0.0.0", "::")]


class NodeCertificate:
    """Keeps ``node.pem``, ``node.key`` and ``ca.pem`` in a folder of this machine. Blocks.

    The roles of a node share the folder: whichever looks first after two thirds of the certificate's life renews it.
    """

    def __init__(
        self,
        authority: CertificateAuthority,
        records: Records,
        clock: Clock,
        folder: Path,
        node: str,
        names: Sequence[str],
    ) -> None:
        self._authority, self._records, self._clock = authority, records, clock
        self._folder, self._node, self._names = folder, node, list(names)

    @property
    def certificate(self) -> Path:
        """The certificate with its chain."""
        return self._folder / CERTIFICATE

    @property
    def key(self) -> Path:
        """Its private key, readable by this user alone."""
        return self._folder / KEY

    def ensure(self) -> bool:
        """Leave a certificate that is good for a while; whether a new one was made."""
        with self._locked():
            if self._is_good():
                return False
            self._renew()
            return True

    def _is_good(self) -> bool:
        try:
            data = self.certificate.read_bytes()
            known = x509.load_pem_x509_certificate(data)
            alternative = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (OSError, ValueError, x509.ExtensionNotFound):
            return False
        begin, end = milliseconds(known.not_valid_before_utc), milliseconds(known.not_valid_after_utc)
        if self._clock.now_ms() > end - (end - begin) // 3 or not self.key.exists():
            return False
        current = self._authority.store.find_active()
        if current is None or self._authority.chain_of(current).encode() not in data:
            return False
        return all(general_name(name) in alternative for name in self._names)

    def _renew(self) -> None:
        key = make_key(self._authority.settings.algorithm)
        names = [general_name(name) for name in self._names]
        signed = self._authority.sign(key.public_key(), "node", self._node, names, "node", ROOT)
        with self._records.begin() as connection:
            insert_issued(connection, signed.row)
        shown = {name: signed.row[name] for name in ("fingerprint", "not_after_ms")}
        note("node", self._node, self._node, after={"certificate": shown})
        write_whole(self.key, key_bytes(key), private=True, durable=True)
        write_whole(self.certificate, (signed.certificate + signed.chain).encode(), durable=True)
        write_whole(self._folder / TRUST, "".join(self._authority.trusted()).encode(), durable=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)
