"""Metadata templates: the rules of their documents, and fields to handle values and back."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.identity.handle import HandleValue, Permission
from millwright.identity.handle.model import decode_value, encode_value
from millwright.identity.templates import (
    Template,
    TemplateDocument,
    TemplateField,
    decode,
    encode,
    read_cells,
    ready_templates,
    template_of,
)
from millwright.identity.templates.model import EnumValue
from millwright.identity.templates.validation import check, parse
from millwright.kernel import Corrupt, Invalid, Unsupported

DOCUMENT = check(
    TemplateDocument(
        name="Everything",
        fields=[
            TemplateField(number=1, name="name", required=True),
            TemplateField(number=2, name="count", type="integer"),
            TemplateField(number=3, name="share", type="number"),
            TemplateField(number=4, name="new", type="boolean"),
            TemplateField(number=5, name="made_on", type="date"),
            TemplateField(number=6, name="seen_at", type="datetime"),
            TemplateField(number=7, name="page", type="url"),
            TemplateField(number=8, name="grade", type="enum", values=[EnumValue(value="a"), EnumValue(value="乙")]),
            TemplateField(number=9, name="weight", type="quantity", unit="kg"),
            TemplateField(number=10, name="part_of", type="reference"),
            TemplateField(number=11, name="report", type="file"),
            TemplateField(number=12, name="place", type="geo"),
            TemplateField(number=13, name="more", type="json"),
            TemplateField(number=14, name="tags", repeated=True, visibility="granted"),
            TemplateField(number=15, name="recipe", visibility="sealed"),
            TemplateField(number=9999, name="steps", type="quantity", unit="s", repeated=True),
        ],
    )
)
TEMPLATE = Template(id="tpl_x", version=3, document=DOCUMENT)


class Sealing:
    def seal(self, place: str, plain: bytes) -> bytes:
        return b"sealed " + place.encode() + b" " + plain[::-1]

    def open(self, place: str, sealed: bytes) -> bytes:
        kept, _, rest = sealed.removeprefix(b"sealed ").partition(b" ")
        assert kept == place.encode()
        return rest[::-1]


SEALING = Sealing()
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
jsons = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
geos = st.fixed_dictionaries(
    {"latitude": st.floats(-90, 90) | st.integers(-90, 90), "longitude": st.floats(-180, 180)},
    optional={"altitude": numbers},
)
filed = st.fixed_dictionaries(
    {"digest": st.just("sha256:" + "0f" * 32)},
    optional={"name": texts, "size": st.integers(0, 2**40), "media_type": texts, "url": texts},
)
records = st.fixed_dictionaries(
    {"name": texts.filter(bool)},
    optional={
        "count": st.integers(-(2**63), 2**63 - 1),
        "share": numbers,
        "new": st.booleans(),
        "made_on": st.dates().map(str),
        "seen_at": st.datetimes(timezones=st.timezones()).map(
            lambda t: t.replace(second=1).isoformat()[:19] + "+08:00"
        ),
        "page": st.sampled_from(["https://例子.cn/a?b#c", "urn:epc:id:sgtin:1.2.3", "mailto:a@b.cn"]),
        "grade": st.sampled_from(["a", "乙"]),
        "weight": st.fixed_dictionaries({"value": numbers, "unit": st.sampled_from(["kg", "g", "t"])}),
        "part_of": st.sampled_from(["88.118.8/a", "1.2.156.3", "did:web:example.com"]),
        "report": filed,
        "place": geos,
        "more": jsons.filter(lambda each: each is not None),
        "tags": st.lists(texts, min_size=1, max_size=5),
        "recipe": texts,
        "steps": st.lists(st.just({"value": 1.5, "unit": "min"}), min_size=1, max_size=3),
    },
)


@given(records)
def test_what_is_encoded_and_decoded_is_the_same(fields: dict[str, Any]) -> None:
    values = encode(TEMPLATE, fields, sealing=SEALING)
    stored = tuple(decode_value(encode_value(value)) for value in values)
    back = decode(TEMPLATE, stored, sealing=SEALING)
    assert back == fields
    assert msgspec.json.encode(back, order="deterministic") == msgspec.json.encode(fields, order="deterministic")
    assert template_of(stored) == ("tpl_x", 3)
    assert len({value.index for value in values}) == len(values)


def test_indexes_types_and_who_reads() -> None:
    fields = {"name": "Pump", "page": "https://a.cn", "tags": ["x", "y"], "recipe": "secret", "steps": []}
    values = {value.index: value for value in encode(TEMPLATE, fields, sealing=SEALING)}
    assert {index: value.type for index, value in values.items()} == {
        900: b"MW_TEMPLATE", 1001: b"NAME", 1007: b"URL", 1014: b"TAGS", 11014: b"TAGS", 1015: b"RECIPE",
    }  # fmt: skip
    assert values[1001].public
    assert values[1014].permissions == Permission.ADMIN_READ | Permission.ADMIN_WRITE
    assert values[1015].permissions == Permission.ADMIN_WRITE
    assert b"secret" not in values[1015].data
    foreign = (
        *values.values(),
        HandleValue(index=1, type=b"URL", data=b"x"),
        HandleValue(index=100, type=b"HS_ADMIN", data=b""),
    )
    assert "recipe" not in decode(TEMPLATE, foreign)
    assert decode(TEMPLATE, [value for value in foreign if value.public])["name"] == "Pump"
    with pytest.raises(Unsupported) as raised:
        encode(TEMPLATE, fields)
    assert raised.value.code == "templates.sealing_missing"


WRONG: list[tuple[str, Any]] = [
    ("name", ""), ("name", None), ("name", 1), ("name", "a\0b"), ("name", "\ud800"), ("count", 1.0), ("count", True),
    ("count", 2**63), ("share", math.nan), ("share", "1"), ("new", "true"), ("made_on", "2026-02-30"),
    ("made_on", "20260203"), ("seen_at", "2026-01-01T00:00:00"), ("seen_at", "2026-13-01T00:00:00Z"), ("page", "a.cn"),
    ("page", "javascript:alert(1)"), ("page", "https://a b"), ("grade", "b"), ("weight", 3),
    ("weight", {"value": 1, "unit": "m"}), ("weight", {"value": 1, "unit": "nonsense"}), ("part_of", "no identifier"),
    ("report", {"name": "x"}), ("report", {"digest": "md5:1"}), ("place", {"latitude": 91, "longitude": 0}),
    ("more", {1: 2}), ("more", math.inf), ("tags", "x"), ("tags", [1]), ("colour", "red"), ("name", "x" * 70_000),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_is_wrong_is_said_of_the_field(name: str, value: Any) -> None:
    with pytest.raises(Invalid) as raised:
        encode(TEMPLATE, {"name": "Pump", name: value}, sealing=SEALING)
    (problem,) = raised.value.detail["problems"]
    assert raised.value.code == "templates.fields_invalid"
    assert problem["field"] == name
    assert problem["pointer"].startswith(f"/{name}")
    assert problem["why"]
    assert any(ord(character) > 0x2E80 for character in problem["why_zh"])


def test_every_problem_is_told() -> None:
    with pytest.raises(Invalid) as raised:
        encode(TEMPLATE, {"count": "x", "tags": ["ok", 5], "colour": 1}, sealing=SEALING)
    assert [each["pointer"] for each in raised.value.detail["problems"]] == ["/colour", "/name", "/count", "/tags/1"]


def test_bounds_and_patterns() -> None:
    document = check(
        TemplateDocument(
            name="Bounds",
            fields=[
                TemplateField(number=1, name="code", pattern=r"[A-Z]+-\d{4}", minimum=6, maximum=8),
                TemplateField(number=2, name="level", type="integer", minimum=0, maximum=9),
                TemplateField(number=3, name="pressure", type="quantity", unit="kPa", maximum=1000),
            ],
        )
    )
    template = Template(id="tpl_b", version=1, document=document)
    good = {"code": "AB-1234", "level": 9, "pressure": {"value": 1, "unit": "MPa"}}
    assert decode(template, encode(template, good)) == good
    for bad in (
        {"code": "ab-1234"},
        {"code": "ABCDE-1234"},
        {"level": 10},
        {"pressure": {"value": 1.1, "unit": "MPa"}},
    ):
        with pytest.raises(Invalid):
            encode(template, bad)


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        ({"pattern": "(a+)+"}, "pattern"), ({"pattern": "(a|b)*c"}, "pattern"), ({"pattern": "["}, "pattern"),
        ({"pattern": "(?=a)"}, "pattern"), ({"pattern": "a*b*c*d*"}, "pattern"), ({"pattern": r"(a)\1"}, "pattern"),
        ({"type": "boolean", "minimum": 1.0}, "minimum"), ({"minimum": 2.0, "maximum": 1.0}, "minimum"),
        ({"type": "enum"}, "values"), ({"values": [EnumValue(value="a")]}, "values"), ({"type": "quantity"}, "unit"),
        ({"unit": "kg"}, "unit"), ({"type": "quantity", "unit": "kgg"}, "unit"), ({"system": "gs1"}, "system"),
        ({"type": "reference", "system": "none"}, "system"), ({"handle_type": "HS_ADMIN"}, "handle_type"),
    ],
)  # fmt: skip
def test_documents_keep_the_rules(field: dict[str, Any], pointer: str) -> None:
    document = TemplateDocument(name="x", fields=[TemplateField(number=1, name="f", **field)])
    with pytest.raises(Invalid) as raised:
        check(document)
    assert raised.value.detail["pointer"] == f"/fields/0/{pointer}"
    assert raised.value.detail["why_zh"]


def test_numbers_and_names_are_given_once() -> None:
    one = TemplateField(number=1, name="a")
    for two in (TemplateField(number=1, name="b"), TemplateField(number=2, name="a")):
        with pytest.raises(Invalid):
            check(TemplateDocument(name="x", fields=[one, two]))
    with pytest.raises(Invalid) as raised:
        parse(b'{"name": "x", "fields": [{"number": "1", "name": "a"}]}')
    assert raised.value.detail["pointer"] == "/fields/0/number"


def test_ready_templates_are_whole() -> None:
    found = {each.key: each.document for each in ready_templates()}
    assert set(found) == {"product", "batch", "device", "document", "organisation"}
    for document in found.values():
        assert all(field.label and field.label_zh for field in document.fields)
        assert parse(msgspec.json.encode(document)) == document
    product = Template(id="tpl_p", version=1, document=found["product"])
    fields = {"name": "泵", "maker": "红星", "gtin": "(01)09506000134352", "net_weight": {"value": 2, "unit": "kg"}}
    assert decode(product, encode(product, fields)) == fields


def test_what_was_changed_without_the_template_is_told() -> None:
    broken = HandleValue(index=1002, type=b"COUNT", data=b"many")
    with pytest.raises(Corrupt) as raised:
        decode(TEMPLATE, [broken])
    assert raised.value.detail["field"] == "count"


def test_rows_of_a_table() -> None:
    cells = {
        "name": " Pump ", "count": "12", "share": "0.5", "new": "是", "weight": "12.5 g", "place": "26.1, 119.3",
        "report": "sha256:" + "0" * 64, "tags": "a\n\nb", "more": '{"x":1}', "grade": "", "steps": "2",
    }  # fmt: skip
    fields = read_cells(TEMPLATE, cells)
    assert fields == {
        "name": "Pump", "count": 12, "share": 0.5, "new": True, "weight": {"value": 12.5, "unit": "g"},
        "place": {"latitude": 26.1, "longitude": 119.3}, "report": {"digest": "sha256:" + "0" * 64},
        "tags": ["a", "b"], "more": {"x": 1}, "steps": [{"value": 2, "unit": "s"}],
    }  # fmt: skip
    assert decode(TEMPLATE, encode(TEMPLATE, fields)) == fields
    with pytest.raises(Invalid) as raised:
        read_cells(TEMPLATE, {"count": "x", "colour": "red"})
    assert [each["field"] for each in raised.value.detail["problems"]] == ["count", "colour"]
