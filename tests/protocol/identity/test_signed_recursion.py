"""Signatures in records of elsewhere, over real sockets: told with the answer, and refused where somebody has lied."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec.structs import replace

from millwright.identity.handle import HandleValue, Site
from millwright.identity.handle.keys import encode_public_key
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.handle.wire.message import Message
from millwright.identity.recursion import RecursionSettings, Recursor
from millwright.identity.resolution import resolution_app
from millwright.kernel import Invalid, ManualClock, NotFound, Unavailable
from support.handle import RunningHandle, running_handle, site_for, value
from support.identifiers import home, open_records, put
from support.recursion import (
    ENTERPRISE,
    SECONDARY,
    Tree,
    delegate,
    delegate_entry,
    record,
    referral,
    running_recursive,
    running_tree,
    scripted,
)
from support.resolution import served
from support.trust import NOW_S, Authorities, certified

NAME = ENTERPRISE + b"/Pump-7"
VALUES = (value(1, ttl=300), value(2, b"EMAIL", b"a@example.com", ttl=300))
Change = Callable[[tuple[HandleValue, ...]], tuple[HandleValue, ...]]


def chain() -> Authorities:
    return certified(
        ec.generate_private_key(ec.SECP256R1()),
        ("300:0.NA/88.118", "derivedPrefixes:0.NA/88.118"),
        ("300:0.NA/88.118.8", "handlesUnderThisPrefix:0.NA/88.118.8"),
    )


def publish(tree: Tree, authorities: Authorities) -> None:
    """The record, signed, and each certificate where the prefix handle is kept."""
    put(tree.enterprise.records, (NAME, authorities.signed(NAME, VALUES)))
    put(tree.root.records, (b"0.NA/88.118", authorities.records[b"0.NA/88.118"]))
    put(tree.secondary.records, (b"0.NA/88.118.8", authorities.records[b"0.NA/88.118.8"]))


async def fetch(app: Any, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://id.example.com") as client:
        return await client.get(path)


@asynccontextmanager
async def verifying(
    folder: Path, tree: Tree, authorities: Authorities, verify: str = "when-signed", **more: Any
) -> AsyncIterator[tuple[RunningHandle, Recursor, ManualClock]]:
    folder.mkdir(exist_ok=True)
    clock = ManualClock(NOW_S * 1000)
    roots = authorities.write_roots(folder)
    async with running_recursive(folder, tree.roots, clock, verify=verify, trust_roots=roots, **more) as (
        node,
        recursor,
    ):
        yield node, recursor, clock


async def test_a_signed_record_is_valid_and_that_is_told(tmp_path: Path) -> None:
    authorities = chain()
    async with running_tree(tmp_path) as tree:
        publish(tree, authorities)
        async with verifying(tmp_path, tree, authorities, "required") as (node, recursor, clock):
            found = await node.client().resolve(NAME)
            assert [each.index for each in found] == [1, 2, 400]
            assert recursor.counters()["recursion_signatures.valid"] == 1
            app = resolution_app(node.records, clock=clock, recursion=recursor)
            for _ in range(2):  # the long way and, from the cache, the quick one
                answer = await fetch(app, f"/api/handles/{NAME.decode()}")
                assert (answer.status_code, answer.headers["handle-signature"]) == (200, "valid")
            shown = await fetch(app, f"/id/{NAME.decode()}?format=json")
            signature = json.loads(shown.content)["signature"]
            assert signature["state"] == "valid"
            assert signature["chain"] == ["300:0.NA/88.118.8", "300:0.NA/88.118", "300:0.0/0.0"]
            page = (await fetch(app, f"/id/{NAME.decode()}?lang=zh")).text
            assert "已签名，并经证书链验证至可信根" in page
            assert "300:0.NA/88.118.8" in page
            # What is kept here is not looked at, and has no such header.
            assert "handle-signature" not in (await fetch(app, "/api/handles/77.1/own")).headers
            # The second record needs no more certificates.
            asked = recursor.counters()["recursion_questions"]
            other = ENTERPRISE + b"/Pump-8"
            put(tree.enterprise.records, (other, authorities.signed(other, VALUES)))
            await node.client().resolve(other)
            assert recursor.counters()["recursion_questions"] == asked + 1


async def test_unsigned_records_are_given_unless_signatures_are_required(tmp_path: Path) -> None:
    authorities = chain()
    name = ENTERPRISE + b"/Pump-1"
    async with running_tree(tmp_path) as tree:
        publish(tree, authorities)
        async with verifying(tmp_path, tree, authorities) as (node, recursor, clock):
            assert len(await node.client().resolve(name)) == 2
            app = resolution_app(node.records, clock=clock, recursion=recursor)
            answer = await fetch(app, f"/api/handles/{name.decode()}")
            assert answer.headers["handle-signature"] == "unsigned; reason=no_signature"
        async with verifying(tmp_path / "again", tree, authorities, "required") as (node, recursor, clock):
            with pytest.raises(Unavailable) as error:
                await node.client().resolve(name)
            assert error.value.detail["response_code"] == Rc.ERROR
            assert "no signature" in error.value.message
            with pytest.raises(NotFound):  # that there is nothing cannot be signed
                await node.client().resolve(ENTERPRISE + b"/none")
            app = resolution_app(node.records, clock=clock, recursion=recursor)
            answer = await fetch(app, f"/api/handles/{name.decode()}")
            assert answer.status_code == 503
            assert json.loads(answer.content)["message"] == "The record is not given: It has no signature."
            page = await fetch(app, f"/id/{name.decode()}?lang=zh")
            assert page.status_code == 503
            assert "该记录不予显示" in page.text
            assert "未签名" in page.text


FORGERIES: dict[str, Change] = {
    "a value is changed": lambda values: (replace(values[0], data=b"https://evil.example/"), *values[1:]),
    "a value is added": lambda values: (*values, value(5, data=b"https://evil.example/")),
    "the signature is of another record": lambda values: (
        value(1, data=b"https://evil.example/"), chain().signed(NAME, (value(1, data=b"https://evil.example/"),))[1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("verify", ["when-signed", "required"])
@pytest.mark.parametrize("name", FORGERIES)
async def test_a_server_in_the_middle_that_lies_is_not_believed(tmp_path: Path, name: str, verify: str) -> None:
    authorities = chain()
    forged = FORGERIES[name](authorities.signed(NAME, VALUES))
    async with running_tree(tmp_path) as tree, scripted(lambda handle: record(handle, *forged)) as liar:
        publish(tree, authorities)
        # The secondary was made to name the liar as the enterprise's server.
        put(tree.secondary.records, (b"0.NA/88.118.8", authorities.records[b"0.NA/88.118.8"]))
        delegate_entry(tree.secondary.records, ENTERPRISE.decode(), liar.site)
        async with verifying(tmp_path, tree, authorities, verify) as (node, recursor, clock):
            with pytest.raises(Unavailable):
                await node.client().resolve(NAME)
            assert liar.asked
            assert recursor.counters()["recursion_signatures.broken"] == 1
            app = resolution_app(node.records, clock=clock, recursion=recursor)
            answer = await fetch(app, f"/api/handles/{NAME.decode()}")
            assert answer.status_code == 503
            assert b"evil" not in answer.content
            # It is not asked again at once.
            assert len(liar.asked) == 1


async def test_an_old_answer_that_was_good_outlives_a_lie_but_not_its_signature(tmp_path: Path) -> None:
    authorities = chain()
    lies = False

    def answer(handle: bytes) -> tuple[int, bytes]:
        good = authorities.signed(NAME, VALUES)
        return record(handle, *(FORGERIES["a value is changed"](good) if lies else good))

    async with running_tree(tmp_path) as tree, scripted(answer) as middle:
        publish(tree, authorities)
        delegate_entry(tree.secondary.records, ENTERPRISE.decode(), middle.site)
        more = {"stale_s": 604_800, "prefetch_hits": 0}
        async with verifying(tmp_path, tree, authorities, **more) as (node, _, clock):
            found = await node.client().resolve(NAME)
            lies = True
            clock.advance(301)
            assert await node.client().resolve(NAME) == found
            clock.advance(400 * 86_400)
            with pytest.raises(Unavailable):
                await node.client().resolve(NAME)


async def test_certificates_that_cannot_be_read_are_asked_for_again_soon(tmp_path: Path) -> None:
    authorities = chain()
    async with running_tree(tmp_path) as tree:
        publish(tree, authorities)
        tree.secondary.records.change(b"0.NA/88.118.8", lambda _view, _before: None, authorities.signer().issuer)
        async with verifying(tmp_path, tree, authorities, prefetch_hits=0) as (node, recursor, clock):
            app = resolution_app(node.records, clock=clock, recursion=recursor)
            await node.client().resolve(NAME)
            told = await fetch(app, f"/api/handles/{NAME.decode()}")
            assert told.headers["handle-signature"] == "untrusted; reason=no_certificate"
            put(tree.secondary.records, (b"0.NA/88.118.8", authorities.records[b"0.NA/88.118.8"]))
            clock.advance(301)
            told = await fetch(app, f"/api/handles/{NAME.decode()}")
            assert told.headers["handle-signature"] == "valid"


async def test_certificates_kept_here_count_too_and_forgetting_forgets_them(tmp_path: Path) -> None:
    authorities = chain()
    async with running_tree(tmp_path) as tree:
        publish(tree, authorities)
        own = open_records(tmp_path / "own")
        home(own, b"77.1")
        roots = authorities.write_roots(tmp_path)
        async with running_recursive(
            tmp_path, tree.roots, ManualClock(NOW_S * 1000), own, verify="required", trust_roots=roots
        ) as (node, recursor):
            await node.client().resolve(NAME)
            assert recursor.forget(NAME) == 1
            assert recursor.forget() == 0
            assert not recursor._vouching._held  # type: ignore[union-attr] # what is forgotten cannot be seen otherwise
            await node.client().resolve(NAME)


def test_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    records = open_records(tmp_path)
    clock = ManualClock(0)
    for more, code in (
        ({"verify": "required"}, "recursion.no_trust_roots"),
        ({"verify": "when-signed", "trust_roots": str(tmp_path / "none")}, "handle.trust_roots"),
    ):
        with pytest.raises(Invalid) as error:
            Recursor(records, RecursionSettings(enabled=True, **more), clock)  # type: ignore[arg-type]
        assert error.value.code == code
    records.close()


# --- certified answers -----------------------------------------------------------------------------------------------


async def test_answers_are_certified_by_the_key_of_the_site(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    root, enterprise = open_records(tmp_path / "root"), open_records(tmp_path / "enterprise")
    home(root, b"0.NA")
    home(enterprise, SECONDARY)
    put(enterprise, (SECONDARY + b"/x", VALUES))
    async with (
        running_handle(tmp_path, records=root) as at_root,
        running_handle(tmp_path, records=enterprise, key=key) as at_enterprise,
    ):
        roots = [f"127.0.0.1:{at_root.port}"]
        delegate(root, SECONDARY, site_for(at_enterprise.port, public_key=encode_public_key(key.public_key())))
        async with running_recursive(tmp_path, roots, certified=True) as (node, recursor):
            assert len(await node.client().resolve(SECONDARY + b"/x")) == 2
            assert "recursion_server_failures.not_certified" not in recursor.counters()
        # Another key than the site's: as a server in the middle would have.
        other = rsa.generate_private_key(65537, 2048)
        delegate(root, SECONDARY, site_for(at_enterprise.port, public_key=encode_public_key(other.public_key())))
        async with running_recursive(tmp_path / "other", roots, certified=True) as (node, recursor):
            with pytest.raises(Unavailable):
                await node.client().resolve(SECONDARY + b"/x")
            assert recursor.counters()["recursion_server_failures.not_certified"] == 1
        async with running_recursive(tmp_path / "off", roots) as (node, _):
            assert len(await node.client().resolve(SECONDARY + b"/x")) == 2


def _refers(site: Site, _: bytes) -> tuple[int, bytes]:
    return referral(b"0.NA/88.118", site)


async def test_an_answer_without_a_signature_or_with_a_broken_one_is_none(tmp_path: Path) -> None:
    key = encode_public_key(rsa.generate_private_key(65537, 2048).public_key())

    for change in (lambda message: message, lambda message: replace(message, credential=b"\0" * 40)):
        changed: Callable[[Message], Message] = change
        async with scripted(lambda handle: record(handle, value(1)), changed) as silent:
            site = site_for(silent.port, public_key=key)
            async with scripted(partial(_refers, site)) as root:
                settings = {"certified": True, "failure_ttl_s": 0}
                folder = tmp_path / str(silent.port)
                async with running_recursive(folder, [f"127.0.0.1:{root.port}"], **settings) as (node, recursor):
                    with pytest.raises(Unavailable):
                        await node.client().resolve(SECONDARY + b"/x")
                    assert recursor.failed == 1


async def test_the_command_tells_what_was_found(tmp_path: Path) -> None:
    authorities = chain()
    unsigned = ENTERPRISE.decode() + "/Pump-1"
    async with running_tree(tmp_path) as tree:
        publish(tree, authorities)
        async with verifying(tmp_path, tree, authorities, "required") as (node, recursor, clock):
            app = resolution_app(node.records, clock=clock, recursion=recursor)
            async with served(app) as url:

                async def resolve(name: str) -> tuple[int | None, str]:
                    process = await asyncio.create_subprocess_exec(
                        sys.executable, "-m", "millwright", "--url", url, "resolve", name,
                        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
                    )  # fmt: skip
                    said = (await process.communicate())[0]
                    return process.returncode, said.decode()

                status, said = await resolve(NAME.decode())
                assert status == 0
                assert "Signature:    valid, up to a trusted root" in said
                assert "by 300:0.NA/88.118.8" in said
                status, said = await resolve(unsigned)
                assert status != 0
                assert "Signature:    none" in said
                assert "The record is not given: It has no signature." in said
