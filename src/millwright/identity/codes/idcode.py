"""MA (IDcode), an issuing agency of ISO/IEC 15459, and the Chinese UDI of medical devices that it issues.

``MA.<country>.<codes between dots>``; as UDI: industry ``M0``, a registrant of six, a product code of eight (package,
item, check character) and behind these the production identifiers, each with a letter of its own (.L batch, .S serial,
.M production date, .E expiry …). Such a device identifier has 25 characters. AHM (Alibaba Health) issues UDIs too.
"""

from __future__ import annotations

import re
from datetime import date

from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.model import Certainty, Code, Part, System
from millwright.identity.codes.tables import by_key, weakest
from millwright.identity.codes.text import check_text

_UDI = re.compile(r"MA\.(?P<country>[0-9]{3})\.(?P<industry>M0)\.(?P<registrant>[0-9A-Z]{6})\.(?P<product>[0-9A-Z]{8})")
_SEGMENT = re.compile(r"[0-9A-Za-z_-]+")
_UNCHECKED = "The check character of the product code is not verified: its rule was not at hand."
_DI_LENGTH = 25


def likely(text: str) -> bool:
    """Whether it begins with an issuing agency code that this reads."""
    return bool(re.match(r"MA\.[0-9]|AHM[.0-9]", text))


def parse(text: str) -> Code:
    """An MA code, the UDI form of it, or (by its agency alone) one of AHM. Raises ``Invalid``."""
    check_text(text)
    if text.startswith("AHM"):
        return _of_ahm(text)
    if not text.startswith("MA."):
        raise bad_code(
            text, 0, "it does not begin with MA.", "Such as MA.156.M0.100001.1ABCDEF8.", why_zh="必须以 MA. 开头"
        )
    if re.match(r"MA\.[0-9]{3}\.M0\.", text):
        return _udi(text)
    return parse_general(text)


def _country(value: str, at: int) -> Part:
    china = value == "156"
    return Part(
        name="country", value=value, label="Country (ISO 3166-1)", label_zh="国家代码（ISO 3166-1 数字）", at=at,
        meaning="China" if china else "", meaning_zh="中国" if china else "",
    )  # fmt: skip


def _agency(value: str, meaning: str, meaning_zh: str) -> Part:
    return Part(
        name="agency", value=value, label="Issuing agency", label_zh="发码机构", at=0, meaning=meaning,
        meaning_zh=meaning_zh,
    )  # fmt: skip


_MA = ("MA", "ZIIOT, Beijing (ISO/IEC 15459)", "中关村工信二维码技术研究院（ISO/IEC 15459）")


def parse_general(text: str) -> Code:
    """A code by MA's general rule alone, whatever its industry. Raises ``Invalid``."""
    """A code by MA's general rule alone, whatever its industry. Raises ``Invalid``."""
    path, slash, rest = text.partition("/")
    at = 3
    parts: list[Part] = [_agency(*_MA)]
    names = [("Industry or organisation", "行业或组织代码"), ("Organisation", "组织代码")]
    for index, segment in enumerate(path[3:].split(".")):
        if index == 0 and not re.fullmatch(r"[0-9]{3}", segment):
            raise bad_code(
                text, at, "the country is three digits", "China is 156.", why_zh="国家代码应为三位数字（中国为 156）"
            )
        if not _SEGMENT.fullmatch(segment):
            raise bad_code(text, at, "no code between the dots", "Letters and digits.", why_zh="点之间应为字母或数字")
        if index == 0:
            parts.append(_country(segment, at))
        else:
            label, label_zh = names[min(index, 2) - 1]
            parts.append(Part(name=f"code_{index}", value=segment, label=label, label_zh=label_zh, at=at))
        at += len(segment) + 1
    if len(parts) < 3:
        raise bad_code(text, len(path), "no organisation after the country", why_zh="国家代码后缺少组织代码")
    if slash:
        if not rest:
            raise bad_code(text, len(text), "nothing after the slash", why_zh="斜杠后没有内容")
        parts.append(Part(name="object", value=rest, label="Object", label_zh="对象代码", at=at))
    return Code(
        system="idcode", kind="ma", text=text, canonical=text, parts=tuple(parts), certainty="recalled",
        notes=("What each code between the dots stands for is known from use only.",),
    )  # fmt: skip


def _udi(text: str) -> Code:
    found = _UDI.match(text)
    if found is None:
        at = _mismatch(text)
        raise bad_code(
            text, at, "a device identifier is MA.nnn.M0.xxxxxx.xxxxxxxx", "Letters are capitals.",
            why_zh="产品标识为 MA.三位国家代码.M0.六位注册人代码.八位产品编码",
        )  # fmt: skip
    product_at = found.start("product")
    product = found["product"]
    parts = [
        _agency(*_MA),
        _country(found["country"], found.start("country")),
        Part(name="industry", value="M0", label="Industry", label_zh="行业代码", at=found.start("industry"),
             meaning="Medical devices", meaning_zh="医疗器械"),
        Part(name="registrant", value=found["registrant"], label="Registrant", label_zh="注册人（备案人）代码",
             at=found.start("registrant")),
        Part(name="package", value=product[0], label="Package level", label_zh="包装编码", at=product_at),
        Part(name="item", value=product[1:7], label="Item", label_zh="项目编码", at=product_at + 1),
        Part(name="check", value=product[7], label="Check character", label_zh="校验码", at=product_at + 7),
    ]  # fmt: skip
    more, certainty = _production(text, found.end())
    return Code(
        system="idcode", kind="udi_ma", text=text, canonical=text, parts=(*parts, *more), certainty=certainty,
        notes=(_UNCHECKED,),
    )  # fmt: skip


def _mismatch(text: str) -> int:
    """The first character at which the text cannot become a device identifier."""
    pattern = ["[0-9]"] * 3 + [r"\.", "M", "0", r"\."] + ["[0-9A-Z]"] * 6 + [r"\."] + ["[0-9A-Z]"] * 8
    for at, allowed in enumerate(pattern, 3):
        if at >= len(text) or not re.fullmatch(allowed, text[at]):
            return at
    return len(text)


def _production(text: str, at: int) -> tuple[list[Part], Certainty]:
    """The production identifiers behind a device identifier."""
    known = by_key("idcode", "production", "letter")
    parts, seen = [], set()
    certainty: Certainty = "recalled"  # as is the device identifier: the standard itself was not at hand
    while at < len(text):
        if text[at] != ".":
            raise bad_code(
                text, at, "expected a dot", f"A device identifier has {_DI_LENGTH} characters.", why_zh="此处应为点"
            )
        letter = text[at + 1 : at + 2]
        row = known.get(letter)
        if row is None or letter in seen:
            why = "is given twice" if row else f"is no production identifier: {', '.join(known)}"
            raise bad_code(
                text, at + 1, f"{letter or 'nothing'} {why}", why_zh=f"生产标识符应为 {'、'.join(known)} 之一且不重复"
            )
        seen.add(letter)
        certainty = weakest(certainty, row["certainty"])
        end = text.find(".", at + 2)
        end = len(text) if end < 0 else end
        value = text[at + 2 : end]
        if not _SEGMENT.fullmatch(value):
            raise bad_code(text, at + 2, "letters and digits are needed", why_zh="应为字母或数字")
        meaning = _date(text, value, at + 2) if row["kind"] == "date" else ""
        parts.append(
            Part(name=row["name"], value=value, label=row["label"], label_zh=row["label_zh"], at=at + 2,
                 meaning=meaning, meaning_zh=meaning)
        )  # fmt: skip
        at = end
    return parts, certainty


def _date(text: str, value: str, at: int) -> str:
    full = f"20{value}" if len(value) == 6 else value
    try:
        if not re.fullmatch(r"[0-9]{8}", full):
            raise ValueError(full)
        return date(int(full[:4]), int(full[4:6]), int(full[6:])).isoformat()
    except ValueError:
        raise bad_code(text, at, "no date as YYMMDD or YYYYMMDD", why_zh="不是 YYMMDD 或 YYYYMMDD 格式的日期") from None


def _of_ahm(text: str) -> Code:
    rest = text[3:]
    if not re.fullmatch(r"[0-9A-Za-z.,_-]+", rest):
        raise bad_code(text, 3, "letters and digits are needed after AHM", why_zh="AHM 之后应为字母或数字")
    parts = (
        _agency("AHM", "Alibaba Health", "阿里健康"),
        Part(name="rest", value=rest, label="Identifier", label_zh="标识", at=3),
    )
    return Code(
        system="idcode", kind="udi_ahm", text=text, canonical=text, parts=parts, certainty="recalled",
        notes=("The structure of AHM's identifiers was not at hand; only the agency is recognised.",),
    )  # fmt: skip


def _device_identifier(code: Code) -> str:
    if code.kind != "udi_ma":
        raise no_such_form("a UDI-DI", "only MA's medical form has one.")
    return code.canonical[:_DI_LENGTH]


SYSTEM = System(
    name="idcode",
    label="MA (IDcode), UDI of MA and AHM",
    label_zh="MA（IDcode）及 MA、AHM 医疗器械唯一标识",
    standard="ISO/IEC 15459; UDI: YY/T 1630, coding manual of MA",
    example="MA.156.M0.100001.1ABCDEF8.L2408.E270831.S0001",
    likely=likely,
    parse=parse,
    conversions={"ma": lambda code: code.canonical, "udi_di": _device_identifier},
)
"""MA's codes. The UDI form of GS1 is read by the system ``gs1``."""
