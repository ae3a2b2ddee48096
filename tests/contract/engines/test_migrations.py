import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from millwright.engines.sql import Migrations, Records
from millwright.kernel import Conflict

REVISION = """
import sqlalchemy as sa
from alembic import op
revision = "{name}_{number:04}"
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = None
def upgrade():
    op.create_table("{name}_{number}", sa.Column("id", sa.Text, primary_key=True))
    {extra}
"""


def revision(folder: Path, name: str, number: int, extra: str = "") -> Path:
    (folder / name).mkdir(exist_ok=True)
    down = f"{name}_{number - 1:04}" if number > 1 else None
    labels = (name,) if number == 1 else None
    text = REVISION.format(name=name, number=number, down=down, labels=labels, extra=extra)
    (folder / name / f"{number:04}.py").write_text(text)
    return folder / name


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records.in_folder(tmp_path / "data")


def test_each_domain_has_its_own_line(tmp_path: Path, records: Records) -> None:
    locations = [revision(tmp_path, "pumps", 1), revision(tmp_path, "tanks", 1)]
    migrations = Migrations(records, locations)
    assert migrations.pending()
    assert migrations.upgrade(tmp_path / "backups") is None
    assert migrations.current() == {"pumps_0001", "tanks_0001"}
    assert not migrations.pending()


def test_an_upgrade_is_backed_up_first(tmp_path: Path, records: Records) -> None:
    Migrations(records, [revision(tmp_path, "pumps", 1)]).upgrade()
    with records.begin() as connection:
        connection.execute(sa.text("INSERT INTO pumps_1 VALUES ('p')"))
    backup = Migrations(records, [revision(tmp_path, "pumps", 2)]).upgrade(tmp_path / "backups")
    assert backup is not None
    with sqlite3.connect(backup) as copy:
        assert copy.execute("SELECT id FROM pumps_1").fetchall() == [("p",)]
        assert not copy.execute("SELECT name FROM sqlite_master WHERE name = 'pumps_2'").fetchall()


def test_data_of_a_newer_version_is_refused(tmp_path: Path, records: Records) -> None:
    folder = revision(tmp_path, "pumps", 1)
    revision(tmp_path, "pumps", 2)
    Migrations(records, [folder]).upgrade()
    (folder / "0002.py").unlink()
    with pytest.raises(Conflict) as caught:
        Migrations(records, [folder]).upgrade()
    assert caught.value.code == "engines.schema_newer"


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path, records: Records) -> None:
    Migrations(records, [revision(tmp_path, "pumps", 1)]).upgrade()
    with pytest.raises(KeyError), records.begin() as connection:
        connection.execute(sa.text("INSERT INTO pumps_1 VALUES ('p')"))
        raise KeyError
    with records.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM pumps_1")).scalar() == 0
