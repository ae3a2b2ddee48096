"""Where a request comes from, as far as signing in wants to know."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from millwright.kernel import Unsupported


@dataclass(frozen=True, slots=True)
class Origin:
    """``address`` and ``agent`` of the client, the secret by which its browser is known (or empty), and ``url``: the
    origin (RFC 6454) under which it reached this node."""

    address: str = ""
    agent: str = ""
    browser: str = ""
    url: str = "http://localhost"

    @property
    def relying_party(self) -> str:
        """The relying party of WebAuthn (§5.1.3): the host's name.

        Raises ``Unsupported`` (``parties.passkeys_need_a_name``) for an address of numbers, for which browsers make
        no passkeys.
        """
        host = urlsplit(self.url).hostname or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host
        raise Unsupported(
            "Passkeys belong to a name, and this node was reached by its number.",
            code="parties.passkeys_need_a_name",
            hint="Open it as https://its.name (on the machine itself: http://localhost) and try again.",
        )
