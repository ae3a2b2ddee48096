"""Rotating the keys of everything sealed, from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from millwright.app.node import open_records
from millwright.app.schema import require_schema
from millwright.app.sections import folder_of
from millwright.app.settings import NodeSettings
from millwright.engines.secrets import Rotation, RotationReport, Secrets, open_secrets
from millwright.kernel import SystemClock
from millwright.kernel.scope import EVERYTHING

TABLES = (
    "millwright.certificates.tables",
    "millwright.parties.second_factor.store",
    "millwright.approvals.tables",
)
"""Modules that declare sealed columns; a domain that begins to seal something is added here."""


@dataclass(frozen=True, slots=True)
class SecretsState:
    """How secrets stand: the master key's id, data keys, secrets, and how many of all are not under the newest keys."""

    source: str
    master_key: str
    data_keys: int
    secrets: int
    pending: int


def state(settings: NodeSettings) -> SecretsState:
    """How secrets stand. Raises what keeps them from being opened."""
    with _Opened(settings) as (rotation, secrets):
        keys = secrets.check()
        return SecretsState(
            settings.secrets.source, secrets.wrapper.key_id(), len(keys), rotation.count(), rotation.pending()
        )


def rotate(settings: NodeSettings, *, begin: bool) -> RotationReport:
    """Seal everything under new keys; without ``begin`` only finish what an interrupted rotation left."""
    with _Opened(settings) as (rotation, _):
        if begin:
            rotation.begin()
        return rotation.finish()


class _Opened:
    """The records of a node, opened for one command."""

    def __init__(self, settings: NodeSettings) -> None:
        for module in TABLES:
            import_module(module)
        clock = SystemClock()
        self._records = open_records(settings, EVERYTHING)
        self._secrets = open_secrets(settings.secrets, self._records, folder_of(settings).root, clock)
        self._rotation = Rotation(self._records, self._secrets, clock)

    def __enter__(self) -> tuple[Rotation, Secrets]:
        require_schema(self._records)
        return self._rotation, self._secrets

    def __exit__(self, *_: object) -> None:
        self._records.close()
