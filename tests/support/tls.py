"""Real certificates, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes certificates; not installed")


def certificate(folder: Path, names: str, *, signer: tuple[Path, Path] | None = None) -> tuple[Path, Path]:
    """A certificate for ``names`` (``DNS:localhost,IP:127.0.0.1``) and its key, self-signed or by ``signer``'s."""
    folder.mkdir(exist_ok=True)
    key, chain = folder / "key.pem", folder / "cert.pem"
    signed = ["-CA", str(signer[0]), "-CAkey", str(signer[1])] if signer else []
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", f"subjectAltName={names}", *signed, "-keyout", str(key), "-out", str(chain)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return chain, key
