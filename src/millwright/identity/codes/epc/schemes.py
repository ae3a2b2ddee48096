"""EPC schemes: the grammar of their identities and what GS1 identifiers they stand for.

EPC Tag Data Standard 1.13 and 2.x, clauses 6.3 (pure identity), 7 (correspondence to GS1 element strings).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from millwright.identity.codes.epc.components import COMPONENT, CPI_COMPONENT

_NUMBER = "(?:0|[1-9][0-9]*)"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an identity; ``label`` says to people what it is."""

    name: str
    label: str
    label_zh: str
    pattern: str
    most: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """An EPC scheme.

    ``digits`` are those of company prefix and reference together, 0 where the two are not one number of fixed length;
    ``key`` is the Application Identifier of the GS1 key, ``serial`` that of what follows (empty when it is part of the
    key's own value). ``form`` says which of the conversions of clause 7 applies.
    """

    name: str
    label: str
    label_zh: str
    fields: tuple[Field, ...]
    digits: int = 0
    key: str = ""
    serial: str = ""
    form: Literal["indicator", "plain", "padded", "none"] = "none"


_PREFIX = Field("company_prefix", "GS1 Company Prefix", "厂商识别代码", "[0-9]{6,12}", 12)


def _digits(name: str, label: str, label_zh: str) -> Field:
    return Field(name, label, label_zh, "[0-9]*", 13)


def _text(name: str, label: str, label_zh: str, most: int) -> Field:
    return Field(name, label, label_zh, f"{COMPONENT}{{1,{most}}}", most)


_ITEM = _digits("item_reference", "Indicator and item reference", "指示位与项目参考代码")
_SERIAL = ("serial", "Serial number", "系列号")

_ALL = (
    Scheme(
        "sgtin",
        "Serialised trade item",
        "系列化贸易项目",
        (_PREFIX, _ITEM, _text(*_SERIAL, 20)),
        13,
        "01",
        "21",
        "indicator",
    ),
    Scheme(
        "sscc",
        "Logistic unit",
        "物流单元",
        (_PREFIX, _digits("serial_reference", "Extension digit and serial reference", "扩展位与系列参考代码")),
        17,
        "00",
        form="indicator",
    ),
    Scheme(
        "sgln",
        "Location, with or without extension",
        "位置（可含扩展）",
        (
            _PREFIX,
            _digits("location_reference", "Location reference", "位置参考代码"),
            _text("extension", "Extension", "扩展组件", 20),
        ),
        12,
        "414",
        "254",
        "plain",
    ),
    Scheme(
        "grai",
        "Returnable asset",
        "可回收资产",
        (_PREFIX, _digits("asset_type", "Asset type", "资产类型"), _text(*_SERIAL, 16)),
        12,
        "8003",
        form="padded",
    ),
    Scheme(
        "giai",
        "Individual asset",
        "单个资产",
        (_PREFIX, _text("asset_reference", "Individual asset reference", "单个资产参考代码", 24)),
        key="8004",
    ),
    Scheme(
        "gsrn",
        "Service relation, recipient",
        "服务关系（接受方）",
        (_PREFIX, _digits("service_reference", "Service reference", "服务参考代码")),
        17,
        "8018",
        form="plain",
    ),
    Scheme(
        "gsrnp",
        "Service relation, provider",
        "服务关系（提供方）",
        (_PREFIX, _digits("service_reference", "Service reference", "服务参考代码")),
        17,
        "8017",
        form="plain",
    ),
    Scheme(
        "gdti",
        "Document",
        "文件",
        (_PREFIX, _digits("document_type", "Document type", "文件类型"), _text(*_SERIAL, 17)),
        12,
        "253",
        form="plain",
    ),
    Scheme(
        "cpi",
        "Component or part",
        "组件或部件",
        (
            _PREFIX,
            Field("part_reference", "Component or part reference", "组件部件参考代码", f"{CPI_COMPONENT}{{1,24}}", 24),
            Field(*_SERIAL, "(?:0|[1-9][0-9]{0,11})", 12),
        ),
        key="8010",
        serial="8011",
    ),
    Scheme(
        "sgcn",
        "Coupon",
        "优惠券",
        (
            _PREFIX,
            _digits("coupon_reference", "Coupon reference", "优惠券参考代码"),
            Field(*_SERIAL, "[0-9]{1,12}", 12),
        ),
        12,
        "255",
        form="plain",
    ),
    Scheme(
        "ginc",
        "Consignment",
        "托运",
        (_PREFIX, _text("consignment_reference", "Consignment reference", "托运参考代码", 24)),
        key="401",
    ),
    Scheme(
        "gsin",
        "Shipment",
        "装运",
        (_PREFIX, _digits("shipper_reference", "Shipper reference", "托运人参考代码")),
        16,
        "402",
        form="plain",
    ),
    Scheme(
        "itip",
        "Piece of a trade item",
        "贸易项目组件",
        (
            _PREFIX,
            _ITEM,
            Field("piece", "Piece", "组件序号", "[0-9]{2}", 2),
            Field("total", "Total", "组件总数", "[0-9]{2}", 2),
            _text(*_SERIAL, 20),
        ),
        13,
        "8006",
        "21",
        "indicator",
    ),
    Scheme(
        "upui",
        "Unit pack",
        "单位包装",
        (_PREFIX, _ITEM, _text("tpx", "Third party controlled extension", "第三方控制的系列化扩展", 28)),
        13,
        "01",
        "235",
        "indicator",
    ),
    Scheme(
        "pgln",
        "Party",
        "参与方",
        (_PREFIX, _digits("party_reference", "Party reference", "参与方参考代码")),
        12,
        "417",
        form="plain",
    ),
    Scheme(
        "gid",
        "General identifier",
        "通用标识符",
        (
            Field("manager", "General manager number", "管理者代码", _NUMBER, 9),
            Field("object_class", "Object class", "对象类别", _NUMBER, 8),
            Field(*_SERIAL, _NUMBER, 11),
        ),
    ),
    Scheme(
        "usdod",
        "US Department of Defense supply",
        "美国国防部供应品",
        (
            Field("cage", "CAGE or DoDAAC", "CAGE 或 DoDAAC 代码", "[0-9A-HJ-NP-Z]{5,6}", 6),
            Field(*_SERIAL, _NUMBER, 11),
        ),
    ),
    Scheme(
        "adi",
        "Aerospace and defence item",
        "航空航天与国防物品",
        (
            Field("cage", "CAGE or DoDAAC", "CAGE 或 DoDAAC 代码", "[0-9A-HJ-NP-Z]{5,6}", 6),
            Field("part_number", "Original part number", "原始部件号", "(?:[A-Z0-9\\-]|%2[Ff]){0,32}", 32),
            # A number sign may only come first: it says that the part number does not make the serial unique.
            Field(*_SERIAL, "(?:%23)?(?:[A-Z0-9\\-]|%2[Ff]){1,30}", 30),
        ),
    ),
    Scheme(
        "bic",
        "Freight container",
        "货运集装箱",
        (Field("container", "BIC code (ISO 6346)", "集装箱代码（ISO 6346）", "[A-Z]{3}[UJZ][0-9]{7}", 11),),
    ),
    Scheme("imovn", "Vessel", "船舶", (Field("vessel", "IMO number", "IMO 编号", "[0-9]{7}", 7),)),
)

SCHEMES = {scheme.name: scheme for scheme in _ALL}
"""Schemes of pure identities, by name."""

LGTIN = Scheme(
    "lgtin",
    "Batch of a trade item",
    "贸易项目批次",
    (_PREFIX, _ITEM, _text("lot", "Batch or lot", "批号", 20)),
    13,
    "01",
    "10",
    "indicator",
)
"""The one scheme of classes (clause 6.5.1)."""


@cache
def pattern_of(field: Field) -> re.Pattern[str]:
    """What a field may be, as a regular expression."""
    return re.compile(field.pattern)


@cache
def identity_pattern(scheme: Scheme) -> re.Pattern[str]:
    """All fields of an identity, one group each, with points between them."""
    return re.compile(r"\.".join(f"({field.pattern})" for field in scheme.fields))
