"""The same request sent twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.web import PASSWORD, RunningWeb, running_web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        yield running


async def test_a_repeated_create_is_done_once(web: RunningWeb) -> None:
    administrator = await web.set_up()
    person = {"name": "Bob", "password": PASSWORD, "roles": ["viewer"]}
    key = {"Idempotency-Key": "k-1"}
    first = await administrator.post("/api/v1/people", json=person, headers=key)
    again = await administrator.post("/api/v1/people", json=person, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == "application/json"
    assert len((await administrator.get("/api/v1/people")).json()) == 2
    other = await administrator.post("/api/v1/people", json={**person, "name": "Eve"}, headers=key)
    assert other.status_code == 422
    assert other.json()["code"] == "web.idempotency_key_reused"


async def test_at_the_same_time_it_is_done_once_too(web: RunningWeb) -> None:
    administrator = await web.set_up()
    person = {"name": "Bob", "password": PASSWORD, "roles": ["viewer"]}
    found = await asyncio.gather(
        *(administrator.post("/api/v1/people", json=person, headers={"Idempotency-Key": "k"}) for _ in range(8))
    )
    statuses = sorted(answer.status_code for answer in found)
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert {a.json()["code"] for a in found if a.status_code == 409} <= {"web.idempotency_in_progress"}
    assert len((await administrator.get("/api/v1/people")).json()) == 2


async def test_what_failed_may_be_tried_again(web: RunningWeb) -> None:
    administrator = await web.set_up()
    key = {"Idempotency-Key": "k"}
    weak = {"name": "Bob", "password": "password12", "roles": ["viewer"]}
    assert (await administrator.post("/api/v1/people", json=weak, headers=key)).status_code == 400
    good = {**weak, "password": PASSWORD}
    assert (await administrator.post("/api/v1/people", json=good, headers=key)).status_code == 201


async def test_a_secret_is_not_kept(web: RunningWeb) -> None:
    administrator = await web.set_up()
    request = {"name": "t", "roles": ["viewer"]}
    key = {"Idempotency-Key": "k"}
    made = (await administrator.post("/api/v1/tokens", json=request, headers=key)).json()
    again = await administrator.post("/api/v1/tokens", json=request, headers=key)
    assert again.status_code == 409
    assert again.json()["code"] == "web.idempotency_answer_gone"
    assert made["token"] not in again.text
    assert len((await administrator.get("/api/v1/tokens")).json()) == 1
    database = Path(web.services.records.engine.url.database or "")
    for file in database.parent.iterdir():
        assert made["token"].encode() not in file.read_bytes()


async def test_keys_of_two_people_are_two_keys(web: RunningWeb) -> None:
    administrator = await web.set_up()
    engineer = await web.person(administrator, "Ed", "engineer")
    for client, name in ((administrator, "North"), (engineer, "South")):
        answer = await client.post(
            "/api/v1/places",
            json={"parent_id": None, "level": "enterprise", "name": name},
            headers={"Idempotency-Key": "k"},
        )
        assert answer.status_code == 201
        assert answer.json()["name"] == name


async def test_odd_keys_are_refused(web: RunningWeb) -> None:
    administrator = await web.set_up()
    for key in ("x" * 129, "a b", "\xe9"):
        answer = await administrator.post(
            "/api/v1/tokens",
            json={"name": "t", "roles": ["viewer"]},
            headers={b"idempotency-key": key.encode("latin-1")},
        )
        assert answer.status_code == 400
