"""Every statement on a confined connection, over each database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from millwright import certificates, devices, parties
from millwright.devices.store import credentials, models, places, presence, tags, upsert
from millwright.devices.store import devices as things
from millwright.engines.sql import Records
from millwright.kernel import NotFound, Scope
from millwright.kernel.scope import EVERYTHING, NOTHING, current_scope, within
from millwright.parties.store.organisations_tables import organisations

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
RED = Scope(frozenset({"red"}), "red", frozenset({"above"}))
BOTH = Scope(frozenset({"red", "blue"}), "red")


def device(key: str, owner: str | None, **more: object) -> dict[str, object]:
    row = {"id": key, "name": key, "name_key": key, "search": key, "tags": [], "kind": "device", "disabled": False}
    return row | {"created_ms": 0, "revision": 1} | ({"organisation_id": owner} if owner else {}) | more


@pytest.fixture
def confined(records: Records) -> Records:
    """Devices of two organisations, a model of one above, and the same database as people see it."""
    with records.begin() as connection:
        for key in ("red", "blue", "above"):
            own = {"id": key, "parent_id": None, "kind": "enterprise", "name": key, "name_key": key, "path": f"/{key}/"}
            connection.execute(sa.insert(organisations).values(**own, suspended=False, created_ms=0, revision=1))
            model = {"id": f"mod_{key}", "name": key, "name_key": key, "version": 1, "created_ms": 0}
            connection.execute(sa.insert(models).values(**model, organisation_id=key))
        for key in ("red", "blue"):
            place = {"id": f"plc_{key}", "level": "site", "name": key, "name_key": key, "created_ms": 0}
            connection.execute(sa.insert(places).values(**place, organisation_id=key))
            connection.execute(sa.insert(things).values(device(f"dev_{key}", key, place_id=f"plc_{key}")))
            connection.execute(sa.insert(tags).values(tag="hot", device_id=f"dev_{key}"))
    other = object.__new__(Records)
    other.__dict__.update(records.__dict__ | {"_scope": None})
    return other


def ids(records: Records, statement: sa.Select[tuple[str]]) -> list[str]:
    with records.read() as connection:
        return sorted(connection.execute(statement).scalars())


def test_without_a_scope_there_is_nothing(confined: Records) -> None:
    assert ids(confined, sa.select(things.c.id)) == []
    with pytest.raises(NotFound), confined.begin() as connection:
        connection.execute(sa.insert(things).values(device("dev_new", None)))
    with within(NOTHING), confined.begin() as connection:
        assert connection.execute(sa.delete(things)).rowcount == 0
        assert connection.execute(sa.update(things).values(name="x")).rowcount == 0


def test_whatever_shape_a_question_has(confined: Records) -> None:
    alias = things.alias()
    tagged = sa.select(tags.c.device_id)
    upward = sa.select(places.c.id, places.c.parent_id).where(places.c.id.in_(["plc_red", "plc_blue"]))
    cte = upward.cte(recursive=True)
    cte = cte.union(sa.select(places.c.id, places.c.parent_id).where(places.c.id == cte.c.parent_id))
    questions: list[sa.Select[tuple[str]]] = [
        sa.select(things.c.id),
        sa.select(alias.c.id),
        sa.select(things.c.id).where(things.c.id.in_(tagged)),
        sa.select(things.c.id).where(sa.or_(things.c.id == "dev_blue", sa.true())),
        sa.select(things.c.id).select_from(things.outerjoin(presence)),
        sa.select(things.c.id).join(tags, tags.c.device_id == things.c.id),
        sa.select(things.c.id).order_by(things.c.name_key).limit(10),
        sa.select(sa.select(things.c.id).subquery().c.id),
        sa.select(things.c.id).union_all(sa.select(things.c.id)).subquery().select(),  # type: ignore[list-item]
        sa.select(things.c.id).where(sa.exists().where(tags.c.device_id == things.c.id)),
        sa.select(things.c.id).with_for_update(),
    ]
    with within(RED):
        for question in questions:
            assert set(ids(confined, question)) == {"dev_red"}, str(question)
        assert ids(confined, tagged) == ["dev_red"]
        assert ids(confined, sa.select(cte.c.id)) == ["plc_red"]
        with confined.read() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(things)) == 1
    with within(BOTH):
        assert ids(confined, sa.select(things.c.id)) == ["dev_blue", "dev_red"]


def test_changes_stay_inside(confined: Records) -> None:
    with within(RED), confined.begin() as connection:
        assert connection.execute(sa.update(things).values(title="mine")).rowcount == 1
        assert connection.execute(sa.delete(tags)).rowcount == 1
        assert connection.execute(sa.delete(things).where(things.c.id == "dev_blue")).rowcount == 0
    with within(BOTH):
        with confined.read() as connection:
            titles = {row.id: row.title for row in connection.execute(sa.select(things))}
        assert titles == {"dev_red": "mine", "dev_blue": None}
        assert ids(confined, sa.select(tags.c.device_id)) == ["dev_blue"]


def test_new_rows_belong_to_the_home_or_are_refused(confined: Records) -> None:
    with within(RED), confined.begin() as connection:
        connection.execute(sa.insert(things).values(device("dev_1", None)))
        connection.execute(sa.insert(things), [device("dev_2", None), device("dev_3", None)])
        upsert(connection, presence, [{"device_id": "dev_1", "online": True, "since_ms": 1, "last_seen_ms": 1}])
    secret = {"id": "crd", "digest": b"x", "hint": "", "origin": "issued", "created_ms": 0}
    for statement, rows in (
        (sa.insert(things).values(device("dev_4", "blue")), None),
        (sa.insert(things), [device("dev_5", "red"), device("dev_6", "blue")]),
        (sa.insert(credentials).values(device_id="dev_blue", **secret), None),
        (sa.insert(tags), [{"tag": "a", "device_id": "dev_1"}, {"tag": "a", "device_id": "dev_blue"}]),
        (sa.update(things).values(organisation_id="blue"), None),
    ):
        with within(RED), pytest.raises(NotFound) as caught, confined.begin() as connection:
            connection.execute(statement, rows) if rows else connection.execute(statement)
        assert caught.value.code == "engines.outside_scope"
    with within(RED), confined.read() as connection:
        owners = connection.execute(sa.select(things.c.id, things.c.organisation_id).order_by(things.c.id)).all()
    assert [tuple(row) for row in owners] == [(key, "red") for key in ("dev_1", "dev_2", "dev_3", "dev_red")]


def test_what_is_shared_from_above_is_read_and_not_written(confined: Records) -> None:
    with within(RED):
        assert ids(confined, sa.select(models.c.id)) == ["mod_above", "mod_red"]
        with confined.begin() as connection:
            assert connection.execute(sa.update(models).values(version=2)).rowcount == 1
            assert connection.execute(sa.delete(models).where(models.c.id == "mod_above")).rowcount == 0
        with pytest.raises(NotFound), confined.begin() as connection:
            version = {"model_id": "mod_above", "version": 9, "document": {}, "created_ms": 0}
            connection.execute(sa.insert(devices_versions()).values(**version))


def devices_versions() -> sa.Table:
    from millwright.devices.store import model_versions

    return model_versions


def test_nothing_is_added_to_an_organisation_that_is_gone(confined: Records) -> None:
    with confined.begin() as connection:
        connection.execute(sa.delete(organisations).where(organisations.c.id == "red"))
    for row in (device("dev_1", None), device("dev_1", "red")):
        with within(RED), pytest.raises(NotFound), confined.begin() as connection:
            connection.execute(sa.insert(things).values(row))


def test_text_cannot_go_around(confined: Records) -> None:
    with within(RED), confined.read() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
        with pytest.raises(RuntimeError):
            connection.execute(sa.text("SELECT * FROM devices_devices"))


def test_one_statement_serves_every_scope(confined: Records) -> None:
    """A compiled statement is kept; what it shows follows the scope, not the first one that asked."""
    question = sa.select(things.c.id)
    for scope, found in ((RED, ["dev_red"]), (NOTHING, []), (BOTH, ["dev_blue", "dev_red"]), (RED, ["dev_red"])):
        with within(scope):
            assert ids(confined, question) == found


def test_what_hangs_on_what_is_shared_is_not_written_either(confined: Records) -> None:
    versions = devices_versions()
    everything = confined.scoped(EVERYTHING)
    rows = [{"model_id": f"mod_{key}", "version": 1, "document": {}, "created_ms": 0} for key in ("above", "red")]
    with everything.begin() as connection:
        connection.execute(sa.insert(versions), rows)
    with within(RED), confined.begin() as connection:
        assert ids(confined, sa.select(versions.c.model_id)) == ["mod_above", "mod_red"]
        assert connection.execute(sa.update(versions).values(created_ms=9)).rowcount == 1
        assert connection.execute(sa.delete(versions)).rowcount == 1
    with everything.read() as connection:
        kept = connection.execute(sa.select(versions.c.model_id, versions.c.created_ms)).all()
    assert [tuple(row) for row in kept] == [("mod_above", 0)]


def test_records_of_everything_leave_the_scope_of_the_work_alone(confined: Records) -> None:
    with within(RED):
        for records, seen in ((confined, RED), (confined.scoped(EVERYTHING), RED), (confined.scoped(BOTH), BOTH)):
            with records.begin():
                assert current_scope() is seen
            with records.read():
                assert current_scope() is seen
        assert ids(confined.scoped(EVERYTHING), sa.select(things.c.id)) == ["dev_blue", "dev_red"]
