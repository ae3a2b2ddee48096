"""Whose things are: every place, model, device and arrival carries its organisation; names are unique within it."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0002"
down_revision = "devices_0001"
branch_labels = None
depends_on = None

_CONVENTION = {"uq": "uq_%(table_name)s_%(column_0_name)s"}


def _organisation() -> sa.Column[str]:
    return sa.Column("organisation_id", sa.String(40), nullable=False, server_default="org_root")


def _drop_unique(table: str, column: str) -> None:
    """The unnamed constraint of 0001. SQLite needs the table rebuilt for it."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table(table, naming_convention=_CONVENTION) as batch:
            batch.drop_constraint(f"uq_{table}_{column}", type_="unique")
        return
    for each in sa.inspect(op.get_bind()).get_unique_constraints(table):
        if each["column_names"] == [column]:
            op.drop_constraint(str(each["name"]), table, type_="unique")


def upgrade() -> None:
    for table in ("devices_places", "devices_models", "devices_devices", "devices_arrivals"):
        op.add_column(table, _organisation())
    op.drop_index("uq_devices_places_sibling", "devices_places")  # made anew below: a rebuild cannot reflect it
    _drop_unique("devices_models", "name_key")
    op.create_index("uq_devices_models_name", "devices_models", ["organisation_id", "name_key"], unique=True)
    _drop_unique("devices_devices", "name_key")
    op.create_index("ix_devices_devices_name", "devices_devices", ["name_key", "id"])
    op.create_index("uq_devices_devices_name", "devices_devices", ["organisation_id", "name_key"], unique=True)
    op.create_table(
        "devices_removed",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("removed_ms", sa.BigInteger, nullable=False),
        sa.Column("organisation_id", sa.String(40), nullable=False),
    )
    op.create_index(
        "uq_devices_places_sibling",
        "devices_places",
        ["organisation_id", sa.text("coalesce(parent_id, '')"), "name_key"],
        unique=True,
    )
    op.create_index("ix_devices_removed_organisation_id", "devices_removed", ["organisation_id"])


def downgrade() -> None:
    op.drop_table("devices_removed")
    op.drop_index("uq_devices_devices_name", "devices_devices")
    op.drop_index("ix_devices_devices_name", "devices_devices")
    op.drop_index("uq_devices_models_name", "devices_models")
    op.drop_index("uq_devices_places_sibling", "devices_places")
    op.create_index(
        "uq_devices_places_sibling", "devices_places", [sa.text("coalesce(parent_id, '')"), "name_key"], unique=True
    )
    op.create_index("uq_devices_devices_name_key", "devices_devices", ["name_key"], unique=True)
    op.create_index("uq_devices_models_name_key", "devices_models", ["name_key"], unique=True)
    for table in ("devices_places", "devices_models", "devices_devices", "devices_arrivals"):
        op.drop_column(table, "organisation_id")
