"""Secrets for tests, under a key that is given."""

from __future__ import annotations

import base64
from pathlib import Path

from millwright.engines.secrets import Secrets, SecretsSettings, open_secrets
from millwright.engines.sql import Records
from millwright.kernel import Clock


def sealing(records: Records, clock: Clock, key: bytes = bytes(range(32)), *, prepare: bool = True) -> Secrets:
    """Secrets of ``records`` under the master key ``key``; ``prepare``: make the data key where there is none yet."""
    settings = SecretsSettings(source="environment", secret_key=base64.b64encode(key).decode())
    secrets = open_secrets(settings, records, Path(), clock)
    if prepare:
        secrets.prepare()
    return secrets
