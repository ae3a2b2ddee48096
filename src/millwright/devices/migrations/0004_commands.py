"""Commands to devices, their history, interlocks and locks."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0004"
down_revision = "devices_0003"
branch_labels = None
depends_on = None

_KEY = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_UNDER_WAY = sa.text("state IN ('sending', 'sent', 'acknowledged')")


def _device(*, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(
        "device_id", sa.String(40), sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), nullable=nullable
    )


def upgrade() -> None:
    op.create_table(
        "devices_commands",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(40), nullable=False, unique=True),
        _device(),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("value", sa.JSON),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("unit", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("confirm", sa.String(8), nullable=False),
        sa.Column("tolerance", sa.Float),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by_id", sa.String(40), nullable=False),
        sa.Column("by_name", sa.String(255), nullable=False),
        sa.Column("idempotency_key", sa.String(128)),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("timeout_s", sa.Float, nullable=False),
        sa.Column("sent_ms", sa.BigInteger),
        sa.Column("deadline_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("route", sa.String(20)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("attempt", sa.JSON),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sa.Column("outputs", sa.JSON),
        sa.Column("outcome", sa.JSON),
        sa.Column("batch_id", sa.String(40)),
        sa.Column("superseded_by", sa.String(40)),
        sa.Column("untold", sa.String(40)),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_devices_commands_batch_id", "devices_commands", ["batch_id"])
    op.create_index("ix_devices_commands_untold", "devices_commands", ["untold"])
    op.create_index("ix_devices_commands_device", "devices_commands", ["device_id", "number"])
    op.create_index("ix_devices_commands_state", "devices_commands", ["state", "number"])
    op.create_index(
        "uq_devices_commands_key", "devices_commands", ["by_id", "device_id", "idempotency_key"], unique=True
    )
    op.create_index(
        "uq_devices_commands_under_way",
        "devices_commands",
        ["device_id", "kind", "name"],
        unique=True,
        sqlite_where=_UNDER_WAY,
        postgresql_where=_UNDER_WAY,
    )
    op.create_table(
        "devices_command_events",
        sa.Column("sequence", _NUMBER, primary_key=True, autoincrement=True),
        _device(),
        sa.Column("command_id", sa.String(40), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("ix_devices_command_events_command_id", "devices_command_events", ["command_id"])
    op.create_table(
        "devices_interlocks",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        _device(nullable=True),
        sa.Column("model_id", sa.String(40), sa.ForeignKey("devices_models.id", ondelete="CASCADE")),
        sa.Column("command", _KEY),
        sa.Column("conditions", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.String(40), nullable=False),
    )
    for column in ("device_id", "model_id", "organisation_id"):
        op.create_index(f"ix_devices_interlocks_{column}", "devices_interlocks", [column])
    op.create_table(
        "devices_locks",
        sa.Column("id", sa.String(40), primary_key=True),
        _device(),
        sa.Column("by_id", sa.String(40), nullable=False),
        sa.Column("by_name", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("placed_ms", sa.BigInteger, nullable=False),
        sa.Column("released_ms", sa.BigInteger),
        sa.Column("released_by", sa.String(255)),
    )
    op.create_index("ix_devices_locks_device", "devices_locks", ["device_id", "placed_ms"])


def downgrade() -> None:
    op.drop_table("devices_locks")
    op.drop_table("devices_interlocks")
    op.drop_table("devices_command_events")
    op.drop_table("devices_commands")
