"""Prefixes of every code system: read, named, compared."""

from __future__ import annotations

import pytest

from millwright.identity.prefixes import PrefixSystem, parents_of, read_prefix
from millwright.identity.prefixes.export import csv_of, json_of
from millwright.identity.prefixes.model import WORKFLOW, FilingDocument, PrefixContact
from millwright.identity.prefixes.systems import beginning_of
from millwright.kernel import Invalid


@pytest.mark.parametrize(
    ("system", "text", "name", "key"),
    [
        ("handle", " 88.118.8 ", "88.118.8", "88.118.8"),
        ("handle", "20.500.abc", "20.500.abc", "20.500.ABC"),
        ("gs1", "950600013", "GS1:950600013", "GS1:950600013"),
        ("oid", "urn:oid:1.2.156.3", "OID:1.2.156.3", "OID:1.2.156.3"),
        ("oid", "{iso(1) member-body(2) 156}", "OID:1.2.156", "OID:1.2.156"),
        ("did", "did:web:Example.com:a", "DID:did:web:example.com:a", "DID:DID:WEB:EXAMPLE.COM:A"),
        ("did", "did:bid:by01", "DID:did:bid:by01", "DID:DID:BID:BY01"),
        ("ma", "MA.156.1000", "MA:156.1000", "MA:156.1000"),
        ("ma", "156.M0.100001", "MA:156.M0.100001", "MA:156.M0.100001"),
        ("ecode", "1006412345", "ECODE:1006412345", "ECODE:1006412345"),
    ],
)
def test_prefixes_have_a_name_and_a_key(system: PrefixSystem, text: str, name: str, key: str) -> None:
    read = read_prefix(system, text)
    assert (read.name, read.key) == (name, key)
    assert read.parts
    again = read_prefix(system, read.prefix)
    assert (again.prefix, again.name) == (read.prefix, read.name)


@pytest.mark.parametrize(
    ("system", "text", "at"),
    [
        ("handle", "88.118/8", 6), ("handle", "88..8", 3), ("handle", "0.NA", 0), ("handle", "GS1", 0),
        ("handle", "oid:1.2", 0), ("handle", "", 0), ("handle", "9" * 201, 0), ("gs1", "69a1", 2), ("gs1", "690", 3),
        ("gs1", "6901234567890", 12), ("gs1", "2012345", 0), ("gs1", "9781234", 0), ("oid", "1.2.x", 4),
        ("oid", "1", 1),
        ("did", "did:web:a.cn/x", 12), ("did", "web:a", 0), ("ma", "156", 3), ("ma", "15.1", 0), ("ma", "156.1/x", 5),
        ("ecode", "1", 1), ("ecode", "9006412", 0),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_character(system: PrefixSystem, text: str, at: int) -> None:
    with pytest.raises(Invalid) as raised:
        read_prefix(system, text)
    assert raised.value.code == "prefixes.prefix_invalid"
    assert raised.value.detail["at"] == at
    assert raised.value.detail["why_zh"]


def test_what_lies_above() -> None:
    assert parents_of("88.118.8") == ["88.118", "88"]
    assert parents_of("GS1:690123") == ["GS1:69012", "GS1:6901"]
    assert parents_of("OID:1.2.156") == ["OID:1.2"]
    assert parents_of("DID:DID:WEB:A.CN:B:C") == ["DID:DID:WEB:A.CN:B", "DID:DID:WEB:A.CN"]
    assert parents_of("MA:156.1000") == []
    assert parents_of("ECODE:1006412")[-1] == "ECODE:100641"
    assert (beginning_of("88.118"), beginning_of("GS1:6901")) == ("88.118.", "GS1:6901")


def test_only_the_node_lets_a_prefix_expire() -> None:
    closed = {"rejected", "withdrawn"}
    assert WORKFLOW.closed == closed
    (expire,) = [each for each in WORKFLOW.transitions if not each.rights]
    assert expire.name == "expire"


def test_a_filing_document_runs_nothing_in_a_spreadsheet() -> None:
    document = FilingDocument(
        schema="s", at_ms=0, prefix="88.1", system="handle", key="88.1", state="active", granted_ms=0, until_ms=None,
        organisation_id="org_x", organisation_name="=cmd()", credit_code="C", contact=PrefixContact(name="@x"),
        industry="", use="a,b", registrar_id=None, registrar_name=None, parent=None, certification=None, documents=[],
        filings=[],
    )  # fmt: skip
    text = csv_of(document).decode("utf-8-sig")
    assert "organisation,企业名称,'=cmd()" in text
    assert '"a,b"' in text
    assert b'"prefix": "88.1"' in json_of(document)
