"""The names under which this node answers.

A page of another site can make its own name lead to this machine (DNS rebinding) and then reads what it likes with the
browser's help, so a request for a name that is nobody's here is refused. Numbers cannot be made to lead elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from millwright.web.settings import WebSettings

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:(?P<port>[0-9]{1,5}))?\Z")


class Hosts:
    """Knows whether a Host header names this node: by number, ``localhost``, the machine's own name, the name in
    ``public_url``, or one of ``hosts``."""

    def __init__(self, settings: WebSettings) -> None:
        public = urlsplit(settings.public_url)
        self._public = f"{public.scheme}://{public.netloc}".lower() if settings.public_url else ""
        machine = socket.gethostname().lower()
        listen = settings.host.lower()
        self._names = {"localhost", machine, f"{machine}.local", listen, *(name.lower() for name in settings.hosts)}
        if public.hostname:
            self._names.add(public.hostname)

    def allows(self, host: bytes | None) -> bool:
        """Whether this is one well-formed Host header with a name of this node."""
        found = _HOST.match(host.decode("latin-1")) if host else None
        if found is None:
            return False
        name = found["name"].lower().rstrip(".")
        return name in self._names or name.endswith(".localhost") or _is_number(name.strip("[]"))

    def origin(self, scheme: str, host: bytes) -> str:
        """The origin (RFC 6454) under which browsers know this node: ``public_url``'s, else that of the request."""
        return self._public or f"{scheme}://{host.decode('latin-1')}".lower()


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
