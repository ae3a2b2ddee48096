"""Filing without a node: addresses, signed documents, chains and proofs, what is filed of a change, late reports."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.identity.filing.believing import chain_of, check_answer
from millwright.identity.filing.checking import verify
from millwright.identity.filing.client import ClockWrong, NotTaken, UpperClient, check_address
from millwright.identity.filing.documents import NodeSigner, bare_digest, digest_of, read, signed
from millwright.identity.filing.filers import lateness, series
from millwright.identity.filing.model import Filing, FilingAnswer, Receipt, Relay, Report
from millwright.identity.filing.outbox import event_of
from millwright.identity.filing.reports import period_of
from millwright.identity.filing.views import FilingProof
from millwright.identity.records import SigningKeys
from millwright.kernel import Denied, Invalid, LimitExceeded, MillwrightError, Unavailable
from millwright.ledger import Signer, Verifier
from support.tls import certificate, needs_openssl

BELOW, ABOVE, TOP = (Signer.generate(name) for name in ("below", "above", "top"))
T0 = 1_750_000_000_000


def filing(signer: Signer = BELOW, to: Signer = ABOVE, **more: Any) -> str:
    said = {
        "filing_id": "fil_1", "node": signer.name, "key": str(signer.verifier), "to": str(to.verifier),
        "system": "handle", "prefix": "88.118.8", "event": "activate", "state": "active", "sequence": 1, "at_ms": T0,
        "signed_ms": T0,
    }  # fmt: skip
    return signed(msgspec.convert(said | more, Filing), signer)


def receipt(document: str, signer: Signer = ABOVE, **more: Any) -> str:
    said = {
        "filing_id": "fil_1", "digest": digest_of(document), "node": signer.name, "key": str(signer.verifier),
        "state": "accepted", "at_ms": T0, "received_ms": T0, "number": "n-1",
    }  # fmt: skip
    return signed(msgspec.convert(said | more, Receipt), signer)


def relayed(document: str) -> str:
    passed = filing(ABOVE, TOP, filing_id="fil_2", origin=document, origin_receipt=receipt(document))
    return signed(
        Relay(
            filing_id="fil_1", node="above", key=str(ABOVE.verifier), upper="top", upper_key=str(TOP.verifier),
            at_ms=T0, filing=passed, receipt=receipt(passed, TOP, filing_id="fil_2", number="t-1"),
        ),
        ABOVE,
    )  # fmt: skip


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_signature_of_one_kind_is_none_for_another() -> None:
    document = filing()
    assert read(document, Filing).prefix == "88.118.8"
    with pytest.raises(Invalid):
        read(document, Receipt)
    with pytest.raises(Denied):
        read(document.replace('"sequence":1', '"sequence":2'), Filing)
    with pytest.raises(LimitExceeded):
        read("x" * 600_000, Filing)


@given(at=st.integers(0, 600), byte=st.integers(32, 126))
def test_any_other_byte_breaks_it(at: int, byte: int) -> None:
    document = filing()
    at %= len(document)
    changed = document[:at] + chr(byte) + document[at + 1 :]
    if changed != document:
        with pytest.raises(MillwrightError):
            read(changed, Filing)


@given(text=st.text(max_size=400))
def test_rubbish_is_refused_in_our_words(text: str) -> None:
    for kind in (Filing, Receipt, Relay, Report):
        with pytest.raises(MillwrightError):
            read(text, kind)
        with pytest.raises(MillwrightError):
            read(f"millwright.filing/1\n{text}\n\n— a AAAAAAAA\n", kind)


def test_a_key_under_another_name_is_the_same_key(tmp_path: Path) -> None:
    renamed = Verifier("somebody/else", BELOW.verifier.kind, BELOW.verifier.public)
    assert str(renamed) != str(BELOW.verifier)
    assert bare_digest(str(renamed)) == bare_digest(str(BELOW.verifier))
    node = NodeSigner(SigningKeys(tmp_path / "key", "n"), "n")
    own = Verifier.parse(node.key)
    assert node.is_own(str(Verifier("x", own.kind, own.public)))
    assert not node.is_own(str(BELOW.verifier))


# --- answers ----------------------------------------------------------------------------------------------------------


def answer(document: str, *receipts: str, **more: Any) -> FilingAnswer:
    said: dict[str, Any] = {"filing_id": "fil_1", "state": "accepted", "receipts": list(receipts)}
    return msgspec.convert(said | more, FilingAnswer)


def test_only_a_receipt_of_the_known_key_for_this_document_is_believed() -> None:
    document, key = filing(), str(ABOVE.verifier)
    taken = receipt(document, state="received", number="")
    good = answer(document, taken, receipt(document), relays=[relayed(document)])
    assert check_answer(good, document, "fil_1", key).number == "n-1"
    for wrong in (
        answer(document),
        answer(document, receipt(document, TOP)),
        answer(document, receipt(filing(sequence=2))),
        answer(document, receipt(document, filing_id="fil_9")),
        answer(document, receipt(document), state="refused"),
        answer(document, receipt(document), filing_id="fil_9"),
        answer(document, receipt(document).replace("n-1", "n-2")),
        answer(document, receipt(document), relays=[relayed(filing(sequence=9))[:-4]]),
        answer(document, receipt(document), relays=[relayed(filing(filing_id="fil_7"))]),
    ):
        with pytest.raises(Unavailable) as raised:
            check_answer(wrong, document, "fil_1", key)
        assert raised.value.code == "filing.answer_unverified"


def test_the_chain_says_which_keys_are_vouched_for() -> None:
    document = filing()
    steps = chain_of(document, [receipt(document)], [relayed(document)], [str(BELOW.verifier), str(ABOVE.verifier)])
    assert [(each.kind, each.node, each.trusted) for each in steps] == [
        ("filing", "below", True), ("receipt", "above", True), ("receipt", "top", True),
    ]  # fmt: skip
    # Without the node above's key nobody vouches for the one further above.
    steps = chain_of(document, [receipt(document)], [relayed(document)], [str(BELOW.verifier)])
    assert [each.trusted for each in steps] == [True, False, False]
    assert all(each.signature == "valid" for each in steps)
    broken = chain_of(document, [receipt(filing(sequence=3)), "rubbish"], ["rubbish"], [])
    assert [each.signature for each in broken] == ["valid", "wrong", "wrong", "wrong"]


def test_a_proof_holds_by_itself() -> None:
    document = filing(holder="红星")
    proof = FilingProof(schema="s", filing=document, receipts=[receipt(document)], relays=[relayed(document)])
    content, keys = msgspec.json.encode(proof), [str(BELOW.verifier), str(ABOVE.verifier)]
    found = verify(content, keys)
    assert (found.valid, found.trusted, found.number, found.holder) == (True, True, "n-1", "红星")
    assert not verify(content, keys[:1]).trusted
    other = msgspec.json.encode(msgspec.structs.replace(proof, receipts=[receipt(filing(sequence=2))]))
    assert not verify(other, keys).valid
    assert not verify(msgspec.json.encode(msgspec.structs.replace(proof, receipts=[])), keys).valid
    with pytest.raises(Invalid):
        verify(b"{}", keys)


# --- what is filed, and when ------------------------------------------------------------------------------------------


def test_what_a_change_is_filed_as() -> None:
    row = {"granted_ms": 1, "state": "active", "organisation_id": "a", "until_ms": None, "site": None}
    for before, after, event in (
        ({"granted_ms": None, "state": "approved"}, {}, "activate"),
        ({}, {"state": "suspended"}, "suspend"),
        ({"state": "suspended"}, {}, "resume"),
        ({"state": "expired"}, {}, "renew"),
        ({}, {"until_ms": 9}, "renew"),
        ({}, {"state": "expired"}, "expire"),
        ({}, {"state": "withdrawn"}, "withdraw"),
        ({}, {"organisation_id": "b"}, "transfer"),
        ({}, {"site": b"x"}, "delegate"),
        ({}, {}, None),
        ({"granted_ms": None}, {"granted_ms": None, "state": "withdrawn"}, None),
    ):
        assert event_of(row | before, row | after) == event


@given(now=st.integers(0, 10**13), every=st.integers(1, 744))
def test_a_period_is_over_and_the_last_one(now: int, every: int) -> None:
    start, end = period_of(now, every)
    assert start < end <= now < end + every * 3_600_000
    assert end % (every * 3_600_000) == 0


def test_a_missing_report_is_said() -> None:
    hour = 3_600_000
    filer = SimpleNamespace(reported_ms=10 * hour, report_every_ms=hour, suspended=False)
    assert lateness(filer, 11 * hour + 800_000) == (None, 0)  # type: ignore[arg-type]  # has what is read
    assert lateness(filer, 11 * hour + 900_000) == (11 * hour, 1)  # type: ignore[arg-type]
    assert lateness(filer, 14 * hour + 900_000) == (11 * hour, 4)  # type: ignore[arg-type]
    said = {
        "report_id": "rep_1", "node": "below", "key": str(BELOW.verifier), "to": str(ABOVE.verifier), "from_ms": 0,
        "to_ms": hour, "every_ms": hour, "signed_ms": 0, "identifiers": 1, "resolutions": None, "position": 1,
        "digest": "", "states": {}, "prefixes": [],
    }  # fmt: skip
    document = signed(msgspec.convert(said, Report), BELOW)
    rows = [
        SimpleNamespace(
            id=f"r{end}", from_ms=(end - 1) * hour, to_ms=end * hour, received_ms=at, document=document, strange=0
        )
        for end, at in ((10, 10 * hour), (9, 12 * hour), (6, 6 * hour))
    ]
    shown = series(rows, filer, 13 * hour)  # type: ignore[arg-type]
    assert [(each.missing, each.late) for each in shown] == [(2, True), (0, False), (0, True), (2, False), (0, False)]


# --- the address and what answers there -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://a.example.cn/", "https://a.example.cn"),
        ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),  # inside a plant
        ("https://[fd00::1]:8443/node", "https://[fd00::1]:8443/node"),
        ("ftp://a.example", None),
        ("file:///etc/passwd", None),
        ("https://", None),
        ("https://user:pass@a.example", None),
        ("https://a.example/?x=1", None),
        ("https://a.example/#x", None),
        ("http://169.254.169.254", None),
        ("http://[fe80::1]", None),
        ("http://[::ffff:169.254.169.254]", None),
        ("http://0.0.0.0", None),
        ("http://224.0.0.1", None),
        ("http://a.example:99999", None),
        ("http://a b.example", None),
    ],
)
def test_addresses(text: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(Invalid) as raised:
            check_address(text)
        assert raised.value.code == "filing.address_invalid"
    else:
        assert check_address(text) == kept


async def ask(reply: bytes, *, hang: bool = False, answer_s: float = 5.0, scheme: str = "http") -> tuple[str, bytes]:
    """The code of what a client makes of these bytes, and what was sent."""
    seen = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen.extend(await (reader.readuntil(b"\r\n\r\n") if scheme == "http" else reader.read(64)))
            writer.write(reply)
            await writer.drain()
            if hang:
                await reader.read()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = UpperClient(f"{scheme}://127.0.0.1:{port}", "mwt_secret", "", answer_s)
        try:
            await client.file("document")
        except Unavailable as error:
            shown = "mwt_secret" in error.message or "inside" in error.message  # nothing of what came may be
            return "shown" if shown else error.code, bytes(seen)
        except NotTaken as error:
            return f"not taken: {error.code}", bytes(seen)
        except ClockWrong:
            return "clock", bytes(seen)
        return "taken", bytes(seen)


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def problem(code: str, detail: str = "d") -> bytes:
    return msgspec.json.encode({"code": code, "detail": detail, "data": {"why_zh": "因"}})


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (http(200, b"<html>inside</html>"), "filing.upper_strange"),
        (http(200, b'{"filing_id": 1}'), "filing.upper_strange"),
        (http(200, b"\xff\xfe"), "filing.upper_strange"),
        (http(302, b"", "Location: http://127.0.0.1:1/"), "filing.upper_strange"),
        (http(307, b"", "Location: /elsewhere"), "filing.upper_strange"),
        (http(500, b"inside"), "filing.upper_strange"),
        (http(404, b"inside"), "filing.upper_strange"),
        (http(503, b""), "filing.upper_away"),
        (http(429, b""), "filing.upper_away"),
        (http(401, problem("parties.sign_in_required")), "filing.upper_refuses"),
        (http(403, problem("filing.suspended")), "filing.upper_refuses"),
        (http(409, problem("filing.out_of_order")), "not taken: filing.out_of_order"),
        (http(400, problem("filing.clock_wrong")), "clock"),
        (http(200, b"x" * 5_000_000), "filing.upper_strange"),
        (b"SSH-2.0-OpenSSH\r\n", "filing.upper_strange"),
        (b"", "filing.upper_strange"),
    ],
)
async def test_whatever_answers_is_taken_for_what_it_is(reply: bytes, code: str) -> None:
    found, seen = await ask(reply)
    assert found == code
    assert seen.startswith(b"POST /api/v1/filings HTTP/1.1\r\n")


async def test_who_is_slow_away_or_speaks_no_tls_is_not_waited_for() -> None:
    assert (await ask(b"HTTP/1.1 200 X\r\n", hang=True, answer_s=0.2))[0] == "filing.upper_away"
    assert (await ask(b"no tls", scheme="https"))[0] == "filing.upper_away"
    with pytest.raises(Unavailable) as raised:
        await UpperClient("http://127.0.0.1:9", "t", "", 2.0).desk()
    assert raised.value.code == "filing.upper_away"
    with pytest.raises(Unavailable) as raised:
        await UpperClient("http://no-such-host.invalid", "t", "", 5.0).desk()
    assert raised.value.code == "filing.upper_away"


@needs_openssl
async def test_a_certificate_of_somebody_else_is_not_accepted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    file, key = certificate(tmp_path / "a", "IP:127.0.0.1")
    other, other_key = certificate(tmp_path / "b", "DNS:elsewhere.example")
    desk = {"node": "above", "key": str(ABOVE.verifier), "now_ms": 1, "admitted": False}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(http(200, msgspec.json.encode(desk)))
            await writer.drain()
        writer.close()

    async def found(chain: Path, secret: Path, trusted: str) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, secret)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            try:
                answered = await UpperClient(f"https://127.0.0.1:{port}", "t", trusted, 5.0).desk()
            except Unavailable as error:
                return error.code
        return answered.node

    pem = file.read_text()
    assert await found(file, key, pem) == "above"
    assert await found(file, key, "") == "filing.upper_certificate"  # not of this machine's authorities
    assert await found(other, other_key, pem) == "filing.upper_certificate"  # of another one
    assert await found(other, other_key, other.read_text()) == "filing.upper_certificate"  # made out to another name
