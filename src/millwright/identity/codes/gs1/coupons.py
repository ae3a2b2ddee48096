"""North American coupon codes: AI (8110) and the positive offer file's AI (8112).

GS1 North American Coupon Application Guideline Using GS1 DataBar Expanded Symbols. A field whose length varies has a
digit before it that says how long it is.
"""

from __future__ import annotations

from collections.abc import Callable

from millwright.identity.codes.gs1.faults import Fault


class _Cursor:
    """Reads fields of digits one after another; the first that is wrong stops it."""

    def __init__(self, digits: str) -> None:
        self.digits = digits
        self.at = 0

    def fixed(self, length: int, what: str, what_zh: str, allowed: str = "0123456789") -> str:
        value = self.digits[self.at : self.at + length]
        if len(value) < length:
            raise _Broken(self.at, f"the {what} is cut short.", f"{what_zh}不完整。")
        if length == 1 and value not in allowed:
            choice = ", ".join(allowed)
            raise _Broken(self.at, f"the {what} is one of {choice}.", f"{what_zh}应为 {choice} 之一。")
        self.at += length
        return value

    def counted(self, what: str, what_zh: str, allowed: str, more: int = 0, none: str = "") -> str:
        count = self.fixed(1, f"length of the {what}", f"{what_zh}的长度", allowed)
        return "" if count == none else self.fixed(int(count) + more, what, what_zh)

    def follows(self, digit: str) -> bool:
        if self.digits[self.at : self.at + 1] != digit:
            return False
        self.at += 1
        return True

    def end(self) -> None:
        if self.at < len(self.digits):
            raise _Broken(self.at, "nothing may follow here.", "此处之后不应再有内容。")


class _Broken(Exception):
    def __init__(self, at: int, why: str, why_zh: str) -> None:
        super().__init__(why)
        self.fault = Fault(at, why, why_zh)


def _purchase(cursor: _Cursor, which: str, which_zh: str) -> None:
    cursor.counted(f"{which} purchase requirement", f"{which_zh}购买要求", "12345")
    cursor.fixed(1, f"{which} purchase requirement code", f"{which_zh}购买要求代码", "012349")
    cursor.fixed(3, f"{which} purchase family code", f"{which_zh}购买族代码")


def _coupon(cursor: _Cursor) -> None:
    cursor.counted("company prefix", "厂商识别代码", "0123456", 6)
    cursor.fixed(6, "offer code", "优惠代码")
    cursor.counted("save value", "优惠额", "12345")
    _purchase(cursor, "first", "第一")
    if cursor.follows("1"):
        cursor.fixed(1, "additional purchase rules code", "附加购买规则代码", "0123")
        _purchase(cursor, "second", "第二")
        cursor.counted("second company prefix", "第二厂商识别代码", "01234569", 6, none="9")
    if cursor.follows("2"):
        _purchase(cursor, "third", "第三")
        cursor.counted("third company prefix", "第三厂商识别代码", "01234569", 6, none="9")
    expires = _day(cursor, "expiration date", "截止日期") if cursor.follows("3") else ""
    if cursor.follows("4"):
        at = cursor.at
        starts = _day(cursor, "start date", "开始日期")
        if expires and starts > expires:
            raise _Broken(at, "it starts after it expires.", "开始日期晚于截止日期。")
    if cursor.follows("5"):
        cursor.counted("serial number", "系列号", "0123456789", 6)
    if cursor.follows("6"):
        cursor.counted("retailer's company prefix or GLN", "零售商厂商识别代码或位置码", "1234567", 6)
    if cursor.follows("9"):
        cursor.fixed(1, "save value code", "优惠额代码", "01256")
        cursor.fixed(1, "save value's item", "优惠额适用项", "012")
        cursor.fixed(1, "store coupon flag", "商店优惠券标志")
        cursor.fixed(1, "don't multiply flag", "不可翻倍标志", "01")


def _day(cursor: _Cursor, what: str, what_zh: str) -> str:
    at = cursor.at
    value = cursor.fixed(6, what, what_zh)
    year, month, day = int(value[:2]), int(value[2:4]), int(value[4:])
    # Only 2000 among the years that two digits can mean ends a century, and it is a leap year.
    last = 0 if not 1 <= month <= 12 else (28 + (year % 4 == 0) if month == 2 else 30 + (month + month // 8) % 2)
    if not 1 <= day <= last:
        raise _Broken(at, f"the {what} is no date.", f"{what_zh}不是日期。")
    return value


def _offer(cursor: _Cursor) -> None:
    cursor.fixed(1, "format code", "格式代码", "01")
    cursor.counted("funder", "出资方代码", "0123456", 6)
    cursor.fixed(6, "offer code", "优惠代码")
    cursor.counted("serial number", "系列号", "0123456789", 6)


def _check(read: Callable[[_Cursor], None]) -> Callable[[str], Fault | None]:
    def check(value: str) -> Fault | None:
        for at, character in enumerate(value):
            if not "0" <= character <= "9":
                return Fault(at, "a coupon code has digits only.", "优惠券代码只含数字。")
        cursor = _Cursor(value)
        try:
            read(cursor)
            cursor.end()
        except _Broken as broken:
            return broken.fault
        return None

    return check


COUPON_CHECKS = {"couponcode": _check(_coupon), "couponposoffer": _check(_offer)}
"""The two checks by name."""
