"""The records without their database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.kernel import Unavailable
from millwright.kernel.scope import EVERYTHING


def test_waiting_in_vain_for_a_free_connection_is_an_outage(tmp_path: Path) -> None:
    records = Records.in_folder(tmp_path, EVERYTHING)
    records.close()
    records.engine = sa.create_engine(
        records.url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.05
    )
    with records.read(), pytest.raises(Unavailable) as caught, records.read():
        pass
    assert caught.value.code == "engines.sql_unavailable"
    records.close()
