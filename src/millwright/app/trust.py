"""Whom this machine believes to be its own node: what the node serves with, and its authorities."""

from __future__ import annotations

import ssl
from pathlib import Path

from millwright.app.folder import DataFolder
from millwright.certificates.files import SERVED, TRUST


def node_context(folder: DataFolder, *, by_address: bool) -> ssl.SSLContext | bool:
    """How a client here checks a node's certificate; ``True`` (as anybody would) when there is nothing of our own.

    ``by_address``: the node is reached under the address that the data folder names, so it must serve with what the
    folder holds, and its certificate need not carry that address.
    """
    files = [path for name in (TRUST, SERVED) if (path := folder.tls / name).exists()]
    if not files:
        return True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if by_address else ssl.create_default_context()
    for path in files:
        _load(context, path)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = not by_address
    return context


def _load(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except (OSError, ssl.SSLError):
        return
