"""Where a browser may be sent after it came back from a provider."""

from __future__ import annotations


def local_path(path: str) -> str:
    """A path of this console, or ``/``: nothing that a browser would take for another site or for the API."""
    plain = path.isascii() and path.isprintable() and "\\" not in path and "%5c" not in path.lower()
    if not plain or not path.startswith("/") or path.startswith(("//", "/api/")) or len(path) > 512:
        return "/"
    return path
