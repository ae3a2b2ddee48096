"""Keys, requests and authorities made by the ``openssl`` command line, which knows nothing of Millwright."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

KINDS = {
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-newkey", "rsa:2048"],
    "ed25519": ["-newkey", "ed25519"],
}


def openssl(*arguments: str, stdin: bytes | None = None, check: bool = True, cwd: Path | None = None) -> str:
    """Run ``openssl``; what it printed."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt install openssl")
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False, timeout=60, cwd=cwd)
    assert not check or done.returncode == 0, done.stderr.decode(errors="replace")
    return (done.stdout + done.stderr).decode(errors="replace")


def make_request(folder: Path, name: str = "device", *options: str, subject: str = "/", kind: str = "ec") -> str:
    """A key (``<name>.key``) and a request for it (``<name>.csr``) in ``folder``; the request in PEM."""
    key, request = folder / f"{name}.key", folder / f"{name}.csr"
    arguments = [*KINDS[kind], "-nodes", "-keyout", str(key), "-out", str(request), "-subj", subject, *options]
    openssl("req", "-new", *arguments)
    return request.read_text()


def make_authority(folder: Path, name: str = "ours", *, days: int = 3650) -> tuple[str, str]:
    """A self-signed authority; its certificate and key in PEM."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    openssl(
        *("req", "-x509", *KINDS["ec"], "-nodes", "-keyout", str(key), "-out", str(certificate)),
        *("-subj", f"/CN={name} CA", "-days", str(days), "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    return certificate.read_text(), key.read_text()
