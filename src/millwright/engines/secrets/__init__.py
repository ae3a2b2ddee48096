"""Secrets that must be read back: sealed in the records under keys that are not in the records.

Vocabulary: a *secret* (a CA's private key, a client secret, a seed, a connector's password) is *sealed* under a *data
key*. Data keys are kept in the records, each *wrapped* by the *master key*, which is outside: in a file, in the
environment, or in a key management service behind a command. A *purpose* names the place a secret belongs to
(``certificates.authority:ca_…``); it is bound into the seal, so a sealed value moved to another row does not open.

A column that holds sealed values says so in its table, ``sa.Column("key", sa.Text, info=sealed("certificates.key"))``;
the purpose of a row's value is :func:`purpose_of`. That is all a domain does for its secrets to be rotated.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.engines.secrets.keys import DataKey
    from millwright.engines.secrets.opening import open_secrets
    from millwright.engines.secrets.purpose import purpose_of, sealed
    from millwright.engines.secrets.rotation import Rotation, RotationKeeper, RotationReport
    from millwright.engines.secrets.service import Secrets
    from millwright.engines.secrets.settings import SecretsSettings

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the schema revisions of the data keys are."""

__all__ = [
    "MIGRATIONS",
    "DataKey",
    "Rotation",
    "RotationKeeper",
    "RotationReport",
    "Secrets",
    "SecretsSettings",
    "open_secrets",
    "purpose_of",
    "sealed",
]
