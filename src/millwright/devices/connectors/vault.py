"""The secret settings of connections: sealed together, under the connection's id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from millwright.devices.connectors.store import SEALED_NAMES
from millwright.devices.connectors.tables import SECRETS
from millwright.engines.secrets import Secrets, purpose_of

SEALED_WORD: Final = "sealed"
"""Stands for a secret that cannot be read here, where settings are only checked."""


def is_same_peer(known: Struct, wanted: Struct, secret: frozenset[str]) -> bool:
    """Whether secrets given with the settings ``known`` may be used with ``wanted``: nothing differs but times and
    limits, so it is the same machine, spoken to as safely as before."""

    def telling(settings: Struct) -> dict[str, Any]:
        every = structs.asdict(settings).items()
        return {key: value for key, value in every if key not in secret and not _is_harmless(key)}

    return telling(known) == telling(wanted)


def _is_harmless(name: str) -> bool:
    return name.endswith(("_s", "_ms")) or name.startswith("max_")


def apart(settings: Mapping[str, Any], names: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings that may be seen, with the names of the others, and those others."""
    secret = {key: value for key, value in settings.items() if key in names and value not in (None, "")}
    plain = {key: value for key, value in settings.items() if key not in names and key != SEALED_NAMES}
    return (plain | {SEALED_NAMES: sorted(secret)} if secret else plain), secret


class Vault:
    """Parts settings into what may be seen and what is sealed, and puts them together again. Blocks."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def part(
        self, connection_id: str, settings: Mapping[str, Any], names: frozenset[str]
    ) -> tuple[dict[str, Any], str | None]:
        """The settings to be kept in the open, and the others sealed (``None``: there are none)."""
        plain, secret = apart(settings, names)
        if not secret:
            return plain, None
        return plain, self._secrets.seal(purpose_of(SECRETS, connection_id), msgspec.json.encode(secret))

    def open(self, connection_id: str, settings: Mapping[str, Any], sealed: str | None) -> dict[str, Any]:
        """All settings of a connection. Raises ``Corrupt`` when its secrets cannot be opened."""
        plain = {key: value for key, value in settings.items() if key != SEALED_NAMES}
        if sealed is None:
            return plain
        secret = self._secrets.open(purpose_of(SECRETS, connection_id), sealed)
        return plain | msgspec.json.decode(secret, type=dict[str, Any])
