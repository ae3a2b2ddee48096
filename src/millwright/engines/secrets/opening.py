"""From settings to secrets."""

from __future__ import annotations

from pathlib import Path

from millwright.engines.secrets.service import Secrets
from millwright.engines.secrets.settings import SecretsSettings
from millwright.engines.secrets.wrapping import Command, GivenKeys, KeyFile, Wrapper
from millwright.engines.sql import Records
from millwright.kernel import Clock

FILE = "secrets.key"
"""The key file in the data folder, unless the settings name another."""


def key_file(settings: SecretsSettings, folder: Path) -> Path:
    """Where ``source = file`` keeps the master keys."""
    return Path(settings.file).expanduser() if settings.file else folder / FILE


def open_secrets(settings: SecretsSettings, records: Records, folder: Path, clock: Clock) -> Secrets:
    """The secrets of one database; no I/O yet. ``folder`` is the data folder."""
    wrapper: Wrapper
    if settings.source == "environment":
        wrapper = GivenKeys(settings.secret_key, settings.old_secret_keys, settings.cipher)
    elif settings.source == "command":
        wrapper = Command(settings.command, settings.command_timeout_s)
    else:
        wrapper = KeyFile(key_file(settings, folder), settings.cipher)
    return Secrets(records, wrapper, clock, settings.cipher)
