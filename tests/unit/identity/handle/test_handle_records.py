"""Records in LMDB: found without regard to case, checked by their checksum, changed in one transaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from millwright.identity.handle import Reference, StoredRecord
from millwright.identity.handle.administration import Administration
from millwright.identity.handle.authorisation import check_permitted, is_member
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.special import AdminPermission, encode_references
from millwright.identity.handle.wire.codes import Flag, Rc
from millwright.identity.records import Prefix, Records
from millwright.identity.records.index import key_of
from millwright.kernel import Conflict, Corrupt, Denied, Invalid, ManualClock, NotFound
from support.handle import ADMIN, SECRET, admin_value, fill, value
from support.identifiers import open_records, put

OTHER = Reference(b"86.1000.1/other", 300)


@pytest.fixture
def records(tmp_path: Path):
    made = open_records(tmp_path)
    fill(made)
    yield made
    made.close()


def found(records: Records, handle: bytes) -> tuple[HandleValue, ...] | None:
    with records.view() as view:
        record = view.find(handle)
        return record.values if record is not None else None


def test_a_record_keeps_its_public_values_as_one_slice() -> None:
    hidden = value(2, permissions=0x0C)
    record = StoredRecord.build(b"10/1", [value(3), hidden, value(1)])
    assert [each.index for each in record.values] == [1, 2, 3]
    assert record.public_block[:4] == b"\x00\x00\x00\x02"
    assert record.has_restricted
    assert record.handle == b"10/1"
    assert StoredRecord.check(b"10/1", record.data).data == record.data


def test_a_flipped_bit_is_noticed() -> None:
    data = StoredRecord.build(b"10/1", [value(1), value(2)]).data
    for place in range(len(data)):
        if place == 1:
            continue  # flags, of which there are none yet
        broken = bytearray(data)
        broken[place] ^= 0x10
        with pytest.raises(Corrupt) as error:
            StoredRecord.check(b"10/1", bytes(broken))
        assert error.value.code == "handle.record_broken"


def test_handles_are_found_without_regard_to_case_in_ascii(records: Records) -> None:
    put(records, ("86.1000.1/größe".encode(), (value(1),)))
    assert found(records, b"86.1000.1/pRoDuCt-1") is not None
    assert found(records, "86.1000.1/GRößE".encode()) is not None
    assert found(records, "86.1000.1/GRÖSSE".encode()) is None
    with records.view() as view:
        assert b"86.1000.1/Product-1" in list(view.iter_handles(b"86.1000.1"))


def test_long_handles_are_told_apart(records: Records) -> None:
    long = b"86.1000.1/" + b"x" * 1000
    put(records, (long + b"1", (value(1),)), (long + b"2", (value(2),)))
    assert [each.index for each in found(records, long + b"2") or ()] == [2]
    assert found(records, long) is None
    assert len(key_of(long)) <= 511


def test_prefixes_are_taken_on_and_given_up(records: Records) -> None:
    with records.view() as view:
        assert view.responsible(b"86.1000.1/x")
        assert not view.responsible(b"86.1000/x")
        assert list(view.iter_prefixes()) == [b"0.NA", b"86.1000.1"]
    records.put_prefix(Prefix(prefix="86.1000.1", organisation_id="org_test", state="expired"), who="test")
    with records.view() as view:
        assert not view.responsible(b"86.1000.1/x")
        assert list(view.iter_prefixes()) == [b"0.NA"]
    assert records.verify() == 2


# --- administration ------------------------------------------------------------------------------------------------


@pytest.fixture
def administration(records: Records) -> Administration:
    return Administration(records, ManualClock(1_700_000_000_000), ())


def test_a_change_that_fails_leaves_everything(records: Records, administration: Administration) -> None:
    before = found(records, b"86.1000.1/product-1")
    for values in ((value(9), value(1)), (value(0),), (value(5), value(5)), (value(6, b"HS_ADMIN", b"no"),), ()):
        with pytest.raises((Conflict, Invalid)):
            administration.add(b"86.1000.1/product-1", values, 0, ADMIN)
    with pytest.raises(NotFound):
        administration.modify(b"86.1000.1/product-1", (value(77),), ADMIN)
    with pytest.raises(NotFound):
        administration.remove(b"86.1000.1/product-1", (1, 77), ADMIN)
    with pytest.raises(NotFound):
        administration.delete(b"86.1000.1/none", ADMIN)
    assert found(records, b"86.1000.1/product-1") == before


def test_values_are_stamped_and_spelling_is_kept(records: Records, administration: Administration) -> None:
    administration.create(b"86.1000.1/MiXed", (value(1), admin_value()), 0, ADMIN)
    administration.modify(b"86.1000.1/mixed", (value(1, data=b"new"),), ADMIN)
    with records.view() as view:
        record = view.find(b"86.1000.1/MIXED")
        assert record is not None
        assert record.handle == b"86.1000.1/MiXed"
        assert record.find_value(1) == value(1, data=b"new", timestamp_s=1_700_000_000)


def test_only_permitted_administrators_change(records: Records, administration: Administration) -> None:
    may_add = admin_value(OTHER, AdminPermission.ADD_VALUE, 101)
    administration.create(b"86.1000.1/x", (value(1), admin_value(), may_add), 0, ADMIN)
    administration.add(b"86.1000.1/x", (value(2),), 0, OTHER)
    for refused in (
        lambda: administration.add(b"86.1000.1/x", (admin_value(OTHER, 0x0FFF, 103),), 0, OTHER),
        lambda: administration.modify(b"86.1000.1/x", (value(101),), OTHER),
        lambda: administration.modify(b"86.1000.1/x", (value(1),), OTHER),
        lambda: administration.remove(b"86.1000.1/x", (1,), OTHER),
        lambda: administration.delete(b"86.1000.1/x", OTHER),
        lambda: administration.create(b"86.1000.1/x", (value(1),), Flag.OVERWRITE, OTHER),
    ):
        with pytest.raises(Denied) as error:
            refused()
        assert error.value.detail["response_code"] == Rc.INSUFFICIENT_PERMISSIONS
    for refused in (
        lambda: administration.create(b"86.1000.1/y", (value(1),), 0, OTHER),
        lambda: administration.list_handles(b"86.1000.1", OTHER, b"", 9),
        lambda: administration.create(b"86.9/y", (value(1),), 0, ADMIN),
    ):
        with pytest.raises(Denied) as error:
            refused()
        assert error.value.detail["response_code"] == Rc.INVALID_ADMIN
    administration.create(b"86.1000.1/x", (value(7),), Flag.OVERWRITE, ADMIN)
    assert [each.index for each in found(records, b"86.1000.1/x") or ()] == [7]


def test_a_read_only_value_is_written_by_nobody(administration: Administration) -> None:
    administration.create(b"86.1000.1/ro", (value(1, permissions=0x0A), admin_value()), 0, ADMIN)
    for refused in (
        lambda: administration.modify(b"86.1000.1/ro", (value(1),), ADMIN),
        lambda: administration.remove(b"86.1000.1/ro", (1,), ADMIN),
        lambda: administration.add(b"86.1000.1/ro", (value(1),), Flag.OVERWRITE, ADMIN),
    ):
        with pytest.raises(Denied):
            refused()


def test_groups_are_followed_and_do_not_go_round(records: Records) -> None:
    group = Reference(b"86.1000.1/group", 200)
    inner = Reference(b"86.1000.1/inner", 200)
    put(
        records,
        (group.handle, (value(200, b"HS_VLIST", encode_references((inner, group))),)),
        (inner.handle, (value(200, b"HS_VLIST", encode_references((group, OTHER))),)),
        (b"86.1000.1/broken", (value(200, b"HS_VLIST", b"\xff"),)),
    )
    with records.view() as view:
        assert is_member(view, group, OTHER)
        assert not is_member(view, group, ADMIN)
        assert not is_member(view, Reference(b"86.1000.1/broken", 200), OTHER)
        assert is_member(view, Reference(OTHER.handle, 0), OTHER)
        check_permitted(view, OTHER, (), AdminPermission.ADD_HANDLE, (group,))


def test_a_minted_handle_has_a_suffix_of_its_own(records: Records, administration: Administration) -> None:
    first, second = (administration.create(b"86.1000.1/", (value(1),), Flag.MINT_SUFFIX, ADMIN) for _ in range(2))
    assert first != second
    assert found(records, first) is not None


def test_a_derived_prefix_is_made_by_the_parents_administrator(administration: Administration) -> None:
    administration.create(b"0.NA/86.1000.1.5", (value(1), admin_value()), 0, ADMIN)
    with pytest.raises(Denied):
        administration.create(b"0.NA/86.2000.5", (value(1),), 0, ADMIN)
    administration.delete(b"0.NA/86.1000.1.5", ADMIN)


def test_records_and_handles_are_bounded(administration: Administration) -> None:
    with pytest.raises(Invalid):
        administration.create(b"86.1000.1/big", (value(1, data=bytes(250_000)),), 0, ADMIN)
    for bad in (b"86.1000.1/", b"/x", b"noslash", b"86.1000.1/\xff", b"86.1000.1/a\nb", b"86.1000.1/" + b"x" * 2048):
        with pytest.raises(Invalid):
            administration.create(bad, (value(1),), 0, ADMIN)


def test_the_secret_is_not_among_public_values(records: Records) -> None:
    with records.view() as view:
        record = view.find(b"0.NA/86.1000.1")
        assert record is not None
        assert SECRET not in record.public_block
