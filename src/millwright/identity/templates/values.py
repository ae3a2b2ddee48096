"""Values of each type of field: checked, and written as the data of a handle value and back, exactly.

The data is text that a person can read with any Handle client: decimal numbers, ISO 8601, ``geo:`` (RFC 5870), JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from millwright.identity.codes import parse_as
from millwright.identity.templates.model import TemplateField
from millwright.kernel import Invalid, units

MOST_BYTES: Final = 64 * 1024
"""Largest value of a field."""
MOST_MATCHED: Final = 256
"""Most characters of a text that has to fit a pattern."""

_INTEGERS: Final = 1 << 63
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})")
# Almost every address; its host begins right behind the slashes, and nothing has to be looked for in it.
_WEB_URL = re.compile(r"https?://[A-Za-z0-9][!-Z^-~]*")
_NUMBER = re.compile(r"-?\d+")
_SPACE = re.compile(r"\s")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sm3:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_SCHEMES = frozenset({"http", "https", "ftp", "mailto", "tel", "urn", "coap", "coaps", "mqtt", "mqtts", "opc.tcp"})
_FILE: Final[dict[str, type]] = {"digest": str, "name": str, "media_type": str, "size": int, "url": str}
_GEO = ("latitude", "longitude", "altitude")


class Refused(Exception):
    """Why a value is not taken, in English and Chinese."""

    def __init__(self, why: str, why_zh: str) -> None:
        super().__init__(why)
        self.why, self.why_zh = why, why_zh


def write_value(field: TemplateField, value: Any) -> bytes:
    """One value as data. Raises ``Refused``."""
    data = _WRITE[field.type](field, value).encode()
    if len(data) > MOST_BYTES:
        raise Refused(f"it has {len(data)} bytes; {MOST_BYTES} are allowed", f"超过 {MOST_BYTES} 字节")
    return data


def read_value(field: TemplateField, data: bytes) -> Any:
    """What :func:`write_value` was given. Raises ``Refused``."""
    try:
        return _READ[field.type](data.decode())
    except Refused:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(f"it cannot be read ({error})", "无法读取") from error


def read_cell(field: TemplateField, text: str) -> Any:
    """The value that a cell of a table stands for: as stored, or JSON where that is an object. Raises ``Refused``."""
    text = text.strip()
    try:
        if field.type == "boolean":
            return _TRUTH[text.lower()]
        if field.type == "quantity":
            number, _, unit = text.partition(" ")
            return {"value": _read_number(number), "unit": unit.strip() or field.unit}
        if field.type == "geo" and not text.startswith(("geo:", "{")):
            return _read_geo(f"geo:{text.replace(' ', '')}")
        if field.type == "file" and not text.startswith("{"):
            return {"digest": text}
        return _READ[field.type](text)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(f"{text[:40]!r} is no {field.type}", f"“{text[:40]}”不是有效的值") from error


_TRUTH = {"true": True, "yes": True, "1": True, "是": True, "false": False, "no": False, "0": False, "否": False}


# --- texts -----------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused("it is no text", "应为文本")
    # What is printable has neither; most texts are.
    if not value.isprintable() and ("\0" in value or any("\ud800" <= character <= "\udfff" for character in value)):
        raise Refused("it holds a character that no text may", "含有不允许的字符")
    return value


def _fits(field: TemplateField, text: str) -> None:
    if field.pattern is None:
        return
    if len(text) > MOST_MATCHED:
        raise Refused(f"it has more than {MOST_MATCHED} characters", f"超过 {MOST_MATCHED} 个字符")
    if not _compiled(field.pattern).fullmatch(text):
        raise Refused(f"it does not fit {field.pattern}", f"不符合格式 {field.pattern}")


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _write_text(field: TemplateField, value: Any) -> str:
    text = _plain(value)
    if field.minimum is not None and len(text) < field.minimum:
        raise Refused(f"it has fewer than {field.minimum:g} characters", f"少于 {field.minimum:g} 个字符")
    if field.maximum is not None and len(text) > field.maximum:
        raise Refused(f"it has more than {field.maximum:g} characters", f"多于 {field.maximum:g} 个字符")
    _fits(field, text)
    return text


def _write_date(_field: TemplateField, value: Any) -> str:
    text = _plain(value)
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        raise Refused("it is no date as YYYY-MM-DD", "日期应写作 YYYY-MM-DD") from None
    return text


def _write_datetime(_field: TemplateField, value: Any) -> str:
    text = _plain(value)
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        datetime.fromisoformat(re.sub(r"\.\d+", "", text))
    except ValueError:
        raise Refused(
            "it is no time with its offset, such as 2026-01-02T03:04:05Z", "时间应带时区，如 2026-01-02T03:04:05+08:00"
        ) from None
    return text


def _write_url(field: TemplateField, value: Any) -> str:
    text = _plain(value)
    if _WEB_URL.fullmatch(text):
        _fits(field, text)
        return text
    try:
        parts = urlsplit(text)
        whole = bool(parts.netloc or parts.scheme in ("mailto", "tel", "urn"))
    except ValueError:
        parts, whole = urlsplit(""), False
    if not whole or _SPACE.search(text) or parts.scheme.lower() not in _SCHEMES:
        raise Refused("it is no whole address, such as https://example.com/a", "不是完整的网址")
    _fits(field, text)
    return text


def _write_enum(field: TemplateField, value: Any) -> str:
    text = _plain(value)
    known = [each.value for each in field.values]
    if text not in known:
        raise Refused(f"it is none of {', '.join(known[:20])}", f"应为 {'、'.join(known[:20])} 之一")
    return text


def _write_reference(field: TemplateField, value: Any) -> str:
    text = _plain(value)
    try:
        parse_as(text, field.system)
    except Invalid as error:
        raise Refused(f"it is no identifier: {error.message}", "不是有效的标识") from error
    return text


# --- numbers ---------------------------------------------------------------------------------------------------------


def _within(field: TemplateField, number: float) -> None:
    if field.minimum is not None and number < field.minimum:
        raise Refused(f"it is below {field.minimum:g}", f"小于 {field.minimum:g}")
    if field.maximum is not None and number > field.maximum:
        raise Refused(f"it is above {field.maximum:g}", f"大于 {field.maximum:g}")


def _written_number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("it is no number", "应为数字")
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused("it is no finite number", "应为有限的数")
    if isinstance(value, int) and not -_INTEGERS <= value < _INTEGERS:
        raise Refused("it has more than 64 bits", "超出 64 位整数范围")
    return repr(value)


def _read_number(text: str) -> int | float:
    if _NUMBER.fullmatch(text):
        return int(text)
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(text)
    return number


def _write_integer(field: TemplateField, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused("it is no whole number", "应为整数")
    text = _written_number(value)
    _within(field, value)
    return text


def _read_integer(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _write_number(field: TemplateField, value: Any) -> str:
    text = _written_number(value)
    _within(field, value)
    return text


def _write_boolean(_field: TemplateField, value: Any) -> str:
    if not isinstance(value, bool):
        raise Refused("it is neither true nor false", "应为 true 或 false")
    return "true" if value else "false"


def _write_quantity(field: TemplateField, value: Any) -> str:
    if not isinstance(value, dict) or set(value) != {"value", "unit"}:
        raise Refused("it is no value with a unit", "应为带单位的数值（value、unit）")
    number, unit = _written_number(value["value"]), _plain(value["unit"])
    assert field.unit is not None
    try:
        converted = units.convert(value["value"], unit, field.unit)
    except Invalid as error:
        raise Refused(f"its unit is no {field.unit}: {error.message}", f"单位不能换算为 {field.unit}") from error
    _within(field, converted)
    return f"{number} {unit}"


def _read_quantity(text: str) -> dict[str, Any]:
    number, _, unit = text.partition(" ")
    return {"value": _read_number(number), "unit": unit}


# --- objects ---------------------------------------------------------------------------------------------------------


def _write_file(_field: TemplateField, value: Any) -> str:
    if not isinstance(value, dict) or "digest" not in value or set(value) - set(_FILE):
        raise Refused("it is no file: digest, and name, media_type, size, url", "应含 digest 等文件信息")
    for key, kind in _FILE.items():
        if key in value and (not isinstance(value[key], kind) or isinstance(value[key], bool)):
            raise Refused(f"{key} has another type", f"{key} 的类型不正确")
    if not _DIGEST.fullmatch(value["digest"]):
        raise Refused(
            "the digest is no sha256:, sha512: or sm3: with its digits",
            "摘要应以 sha256:、sha512: 或 sm3: 开头",
        )
    if value.get("size", 0) < 0:
        raise Refused("the size is below 0", "大小不能为负")
    return _write_json(_field, value)


def _write_geo(_field: TemplateField, value: Any) -> str:
    if not isinstance(value, dict) or not {"latitude", "longitude"} <= set(value) <= set(_GEO):
        raise Refused("it is no point: latitude, longitude, and altitude", "应含 latitude、longitude，可含 altitude")
    texts = [_written_number(value[key]) for key in _GEO if key in value]
    if not (-90 <= value["latitude"] <= 90 and -180 <= value["longitude"] <= 180):
        raise Refused("it is no place on Earth", "经纬度超出范围")
    return f"geo:{','.join(texts)}"


def _read_geo(text: str) -> dict[str, Any]:
    if not text.startswith("geo:"):
        raise ValueError(text)
    numbers = [_read_number(part) for part in text[4:].split(",")]
    if not 2 <= len(numbers) <= 3:
        raise ValueError(text)
    return dict(zip(_GEO, numbers, strict=False))


def _write_json(_field: TemplateField, value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        if json.loads(text) != value:
            raise ValueError("it is not what JSON makes of it")
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(f"it is no JSON ({error})", "不是 JSON") from error
    return text


_Write = Callable[[TemplateField, Any], str]
_WRITE: Final[dict[str, _Write]] = {
    "text": _write_text,
    "integer": _write_integer,
    "number": _write_number,
    "boolean": _write_boolean,
    "date": _write_date,
    "datetime": _write_datetime,
    "url": _write_url,
    "enum": _write_enum,
    "quantity": _write_quantity,
    "reference": _write_reference,
    "file": _write_file,
    "geo": _write_geo,
    "json": _write_json,
}


def _read_boolean(text: str) -> bool:
    return {"true": True, "false": False}[text]


_READ: Final[dict[str, Callable[[str], Any]]] = {
    "text": str,
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_boolean,
    "date": str,
    "datetime": str,
    "url": str,
    "enum": str,
    "quantity": _read_quantity,
    "reference": str,
    "file": json.loads,
    "geo": _read_geo,
    "json": json.loads,
}
