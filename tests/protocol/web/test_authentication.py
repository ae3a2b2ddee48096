"""Every route of the document: who may call it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.web import RunningWeb, running_web

ENROLMENT = {
    ("post", "/api/v1/enrolment"),
    ("post", "/api/v1/enrolment/renewal"),
    ("get", "/.well-known/est/cacerts"),
    ("post", "/.well-known/est/simpleenroll"),
    ("post", "/.well-known/est/simplereenroll"),
}
"""Routes for devices, which prove themselves in their own way."""

PUBLIC = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/api/v1/setup"),
    ("post", "/api/v1/setup"),
    ("post", "/api/v1/session"),
    ("post", "/api/v1/session/second"),
    ("get", "/api/v1/session/ways"),
    ("post", "/api/v1/session/passkey/challenge"),
    ("post", "/api/v1/session/passkey"),
    ("get", "/api/v1/session/oidc/{provider}"),
    ("get", "/api/v1/session/oidc/{provider}/callback"),
    ("post", "/api/v1/session/oidc/{provider}/logout"),
    ("get", "/api/v1/certificates/root"),
    ("get", "/api/v1/certificates/crl/{authority_id}"),
    *ENROLMENT,
    ("post", "/api/v1/invitations/read"),
    ("post", "/api/v1/invitations/accept"),
    ("post", "/api/v1/snms/identity/token"),
    ("post", "/api/v1/edge-joining"),
}
"""Routes anybody may call. A route that is neither here nor guarded fails the test."""

SNMS = "/api/v1/snms/"
"""Below it problems are told in the envelope that programs of secondary nodes read."""

VIEWER_MAY_CHANGE = {
    ("delete", "/api/v1/session"),
    ("patch", "/api/v1/session"),
    ("post", "/api/v1/session/password"),
    ("delete", "/api/v1/sessions"),
    ("delete", "/api/v1/sessions/{session_id}"),
    ("post", "/api/v1/tokens"),
    ("delete", "/api/v1/tokens/{token_id}"),
    ("post", "/api/v1/approvals/{approval_id}/withdraw"),
    ("post", "/api/v1/approvals/{approval_id}/comments"),
    ("post", "/api/v1/approvals/{approval_id}/answer"),
    # Sent by POST for the size of what is asked; they change nothing.
    ("post", "/api/v1/prefixes/check"),
    ("post", "/api/v1/identifier-templates/{template_id}/check"),
    ("post", "/api/v1/codes/parse"),
    ("post", "/api/v1/codes/convert"),
    ("post", "/api/v1/carriers/sheet"),
    ("post", "/api/v1/carriers/read"),
}
"""What somebody who may only look may still change or send: what is their own, and what changes nothing."""


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        yield running


async def document(web: RunningWeb) -> dict[str, Any]:
    answer = await web.client().get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in found["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield method, path, operation


async def call(client: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    address = path.replace("{sequence}", "1")
    while "{" in address:
        before, _, rest = address.partition("{")
        address = f"{before}x{rest.partition('}')[2]}"
    body = {"json": {}} if method in ("post", "put", "patch") else {}
    return await client.request(method, address, **body)  # type: ignore[arg-type]


async def test_nobody_passes_unless_the_route_is_named_public(web: RunningWeb) -> None:
    found = await document(web)
    client = web.client()
    tried = 0
    for method, path, _ in operations(found):
        answer = await call(client, method, path)
        if (method, path) in PUBLIC:
            answered = answer.status_code != 401 or answer.json().get("code") == "devices.credential_wrong"
            assert answered or path == "/api/v1/session", (method, path)
        else:
            assert answer.status_code == 401, (method, path, answer.status_code, answer.text)
            told = answer.json()
            assert told["status"] == -1 if path.startswith(SNMS) else told["code"] == "parties.sign_in_required"
        tried += 1
    assert tried > 50


async def test_the_document_says_what_is_public(web: RunningWeb) -> None:
    said = {(method, path) for method, path, op in operations(await document(web)) if op.get("security") == [{}]}
    assert said == PUBLIC


async def test_a_viewer_changes_nothing_but_their_own(web: RunningWeb) -> None:
    administrator = await web.set_up()
    await web.person(administrator, "Vera", "viewer")
    session = await web.services.parties.sign_in("Vera", "copper kettles whistle")
    authority = await web.services.parties.authority(session.session)
    token = (await web.services.parties.people.add_token(session.session, authority, "t", ["viewer"])).token
    viewer = web.client(token=token)
    found = await document(web)
    denied = 0
    for method, path, _ in operations(found):
        if method == "get" or (method, path) in PUBLIC | VIEWER_MAY_CHANGE:
            continue
        answer = await call(viewer, method, path)
        assert answer.status_code == 403, (method, path, answer.status_code, answer.text)
        denied += 1
    assert denied > 15


async def test_only_administrators_see_people(web: RunningWeb) -> None:
    administrator = await web.set_up()
    for role in ("engineer", "operator", "viewer"):
        client = await web.person(administrator, role, role)
        assert (await client.get("/api/v1/people")).status_code == 403
        assert (await client.get("/api/v1/system")).json()["settings"] == []
    assert len((await administrator.get("/api/v1/people")).json()) == 4


async def test_every_route_is_described(web: RunningWeb) -> None:
    found = await document(web)
    assert found["openapi"].startswith("3.1")
    ids = []
    for method, path, operation in operations(found):
        where = (method, path)
        ids.append(operation["operationId"])
        assert operation["summary"], where
        assert operation["tags"], where
        assert operation.get("description"), where
        if path.startswith(SNMS):
            for told in operation["responses"].values():
                assert "$ref" in told["content"]["application/json"]["schema"], where
            continue
        for answer in ("400", "default"):
            assert "application/problem+json" in operation["responses"][answer]["content"], where
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in found["tags"]}
    assert all(set(operation["tags"]) <= tags for _, _, operation in operations(found))


async def test_a_token_works_without_an_origin_and_ends(web: RunningWeb) -> None:
    administrator = await web.set_up()
    made = await administrator.post("/api/v1/tokens", json={"name": "t", "roles": ["viewer"]})
    assert made.status_code == 201
    token = made.json()
    program = web.client(token=token["token"])
    assert (await program.get("/api/v1/session")).json()["method"] == "token"
    assert (await program.get("/metrics")).status_code == 200
    listed = (await administrator.get("/api/v1/tokens")).json()
    assert [entry["id"] for entry in listed] == [token["id"]]
    assert "token" not in listed[0]
    assert (await administrator.delete(f"/api/v1/tokens/{token['id']}")).status_code == 204
    assert (await program.get("/api/v1/session")).status_code == 401


async def test_a_disabled_person_is_out_at_once(web: RunningWeb) -> None:
    administrator = await web.set_up()
    operator = await web.person(administrator, "Olaf", "operator")
    person = (await operator.get("/api/v1/session")).json()["person"]["id"]
    answer = await administrator.patch(f"/api/v1/people/{person}", json={"disabled": True})
    assert answer.json()["disabled"]
    assert (await operator.get("/api/v1/session")).status_code == 401
