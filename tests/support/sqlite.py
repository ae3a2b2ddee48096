"""Migrated SQLite databases: each schema is made once, and copied from then on."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from millwright.engines.sql import Migrations, Records
from millwright.kernel import Scope
from millwright.kernel.scope import EVERYTHING


def migrated(folder: Path, migrations: Sequence[Path], scope: Scope | None = None) -> Records:
    """Records in ``folder``, new, with the schemas of these homes of migrations."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_template(tuple(migrations)) / "records.db", folder / "records.db")
    return Records.in_folder(folder, scope)


@cache
def _template(migrations: tuple[Path, ...]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="millwright-schema-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    records = Records.in_folder(folder, EVERYTHING)
    Migrations(records, migrations).upgrade()
    records.close()
    return folder
