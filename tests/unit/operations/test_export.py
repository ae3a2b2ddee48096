import csv
import io
from collections.abc import AsyncIterator

import msgspec

from millwright.operations import Alarm
from millwright.operations.export import iter_csv

ALARM = Alarm(
    id="alm_1",
    rule_id="r1",
    rule_name='=HYPERLINK("http://evil")',
    device_id="d1",
    device_name="@SUM(1,2)",
    property="temperature",
    priority="high",
    condition_kind="limit",
    message='-2+3 "quoted", and\nmore',
    message_zh="＝1+1",
    state="unacknowledged",
    active=True,
    acknowledged=False,
    raised_ms=1_750_000_000_123,
    returned_ms=None,
    acknowledged_ms=None,
    acknowledged_by=None,
    trigger_value=-81.5,
    limit=80.0,
    unit="Cel",
    occurrences=3,
    last_occurrence_ms=1_750_000_000_123,
    revision=1,
)


async def pages() -> AsyncIterator[list[Alarm]]:
    yield [ALARM]
    yield []
    yield [msgspec.structs.replace(ALARM, id="alm_2")]


async def test_no_cell_begins_a_formula_and_numbers_stay_numbers() -> None:
    data = b"".join([part async for part in iter_csv(pages())])
    assert data.startswith(b"\xef\xbb\xbf")
    first, second = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert second["id"] == "alm_2"
    assert first["rule"] == '\'=HYPERLINK("http://evil")'
    assert first["device"] == "'@SUM(1,2)"
    assert first["message"] == '\'-2+3 "quoted", and\nmore'
    assert first["message_zh"] == "'＝1+1"
    assert first["value"] == "-81.5"
    assert first["raised"] == "2025-06-15T15:06:40.123Z"
    assert first["returned"] == ""
