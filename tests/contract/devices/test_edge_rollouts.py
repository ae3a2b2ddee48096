"""Releases on the shelf and their roll-outs, on SQLite and PostgreSQL: canary first, stopped at the first failure."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from millwright import certificates, devices, parties
from millwright.devices.edge import EdgeStore
from millwright.devices.edge.upgrade.model import NewRelease, NewRollout, Order, ReleaseFile
from millwright.devices.edge.upgrade.release import opened, permitted, permitted_ms, signed
from millwright.devices.edge.upgrade.rollout import Rollouts
from millwright.devices.edge.upgrade.service import Releases
from millwright.devices.edge.upgrade.shelf import Shelf
from millwright.devices.edge.upgrade.store import UpgradeStore
from millwright.devices.edge.upgrade.upgrader import Upgrader
from millwright.devices.store import edges
from millwright.engines.sql import Records
from millwright.kernel import ROOT, Conflict, Denied, Invalid, ManualClock, NotFound
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Signer
from millwright.parties.store.organisations_tables import organisations

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
KEY = Signer.generate("millwright/test")


def wheel(folder: Path, name: str, files: dict[str, bytes], *, lie: bool = False) -> bytes:
    """A small wheel, its list of files right unless it lies."""
    path = folder / name
    info = "-".join(name.split("-")[:2]) + ".dist-info"
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for file, data in files.items():
            archive.writestr(file, data)
            digest = hashlib.sha256(b"other" if lie else data).digest()
            rows.append(f"{file},sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')},{len(data)}")
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]))
    return path.read_bytes()


OURS = "millwright-9.0.0-py3-none-any.whl"


@pytest.fixture
def node(records: Records, tmp_path: Path) -> tuple[Releases, Rollouts, UpgradeStore, Records]:
    everything = records.scoped(EVERYTHING)
    edge_store = EdgeStore(everything)
    for number in range(4):
        edge_store.insert(f"edge_{number}", f"hall {number}", None, bytes([number]) * 32, 10, 1)
    store, shelf, clock = UpgradeStore(everything), Shelf(tmp_path / "shelf"), ManualClock()
    return Releases(store, shelf, lambda: [KEY], clock), Rollouts(store, shelf, clock), store, everything


def said(records: Records, edge_id: str, order: str, progress: str, why: str = "") -> None:
    """The edge's status as the receiver writes it."""
    status: dict[str, Any] = {"upgrade": {"order": order, "version": "9.0.0", "progress": progress, "why": why}}
    with records.begin() as connection:
        connection.execute(sa.update(edges).where(edges.c.id == edge_id).values(status=status))


async def test_groups_follow_each_other_and_a_failure_ends_the_roll_out(
    node: tuple[Releases, Rollouts, UpgradeStore, Records], tmp_path: Path
) -> None:
    releases, rollouts, store, records = node
    data = wheel(tmp_path, OURS, {"millwright/__init__.py": b"x = 1\n"})
    assert (await releases.send(OURS, 0, data[:10])).bytes == 10
    with pytest.raises(Conflict) as wrong:
        await releases.send(OURS, 20, data[20:])
    assert wrong.value.code == "devices.release_offset"
    await releases.send(OURS, 10, data[10:])
    made = await releases.create(NewRelease(files=[OURS]))
    assert (made.version, made.signed_by) == ("9.0.0", ["millwright/test"])
    with pytest.raises(Conflict):
        await releases.begin(NewRollout(release_id=made.id, groups=[["edge_0"], ["edge_0"]]))
    with pytest.raises(NotFound):
        await releases.begin(NewRollout(release_id=made.id, groups=[["edge_9"]]))
    rollout = await releases.begin(
        NewRollout(release_id=made.id, groups=[["edge_0"], ["edge_1", "edge_2"], ["edge_3"]])
    )
    with pytest.raises(Conflict) as busy:
        await releases.begin(NewRollout(release_id=made.id, groups=[["edge_3"]]))
    assert busy.value.code == "devices.rollout_running"
    order = store.order("edge_0")
    assert (order.order, store.order("edge_1")) == (rollout.id, Order())
    version, files = opened(order.note, [str(KEY.verifier)])
    assert (version, files) == ("9.0.0", made.files)
    with pytest.raises(Denied):
        opened(order.note, [str(Signer.generate("millwright/test").verifier)])
    with pytest.raises(Denied):
        opened(order.note.replace("9.0.0", "9.0.1"), [str(KEY.verifier)])

    trusted = [str(KEY.verifier)]
    assert permitted_ms(order.permission, order.note, trusted) == rollout.created_ms
    other = signed("9.0.1", files, [KEY])
    for text, release in ((order.permission, other), (order.note, order.note), ("", order.note)):
        with pytest.raises(Denied) as unsigned:
            permitted_ms(text, release, trusted)
        assert unsigned.value.code == "devices.rollout_unsigned"

    said(records, "edge_0", "an order of before", "done")
    await rollouts.look()
    assert store.order("edge_1") == Order()
    said(records, "edge_0", rollout.id, "done")
    await rollouts.look()
    assert [store.order(each).order for each in ("edge_1", "edge_2", "edge_3")] == [rollout.id, rollout.id, ""]
    said(records, "edge_1", rollout.id, "done")
    said(records, "edge_2", rollout.id, "rolled_back", "It was not ready within 300 s.")
    await rollouts.look()
    after = store.rollout(rollout.id)
    assert (after.state, after.why) == ("failed", "hall 2: It was not ready within 300 s.")
    assert [each.progress for each in after.edges] == ["done", "done", "rolled_back", "waiting"]
    assert store.order("edge_3") == Order()

    again = await releases.begin(NewRollout(release_id=made.id, groups=[["edge_2"]]))
    assert again.created_ms > rollout.created_ms, "a permission is later than every other, whatever the clock says"
    with pytest.raises(Conflict) as used:
        await releases.remove(made.id)
    assert used.value.code == "devices.release_in_use"
    said(records, "edge_2", again.id, "trying")
    assert (await releases.stop(again.id)).edges[0].progress == "trying"
    await rollouts.look()
    assert store.rollout(again.id).state == "stopped"
    await releases.remove(made.id)
    assert (await releases.list(), await releases.rollouts()) == ([], [])
    assert [each for each in (tmp_path / "shelf").iterdir() if each.is_file()] == []


async def test_a_failure_holds_up_the_organisation_whose_edge_it_is(
    node: tuple[Releases, Rollouts, UpgradeStore, Records], tmp_path: Path
) -> None:
    releases, rollouts, store, records = node
    with records.begin() as connection:
        for key, mine in (("org_a", ("edge_0", "edge_3")), ("org_b", ("edge_1", "edge_2"))):
            row = {
                "id": key,
                "parent_id": ROOT,
                "kind": "site",
                "name": key,
                "name_key": key,
                "path": f"/{ROOT}/{key}/",
            }
            connection.execute(sa.insert(organisations).values(**row, suspended=False, created_ms=0, revision=1))
            connection.execute(sa.update(edges).where(edges.c.id.in_(mine)).values(organisation_id=key))
    await releases.send(OURS, 0, wheel(tmp_path, OURS, {"millwright/__init__.py": b"x = 1\n"}))
    made = await releases.create(NewRelease(files=[OURS]))
    rollout = await releases.begin(NewRollout(release_id=made.id, groups=[["edge_0", "edge_1"], ["edge_2", "edge_3"]]))
    said(records, "edge_0", rollout.id, "failed", "\x1b[2J" + "x" * 60_000)
    said(records, "edge_1", rollout.id, "nonsense" * 1000)
    await rollouts.look()
    found = store.rollout(rollout.id)
    assert [each.progress for each in found.edges] == ["failed", "ordered", "waiting", "waiting"]
    assert (len(found.edges[0].why), found.edges[0].why[:5]) == (500, " [2Jx")
    said(records, "edge_1", rollout.id, "done")
    await rollouts.look()
    orders = [store.order(each).order for each in ("edge_2", "edge_3")]
    assert orders == [rollout.id, ""], "the other organisation goes on"
    said(records, "edge_2", rollout.id, "done")
    await rollouts.look()
    found = store.rollout(rollout.id)
    assert (found.state, found.why[:6]) == ("failed", "hall 0")
    assert [each.progress for each in found.edges] == ["failed", "done", "done", "waiting"]


@pytest.mark.parametrize(
    ("name", "files", "lie"),
    [
        ("nothing.txt", {}, False),
        (OURS, {"../../etc/cron.d/x": b"x"}, False),
        (OURS, {"/etc/x": b"x"}, False),
        (OURS, {"millwright/__init__.py": b"x"}, True),
        ("other-1.0-py3-none-any.whl", {"other.py": b"x"}, False),
    ],
)
async def test_what_is_no_whole_wheel_is_refused(
    node: tuple[Releases, Rollouts, UpgradeStore, Records],
    tmp_path: Path,
    name: str,
    files: dict[str, bytes],
    lie: bool,
) -> None:
    releases, *_ = node
    data = wheel(tmp_path, name, files, lie=lie) if name.endswith(".whl") else b"x"
    with pytest.raises(Invalid):
        await releases.send(name, 0, data)
        await releases.create(NewRelease(files=[name]))
    with pytest.raises((NotFound, Invalid)):
        await releases.create(NewRelease(files=["millwright-1.0-py3-none-any.whl"]))
    if name.endswith(".whl"):
        await releases.send(name, 0, data[: len(data) // 2])
        with pytest.raises(Invalid):
            await releases.create(NewRelease(files=[name]))


class Parent:
    """The link to a parent that gives this order."""

    order = Order()

    async def request(self, _subject: str, _payload: bytes, *, timeout_s: float) -> bytes:
        del timeout_s
        return msgspec.msgpack.encode(self.order)


async def test_an_edge_takes_no_roll_out_from_before_the_last_it_took(tmp_path: Path) -> None:
    parent, files = Parent(), [ReleaseFile(name=OURS, bytes=1, sha256="0" * 64)]
    upgrader = Upgrader(parent, tmp_path, "9.0.0", [str(KEY.verifier)])  # type: ignore[arg-type]  # what it asks
    ours, older = signed("9.0.0", files, [KEY]), signed("8.0.0", files, [KEY])

    async def outcome(number: int, note: str, permission: str) -> str:
        parent.order = Order(f"rlo_{number}", note, 5, 1, permission)
        await upgrader.look()
        assert upgrader._work is not None
        await upgrader._work
        return f"{upgrader.status.order} {upgrader.status.progress}: {upgrader.status.why}"

    assert await outcome(1, ours, permitted(ours, 200, [KEY])) == "rlo_1 done: "
    assert "before the last" in await outcome(2, older, permitted(older, 100, [KEY]))
    assert "trusts permitted" in await outcome(3, older, permitted(ours, 300, [KEY]))
    assert "trusts permitted" in await outcome(4, older, permitted(older, 300, [Signer.generate("millwright/test")]))
    # One that somebody permitted later is followed, as far as there is something to fetch.
    parent.order = Order("rlo_5", older, 5, 1, permitted(older, 300, [KEY]))
    await upgrader.look()
    assert upgrader._work is not None
    await upgrader._work
    assert "permitted" not in upgrader.status.why
    await upgrader.stop()
