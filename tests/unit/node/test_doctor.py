"""What the doctor says can be shown to anybody."""

from __future__ import annotations

from millwright.app.doctor.installation import check_engines
from millwright.app.settings import NodeSettings
from millwright.engines.clickhouse import ClickHouseSettings
from millwright.engines.nats import NatsSettings


def test_no_secret_of_an_engine_is_shown() -> None:
    settings = NodeSettings(
        nats=NatsSettings(url="nats://a-token@broker:4222"), clickhouse=ClickHouseSettings(url="http://ada:geheim@db")
    )
    shown = " ".join(finding.message for finding in check_engines(settings))
    assert "broker:4222" in shown
    assert "a-token" not in shown
    assert "geheim" not in shown
