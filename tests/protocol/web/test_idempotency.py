"""The same request sent twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from millwright.kernel import ROOT
from support.web import PASSWORD, RunningWeb, running_web, send_raw


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


async def test_for_another_organisation_it_is_another_request(web: RunningWeb) -> None:
    administrator = await web.set_up()
    below = {"parent_id": ROOT, "kind": "department", "name": "North"}
    north = (await administrator.post("/api/v1/organisations", json=below)).json()["id"]
    place = {"parent_id": None, "level": "site", "name": "Works"}
    key = {"Idempotency-Key": "k"}
    first = await administrator.post("/api/v1/places", json=place, headers=key)
    assert first.status_code == 201
    other = await administrator.post("/api/v1/places", json=place, headers={**key, "X-Organisation": north})
    assert (other.status_code, other.json()["code"]) == (422, "web.idempotency_key_reused")
    assert (await administrator.post("/api/v1/places", json=place, headers=key)).json() == first.json()
    made = await administrator.post(
        "/api/v1/places", json=place, headers={"Idempotency-Key": "k2", "X-Organisation": north}
    )
    assert (made.status_code, made.json()["organisation_id"]) == (201, north)


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


async def test_a_body_without_a_length_is_limited_with_a_key_too(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b"x" * 1000

    async with running_web(tmp_path, max_body_bytes=100_000) as web:
        administrator = await web.set_up()
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        answer = await administrator.post("/api/v1/people", headers=headers, content=pieces())
        assert answer.status_code == 413
        assert answer.json()["code"] == "web.body_too_large"


@pytest.mark.parametrize("key", ["", "Idempotency-Key: k\r\n"])
async def test_half_a_file_is_not_taken_for_the_whole(web: RunningWeb, key: str) -> None:
    administrator = await web.set_up()
    cookie = "; ".join(f"{name}={value}" for name, value in administrator.cookies.items())
    request = (
        f"POST /api/v1/devices/import HTTP/1.1\r\nHost: {web.url[7:]}\r\nOrigin: {web.url}\r\nCookie: {cookie}\r\n"
        f"Content-Type: text/csv\r\nContent-Length: 500\r\n{key}\r\nname\r\npump-1\r\npump-2\r\n"
    )
    await send_raw(web, request.encode(), answered=False)
    await asyncio.sleep(0.5)  # nothing tells when a request that nobody waits for is over
    assert (await administrator.get("/api/v1/devices")).json()["items"] == []
    if key:  # and the key is free for the whole file
        headers = {"Idempotency-Key": "k", "Content-Type": "text/csv"}
        again = await administrator.post("/api/v1/devices/import", headers=headers, content=b"name\r\npump-1\r\n")
        assert again.status_code == 200
        assert again.json()["created"] == 1
