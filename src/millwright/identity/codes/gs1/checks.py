"""Checks of what a component of a value says, beyond its characters and length.

Each follows the clause 3 text of its Application Identifier in the General Specifications and has the name of the
check in GS1's Barcode Syntax Dictionary. It returns nothing when all is well, else a :class:`Fault`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from millwright.identity.codes.gs1.check_digits import check_digit, check_pair, has_check_digit
from millwright.identity.codes.gs1.coupons import COUPON_CHECKS
from millwright.identity.codes.gs1.faults import Fault
from millwright.identity.codes.gs1.lists import COUNTRIES, COUNTRY_LETTERS, CURRENCIES, MEDIA_TYPES, PACKAGE_TYPES

Check = Callable[[str], Fault | None]

_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PREFIX = re.compile("[0-9]{4}")
_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_ORDER = re.compile("([1-9][0-9]*)/([1-9][0-9]*)")


class Day(NamedTuple):
    """A date; ``day`` is 0 for the month's last."""

    year: int
    month: int
    day: int

    def iso(self) -> str:
        """As ISO 8601; the last of the month where no day was given."""
        return f"{self.year:04}-{self.month:02}-{self.day or last_day(self.year, self.month):02}"


def last_day(year: int, month: int) -> int:
    """The last day of a month."""
    if month == 2 and (year % 4 or (year % 100 == 0 and year % 400)):
        return 28
    return _DAYS[month]


def year_of(two_digits: int, now: int | None = None) -> int:
    """The year of two digits: within 49 years before and 50 after the current one (General Specifications, 7.12)."""
    current = time.gmtime().tm_year if now is None else now
    difference = two_digits - current % 100
    century = current - current % 100
    if difference >= 51:
        century -= 100
    elif difference <= -50:
        century += 100
    return century + two_digits


def day_of(digits: str) -> Day:
    """The date of six or eight digits that were checked."""
    year = year_of(int(digits[:2])) if len(digits) == 6 else int(digits[:4])
    return Day(year, int(digits[-4:-2]), int(digits[-2:]))


def _csum(value: str) -> Fault | None:
    if has_check_digit(value):
        return None
    right = check_digit(value[:-1])
    return Fault(
        len(value) - 1,
        f"the check digit is {value[-1]} but should be {right}.",
        f"校验位是 {value[-1]}，应为 {right}。",
    )


def _csumalpha(value: str) -> Fault | None:
    if len(value) < 2:
        return Fault(0, "the check character pair is missing.", "缺少两位校验字符。")
    right = check_pair(value[:-2])
    if value[-2:] == right:
        return None
    return Fault(
        len(value) - 2,
        f"the check characters are {value[-2:]} but should be {right}.",
        f"校验字符是 {value[-2:]}，应为 {right}。",
    )


def _gcp(value: str) -> Fault | None:
    if _PREFIX.match(value):
        return None
    bad = next((at for at, character in enumerate(value[:4]) if not "0" <= character <= "9"), len(value))
    return Fault(bad, "a GS1 Company Prefix has at least 4 digits here.", "此处的厂商识别代码至少为 4 位数字。")


def _gcp1(value: str) -> Fault | None:
    fault = _gcp(value[1:])
    return fault and Fault(fault.at + 1, fault.why, fault.why_zh)


def _date(value: str, *, without_day: bool) -> Fault | None:
    month, day = int(value[-4:-2]), int(value[-2:])
    at = len(value) - 4
    if not 1 <= month <= 12:
        return Fault(at, f"the month is 01 to 12, not {month:02}.", f"月份应为 01 至 12，不是 {month:02}。")
    if day == 0:
        return None if without_day else Fault(at + 2, "the day may not be 00 here.", "此处的日不可为 00。")
    if day > 28 and (month == 2 or day > _DAYS[month]):
        last = last_day(day_of(value).year, month)
        if day > last:
            return Fault(at + 2, f"the month has only {last} days.", f"该月只有 {last} 天。")
    return None


def _yymmd0(value: str) -> Fault | None:
    return _date(value, without_day=True)


def _yymmdd(value: str) -> Fault | None:
    return _date(value, without_day=False)


def _below(limit: int, what: str, what_zh: str) -> Check:
    def check(value: str) -> Fault | None:
        if int(value) < limit:
            return None
        return Fault(0, f"{value} is no {what}: 00 to {limit - 1}.", f"{value} 不是{what_zh}：应为 00 至 {limit - 1}。")

    return check


_hour = _below(24, "hour", "小时")
_minute = _below(60, "minute", "分钟")
_second = _below(60, "second", "秒")


def _hhmi(value: str) -> Fault | None:
    fault = _hour(value[:2])
    if fault is None and (fault := _minute(value[2:])):
        fault = Fault(2, fault.why, fault.why_zh)
    return fault


def _member(known: frozenset[str], what: str, what_zh: str) -> Check:
    def check(value: str) -> Fault | None:
        if value in known:
            return None
        return Fault(0, f"{value} is no {what}.", f"{value} 不是{what_zh}。")

    return check


def _pieceoftotal(value: str) -> Fault | None:
    half = len(value) // 2
    piece, total = int(value[:half]), int(value[half:])
    if piece == 0:
        return Fault(0, "the piece's number may not be 0.", "组件序号不可为 0。")
    if total == 0:
        return Fault(half, "the number of pieces may not be 0.", "组件总数不可为 0。")
    if piece > total:
        return Fault(0, f"piece {piece} is beyond the {total} there are.", f"组件序号 {piece} 超过总数 {total}。")
    return None


def _posinseqslash(value: str) -> Fault | None:
    found = _ORDER.fullmatch(value)
    if found is None:
        return Fault(0, "a place in an order is written as 1/2, without leading zeros.", "顺序应写作 1/2，不带前导零。")
    if int(found[1]) > int(found[2]):
        return Fault(0, f"place {found[1]} is beyond the end, {found[2]}.", f"序号 {found[1]} 超过末号 {found[2]}。")
    return None


def _iban(value: str) -> Fault | None:
    if len(value) > 34 or len(value) <= 10:
        return Fault(0, "an IBAN has 11 to 34 characters.", "IBAN 应有 11 至 34 个字符。")
    if value[:2] not in COUNTRY_LETTERS:
        return Fault(0, f"{value[:2]} is no country's code (ISO 3166-1).", f"{value[:2]} 不是国家代码（ISO 3166-1）。")
    for at, character in enumerate(value):
        if not ("0" <= character <= "9" or "A" <= character <= "Z"):
            return Fault(at, "an IBAN has only digits and capital letters.", "IBAN 只含数字和大写字母。")
    if value[2:4].isdigit() and _remainder(value[4:] + value[:4]) == 1:
        return None
    right = f"{98 - _remainder(value[4:] + value[:2] + '00'):02}"
    return Fault(
        2, f"the check digits are {value[2:4]} but should be {right}.", f"校验位是 {value[2:4]}，应为 {right}。"
    )


def _remainder(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text)) % 97


def _pcenc(value: str) -> Fault | None:
    found = _PERCENT.search(value)
    if found is None:
        return None
    return Fault(found.start(), "after % come two hexadecimal digits.", "% 之后应为两位十六进制数字。")


def _no_zero_first(value: str) -> Fault | None:
    if value[0] == "0":
        return Fault(0, "it may not begin with 0.", "不可以 0 开头。")
    return None


def _nonzero(value: str) -> Fault | None:
    return None if value.strip("0") else Fault(0, "it may not be zero.", "不可为零。")


def _zero(value: str) -> Fault | None:
    return Fault(0, "it must be 0.", "应为 0。") if value.strip("0") else None


def _hasnondigit(value: str) -> Fault | None:
    if re.search("[^0-9]", value):
        return None
    return Fault(0, "it needs a character that is no digit.", "应含有非数字字符。")


def _one_of(characters: str, why: str, why_zh: str) -> Check:
    def check(value: str) -> Fault | None:
        return None if len(value) == 1 and value in characters else Fault(0, why, why_zh)

    return check


def _at_most(limit: int, why: str, why_zh: str) -> Check:
    def check(value: str) -> Fault | None:
        return Fault(0, why, why_zh) if int(value) > limit else None

    return check


_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

CHECKS: dict[str, Check] = {
    "csum": _csum,
    "csumalpha": _csumalpha,
    "gcp": _gcp,
    "gcp1": _gcp1,
    "yymmd0": _yymmd0,
    "yymmdd": _yymmdd,
    "yyyymmdd": _yymmdd,
    "hhmi": _hhmi,
    "hh": _hour,
    "mi": _minute,
    "ss": _second,
    "iso3166": _member(frozenset(COUNTRIES), "country (ISO 3166-1 numeric)", "国家或地区（ISO 3166-1 数字代码）"),
    "iso3166999": _member(
        frozenset(COUNTRIES) | {"999"}, "country (ISO 3166-1 numeric) or 999", "国家或地区（ISO 3166-1 数字代码）或 999"
    ),
    "iso3166alpha2": _member(COUNTRY_LETTERS, "country (ISO 3166-1 alpha-2)", "国家或地区（ISO 3166-1 两字母代码）"),
    "iso4217": _member(CURRENCIES, "currency (ISO 4217 numeric)", "货币（ISO 4217 数字代码）"),
    "iso5218": _one_of("0129", "the sex is 0, 1, 2 or 9 (ISO 5218).", "性别应为 0、1、2 或 9（ISO 5218）。"),
    "mediatype": _member(MEDIA_TYPES, "AIDC media type: 01 to 10 or 80 to 99", "介质类型：应为 01 至 10 或 80 至 99"),
    "packagetype": _member(PACKAGE_TYPES, "package type", "包装类型代码"),
    "pieceoftotal": _pieceoftotal,
    "posinseqslash": _posinseqslash,
    "iban": _iban,
    "pcenc": _pcenc,
    "nozeroprefix": _no_zero_first,
    "nonzero": _nonzero,
    "zero": _zero,
    "hasnondigit": _hasnondigit,
    "hyphen": _one_of("-", "only a hyphen may stand here.", "此处只可为连字符。"),
    "winding": _one_of("019", "the winding direction is 0, 1 or 9.", "卷绕方向应为 0、1 或 9。"),
    "yesno": _one_of("01", "it is 0 or 1.", "应为 0 或 1。"),
    "importeridx": _one_of(
        "-_" + _ALPHANUMERIC, "the importer index is a letter, a digit, - or _.", "进口商索引应为字母、数字、- 或 _。"
    ),
    "latitude": _at_most(1_800_000_000, "the latitude is at most 1800000000.", "纬度不超过 1800000000。"),
    "longitude": _at_most(3_600_000_000, "the longitude is at most 3600000000.", "经度不超过 3600000000。"),
    **COUPON_CHECKS,
}
"""Every check by its name."""
