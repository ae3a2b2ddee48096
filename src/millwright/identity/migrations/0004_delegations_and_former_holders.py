"""Where the node that a prefix is delegated to answers over HTTP; what becomes of names that a former holder left."""

import sqlalchemy as sa
from alembic import op

revision = "identity_0004"
down_revision = "identity_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("identity_prefixes", "identity_prefix_states"):
        op.add_column(table, sa.Column("resolver", sa.String(400)))
        op.add_column(table, sa.Column("former", sa.String(10)))
        op.add_column(table, sa.Column("since_ms", sa.BigInteger))
