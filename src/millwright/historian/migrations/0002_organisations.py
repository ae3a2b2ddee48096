"""Each organisation has retention policies of its own."""

import sqlalchemy as sa
from alembic import op

revision = "historian_0002"
down_revision = "historian_0001"
branch_labels = None
depends_on = None


def _copy(*key: sa.Column[str]) -> None:
    old = sa.table(
        "historian_policies",
        sa.column("position"),
        sa.column("device_id"),
        sa.column("property"),
        sa.column("keep_days"),
    )
    rows = [dict(row) for row in op.get_bind().execute(sa.select(old)).mappings()]
    op.drop_table("historian_policies")
    new = op.create_table(
        "historian_policies",
        *key,
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("device_id", sa.String(255), nullable=False),
        sa.Column("property", sa.String(255), nullable=False),
        sa.Column("keep_days", sa.Integer),
    )
    op.bulk_insert(new, [row | {each.name: "org_root" for each in key} for row in rows])


def upgrade() -> None:
    _copy(sa.Column("organisation_id", sa.String(40), primary_key=True))


def downgrade() -> None:
    op.execute("DELETE FROM historian_policies WHERE organisation_id <> 'org_root'")
    _copy()
