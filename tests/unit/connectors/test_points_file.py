"""Points as CSV: what a spreadsheet makes of them can be read again."""

from __future__ import annotations

import msgspec
import pytest

from millwright.devices.connectors.bulk import point_of, read_points, write_points
from millwright.devices.connectors.model import PointView
from millwright.kernel import Invalid


def view(**values: object) -> PointView:
    whole = {
        "id": "pnt_1", "connection_id": "con_1", "address": "ns=2;s=A", "device_id": "dev_1", "device": "press",
        "property": "t", "interval_ms": 500, "deadband": 0.1, "scale": None, "offset": -40.0, "writable": True,
    }  # fmt: skip
    return msgspec.convert(whole | values, PointView)


def test_what_is_written_is_read() -> None:
    views = [view(), view(address="=cmd|x", property="-p", scale=0.001, offset=None, writable=False)]
    rows = read_points("".join(write_points(views)).encode("utf-8-sig"))
    points = [point_of(row, "dev_1") for row in rows]
    assert [(p.address, p.property, p.scale, p.offset, p.writable, p.deadband) for p in points] == [
        ("ns=2;s=A", "t", None, -40.0, True, 0.1),
        ("=cmd|x", "-p", 0.001, None, False, 0.1),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_spreadsheet(encoding: str, delimiter: str) -> None:
    lines = (("address", "device", "property", "writable"), ("sine/1", "压机", "温度", "是"))
    text = "".join(delimiter.join(line) + "\n" for line in lines)
    (row,) = read_points(text.encode(encoding))
    point = point_of(row, "dev_1")
    assert (row["device"], point.property, point.writable) == ("压机", "温度", True)


def test_what_is_no_table_of_points_is_refused_with_a_hint() -> None:
    with pytest.raises(Invalid, match="property"):
        read_points(b"address,device\na,b\n")
    with pytest.raises(Invalid) as caught:
        read_points(b"address,device,property,colour\na,b,c,red\n")
    assert "interval_ms" in caught.value.hint
    with pytest.raises(msgspec.ValidationError):
        point_of({"address": "a", "property": "p", "interval_ms": "fast"}, "dev_1")
    with pytest.raises(msgspec.ValidationError):
        point_of({"address": "a", "property": "p", "writable": "perhaps"}, "dev_1")
