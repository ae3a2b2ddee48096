"""The interface of secondary nodes: attributes and fields, envelopes, the door."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from millwright.identity.registration.model import IdentifierRecord, OtherValue
from millwright.identity.snms.door import BELOW, Door, message_of, translate
from millwright.identity.snms.facts import DOCUMENTED, FACTS
from millwright.identity.snms.model import SnmsAttribute, SnmsData
from millwright.identity.snms.values import attributes_of, fields_of
from millwright.identity.templates import Template, TemplateDocument, TemplateField
from millwright.kernel import Invalid

VALUES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "text": (" as it is ", " as it is ", {}),
    "integer": ("-7", -7, {}),
    "number": ("1.50", 1.5, {}),
    "boolean": ("true", True, {}),
    "date": ("2026-01-02", "2026-01-02", {}),
    "datetime": ("2026-01-02T03:04:05+08:00", "2026-01-02T03:04:05+08:00", {}),
    "url": ("https://example.com/a", "https://example.com/a", {}),
    "enum": ("red", "red", {"values": [{"value": "red"}]}),
    "quantity": ("1.5 t", {"value": 1.5, "unit": "t"}, {"unit": "kg"}),
    "reference": ("88.1/a", "88.1/a", {}),
    "geo": ("geo:39.9,116.4", {"latitude": 39.9, "longitude": 116.4}, {}),
    "json": ('{"a":[1]}', {"a": [1]}, {}),
}


def template_of(*fields: TemplateField) -> Template:
    return Template(id="tpl_1", version=3, document=TemplateDocument(name="1.0", fields=list(fields)))


def attribute(index: int, kind: str, value: str, form: str = "string") -> SnmsAttribute:
    return SnmsAttribute(index=index, type=kind, data=SnmsData(value=value, format=form))


def record(fields: dict[str, Any], *values: OtherValue) -> IdentifierRecord:
    return IdentifierRecord(
        identifier="88.1/a", name="88.1/a", system="handle", kind="handle", prefix="88.1", prefix_state="active",
        organisation_id="org_1", template=None, fields=fields, withheld={}, links=[], values=list(values), version=1,
        own=True, writable=True,
    )  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_a_field_of_each_type_goes_there_and_back(kind: str) -> None:
    text, value, more = VALUES[kind]
    field = msgspec.convert({"number": 1000, "name": "a", "type": kind, "handle_type": "aA", **more}, TemplateField)
    template = template_of(field)
    assert fields_of(template, [attribute(2000, "aA", text)]) == {"a": value}
    shown = attributes_of(record({"a": value}), template)
    assert [(each.index, each.type, each.auth) for each in shown] == [(2000, "aA", "")]
    assert fields_of(template, shown) == {"a": value}


def test_what_is_no_field_of_the_template_is_refused() -> None:
    template = template_of(
        TemplateField(number=1, name="first"), TemplateField(number=1000, name="a"),
        TemplateField(number=1001, name="many", repeated=True), TemplateField(number=1002, name="n", type="integer"),
    )  # fmt: skip
    for code, *given in (
        ("snms.index_reserved", attribute(1001, "first", "x")),
        ("snms.index_unknown", attribute(1000, "a", "x")),
        ("snms.index_unknown", attribute(0, "a", "x")),
        ("snms.index_unknown", attribute(-8000, "a", "x")),
        ("snms.index_unknown", attribute(12000, "a", "x")),
        ("snms.index_unknown", attribute(10**18, "a", "x")),
        ("snms.index_twice", attribute(2000, "a", "x"), attribute(2000, "a", "x")),
        ("snms.type_differs", attribute(2000, "b", "x")),
        ("snms.format_unknown", attribute(2000, "a", "x", "base64")),
        ("snms.value_invalid", attribute(2002, "n", "seven")),
        ("snms.value_invalid", attribute(2002, "n", " ")),
    ):
        with pytest.raises(Invalid) as refused:
            fields_of(template, given)  # type: ignore[arg-type]
        assert refused.value.code == code
        assert refused.value.detail["why_zh"]
    assert fields_of(template, []) == {}
    assert fields_of(template, [attribute(2000, "A", ""), attribute(2001, "MANY", "")]) == {"a": None, "many": None}
    many = [attribute(12001, "many", "b"), attribute(2001, "many", "a"), attribute(22001, "many", "")]
    assert fields_of(template, many) == {"many": ["a", "b"]}


def test_what_only_machines_need_is_not_shown() -> None:
    values = [
        OtherValue(index=100, type="HS_ADMIN", data={"format": "admin", "value": {}}, public=True),
        OtherValue(index=300, type="HS_SECKEY", data={"format": "string", "value": "secret"}, public=False),
        OtherValue(index=3, type="EMAIL", data={"format": "string", "value": "a@example.com"}, public=True),
        OtherValue(index=4, type="X", data=None, public=True),
    ]
    shown = attributes_of(record({"gone": 1}, *values), None)
    assert [(each.index, each.type, each.data.value) for each in shown] == [(3, "EMAIL", "a@example.com")]


@pytest.mark.parametrize(
    ("http", "code", "sent", "status"),
    [
        (400, "web.invalid", 200, 21000),
        (415, "web.media_type_unsupported", 415, 21000),
        (400, "snms.index_unknown", 200, -2),
        (401, "parties.sign_in_required", 401, -1),
        (403, "parties.permission_required", 403, -3),
        (403, "snms.credentials_wrong", 200, -2),
        (404, "identifiers.unknown", 200, -2),
        (404, "web.no_such_path", 404, -2),
        (405, "web.method_not_allowed", 405, -2),
        (409, "identifiers.exists", 200, -2),
        (413, "web.body_too_large", 413, -2),
        (429, "metering.rate_exceeded", 429, -2),
        (500, "web.internal", 500, -4),
        (503, "records.unconfirmed", 503, -4),
    ],
)
def test_every_refusal_is_an_envelope(http: int, code: str, sent: int, status: int) -> None:
    problem = {"code": code, "detail": "words", "data": {"why_zh": "原因"}, "status": http}
    found_http, envelope = translate(http, json.dumps(problem).encode())
    assert (found_http, envelope["status"], envelope["data"]) == (sent, status, None)
    assert envelope["message"]


def test_a_broken_problem_is_an_envelope_too() -> None:
    for body in (b"", b"[]", b"7", b"{", b'{"code":7,"data":[],"errors":{}}', b"\xff"):
        for http in (400, 401, 404, 500, 202):
            assert set(translate(http, body)[1]) == {"status", "message", "data"}
    waits = translate(202, b'{"approval":{"id":"apr_7"}}')
    assert waits[0] == 200
    assert "apr_7" in waits[1]["message"]


def test_words_that_the_guide_shows_are_sent_to_the_letter() -> None:
    assert message_of({"code": "identifiers.exists"}) == "标识已存在"
    assert message_of({"code": "identifiers.removed"}) == "没有找到标识"
    assert message_of({"code": "identifiers.removed"}, many=True) == "标识不存在"
    assert DOCUMENTED["index_unknown"].format(index=1000) == "非法操作，索引1000在模板中不存在"
    told = {"problems": [{"field": "a", "why_zh": "必填"}, {"field": "b", "why_zh": "应为数字"}]}
    assert message_of({"code": "templates.fields_invalid", "data": told}) == "a：必填；b：应为数字"
    assert message_of({"code": "x", "detail": "in English"}) == "in English"
    assert all(each.source for each in FACTS if each.verified != "ours")


@pytest.mark.parametrize(
    ("path", "at_root", "passed"),
    [
        ("/identityv2/data", True, f"{BELOW}/identityv2/data"),
        ("/identityv2/data/batchCreate", True, f"{BELOW}/identityv2/data/batchCreate"),
        ("/identity/token", True, f"{BELOW}/identity/token"),
        ("/identityv2/data", False, "/identityv2/data"),
        ("/snms/api/v5/template", True, f"{BELOW}/template"),
        ("/snms/api/template/v1", True, f"{BELOW}/template"),
        (f"{BELOW}/snms/api/v3/template", False, f"{BELOW}/template"),
        ("/snms/api/v4/template", True, "/snms/api/v4/template"),
        ("/identity/token/v1", True, "/identity/token/v1"),
        ("/identityv2/database", True, "/identityv2/database"),
        ("/identityv2", True, "/identityv2"),
        ("/identifiers", True, "/identifiers"),
    ],
)
async def test_the_door_takes_only_its_own(path: str, at_root: bool, passed: str) -> None:
    seen: list[tuple[str, bytes]] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.append((scope["path"], scope["raw_path"]))
        headers = [(b"content-type", b"application/problem+json"), (b"x-request-id", b"7")]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"code":"identi', "more_body": True})
        await send({"type": "http.response.body", "body": b'fiers.unknown"}', "more_body": False})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "raw_path": path.encode()}
    await Door(app, at_root=at_root)(scope, None, send)
    assert seen == [(passed, passed.encode())]
    assert scope["path"] == path
    if passed.startswith(BELOW):
        assert (sent[0]["status"], len(sent)) == (200, 2)
        assert (b"x-request-id", b"7") in sent[0]["headers"]
        assert json.loads(sent[1]["body"]) == {"status": -2, "message": "没有找到标识", "data": None}
    else:
        assert [each.get("status") for each in sent] == [404, None, None]
