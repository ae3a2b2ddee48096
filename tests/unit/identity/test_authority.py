"""Whose a name is, and whether it is kept here."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from millwright.identity.handle import Interface, Server, Site
from millwright.identity.handle.resolution import refer
from millwright.identity.handle.site import encode_site
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.handle.wire.responses import decode_resolved
from millwright.identity.records import Prefix, Records
from millwright.identity.records.authority import candidates
from support.handle import value
from support.identifiers import open_records, put

SITE = encode_site(Site(servers=(Server(1, ip_address("192.0.2.1"), b"", (Interface(3, 1, 1),)),)))


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = open_records(tmp_path)
    entries = {
        "88.118": "org_industry", "88.118.8": "org_maker", "GS1:9506000": "org_gs1", "GS1:950600012": "org_gs1_longer",
        "OID:1.2.156.3": "org_oid", "DID:did:bid:ef": "org_did", "MA:156.1000": "org_ma", "ECODE:1006": "org_ecode",
    }  # fmt: skip
    prefixes = [Prefix(prefix=prefix, organisation_id=owner, state="active") for prefix, owner in entries.items()]
    prefixes.append(Prefix(prefix="88.118.9", organisation_id="org_away", state="active", site=SITE))
    prefixes.append(Prefix(prefix="88.118.10", organisation_id="org_bad", state="suspended"))
    prefixes.append(Prefix(prefix="88.118.11", organisation_id="org_old", state="expired", site=SITE))
    made.change_many((), who="test", prefixes=prefixes)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        (b"88.118.8/x", "org_maker"),
        (b"88.118.8.7.6/x", "org_maker"),
        (b"88.118.80/x", "org_industry"),
        (b"88.119/x", None),
        (b"0.NA/88.118.8", "org_maker"),
        (b"0.na/88.118.8.1", "org_maker"),
        (b"88.118.8", "org_maker"),
        (b"GS1/01/09506000134352/21/~AB", "org_gs1"),
        (b"gs1/01/99506000120003", "org_gs1_longer"),
        (b"GS1/00/195060001200000018", "org_gs1_longer"),
        (b"GS1/414/9506000134376", "org_gs1"),
        (b"GS1/8003/09506000134352ABC", "org_gs1"),
        (b"GS1/8004/950600013", "org_gs1"),
        (b"GS1/01/19500000134352", None),
        (b"GS1/01/", None),
        (b"OID/1.2.156.3", "org_oid"),
        (b"OID/1.2.156.3.4.5", "org_oid"),
        (b"OID/1.2.156.30", None),
        (b"DID/did:bid:ef:123", "org_did"),
        (b"did/DID:BID:EF", "org_did"),
        (b"DID/did:bid:efg", None),
        (b"MA/156.1000.5/66", "org_ma"),
        (b"MA/156.10001", None),
        (b"ECODE/10061234", "org_ecode"),
        (b"ECODE/2006", None),
    ],
)
def test_a_name_belongs_to_the_longest_prefix(records: Records, name: bytes, owner: str | None) -> None:
    with records.view() as view:
        found = view.authority(name)
        assert (found.organisation_id if found is not None else None) == owner
        assert view.responsible(name) == (owner is not None)


def test_a_name_that_was_made_long_takes_no_long_look() -> None:
    for name in (b"1." * 900 + b"1/x", b"OID/" + b"1." * 900, b"DID/" + b":" * 2000, b"ECODE/" + b"1" * 2000):
        assert len(list(candidates(name))) < 50


def test_a_prefix_that_is_elsewhere_or_suspended_is_not_kept_here(records: Records) -> None:
    put(records, (b"88.118.10/x", (value(1),)), (b"88.118.9/x", (value(1),)))
    with records.view() as view:
        assert not view.responsible(b"88.118.9/x")
        found = refer(view, b"88.118.9/x", 0)
        assert found is not None
        assert found[0] == Rc.SERVICE_REFERRAL
        referral = decode_resolved(found[1])
        assert (referral.handle, referral.values[0].data) == (b"0.NA/88.118.9", SITE)
        # What is known of the prefix itself stays with those who gave it away.
        assert view.responsible(b"0.NA/88.118.9")
        for name, said in ((b"88.118.10/x", b"suspended"), (b"88.118.11/x", b"expired")):
            assert not view.responsible(name)
            found = refer(view, name, 0)
            assert found is not None
            assert found[0] == Rc.SERVER_NOT_RESPONSIBLE
            assert said in found[1]
        assert [each.prefix for each in view.iter_entries(b"88.118.9")][:2] == ["88.118.9", "DID:did:bid:ef"]
        assert list(view.iter_prefixes()) == [b"88.118", b"88.118.8"]


def test_a_prefix_handle_says_where_a_derived_prefix_is(records: Records) -> None:
    with records.view() as view:
        assert view.responsible(b"88.118.8.5/x")
    put(records, (b"0.NA/88.118.8.5", (value(1, b"HS_SITE", SITE),)))
    with records.view() as view:
        assert not view.responsible(b"88.118.8.5/x")
        assert not view.responsible(b"88.118.8.5.1/x")
        assert view.responsible(b"88.118.8.6/x")
        found = refer(view, b"88.118.8.5/x", 0)
        assert found is not None
        assert found[0] == Rc.SERVICE_REFERRAL
