"""What a Handle server does with a message, whichever way it came (RFC 3652, 3)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from millwright.identity.handle.administration import Administration
from millwright.identity.handle.attempts import FailedAttempt, asked_from, unheard
from millwright.identity.handle.authentication import verify_answer
from millwright.identity.handle.challenges import Challenge, Challenges
from millwright.identity.handle.dialogue import Dialogue, Outcome, Peer
from millwright.identity.handle.elsewhere import Recursion, wants_recursion
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.fastpath import Quick, answer_quickly, handle_of
from millwright.identity.handle.keys import encode_public_key
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.operations import REFUSED, Operations
from millwright.identity.handle.records import HandleRecords, RecordsView
from millwright.identity.handle.resolution import AuthenticationNeeded, resolve
from millwright.identity.handle.sessions import Sessions, agree_by_client_key, agree_by_dh, decrypt_key
from millwright.identity.handle.settings import HandleSettings
from millwright.identity.handle.site import Site
from millwright.identity.handle.special import HS_PUBKEY
from millwright.identity.handle.wire.codes import Op, Rc, effective
from millwright.identity.handle.wire.message import Envelope
from millwright.identity.handle.wire.requests import (
    EXCHANGE_CLIENT_KEY,
    EXCHANGE_DH,
    EXCHANGE_HANDLE_KEY,
    EXCHANGE_SERVER_KEY,
    Answer,
    ExchangeKey,
    Login,
    OfHandle,
    Resolve,
    SetupSession,
    Verify,
    decode_request,
)
from millwright.identity.handle.wire.responses import encode_challenge, encode_error, encode_session
from millwright.identity.operation.outcomes import failure_of, outcome_of
from millwright.identity.operation.watch import Lane, Watch
from millwright.kernel import Clock, Denied, MillwrightError

logger = logging.getLogger(__name__)

_NOBODY = Reference(b"", 0)
_RC_OF_CODE = {
    "handle.malformed": Rc.PROTOCOL_ERROR,
    "handle.invalid": Rc.INVALID_HANDLE,
    "handle.value_invalid": Rc.VALUE_INVALID,
    "handle.exists": Rc.HANDLE_ALREADY_EXISTS,
    "handle.value_exists": Rc.VALUE_ALREADY_EXISTS,
    "handle.unknown": Rc.HANDLE_NOT_FOUND,
    "handle.values_unknown": Rc.VALUE_NOT_FOUND,
    "handle.not_responsible": Rc.SERVER_NOT_RESPONSIBLE,
}
_RC_OF_FAMILY = {
    "denied": Rc.INSUFFICIENT_PERMISSIONS,
    "unsupported": Rc.OPERATION_DENIED,
    "unavailable": Rc.SERVER_BUSY,
    "limit_exceeded": Rc.SERVER_BUSY,
    "invalid": Rc.PROTOCOL_ERROR,
}


def rc_of(error: MillwrightError) -> int | None:
    """The response code that says what an error of the node says; ``None`` for one that is the server's own."""
    return error.detail.get("response_code") or _RC_OF_CODE.get(error.code) or _RC_OF_FAMILY.get(error.family)


class HandleService:
    """Answers requests out of ``records``.

    ``site`` is what the server says about itself; ``key`` its private key (RSA, DSA or P-256) for certified answers and
    sessions, ``None`` for none; ``administrators`` may do everything; ``recursion`` asks for
    what is kept elsewhere; ``failed`` is told who did not prove to be an administrator; ``watch`` counts resolutions.
    It lives in one event loop.
    """

    def __init__(
        self,
        records: HandleRecords,
        site: Site,
        settings: HandleSettings,
        clock: Clock,
        *,
        key: Any = None,
        administrators: tuple[Reference, ...] = (),
        recursion: Recursion | None = None,
        failed: FailedAttempt = unheard,
        watch: Watch | None = None,
    ) -> None:
        self.records = records
        self.watch = watch or Watch(clock=clock)
        self._failed = failed
        self.recursion = recursion
        self.site = site
        self.settings = settings
        self.clock = clock
        self.key = key
        self.sessions = Sessions(
            settings.max_sessions,
            settings.max_sessions_per_address,
            settings.session_timeout_s,
            settings.unproven_session_timeout_s,
        )
        self.challenges = Challenges(
            settings.max_challenges,
            settings.max_challenges_per_address,
            settings.max_challenge_bytes,
            settings.challenge_timeout_s,
        )
        self._operations = Operations(records, site, Administration(records, clock, administrators), settings)
        self._working: Counter[str] = Counter()
        self._comparing = asyncio.Semaphore(settings.max_comparisons)
        self.responses: Counter[int] = Counter()
        self._failure_s = float("-inf")

    def answer_quickly(self, view: RecordsView, data: bytes, address: str, lane: Lane) -> Quick | None:
        """The answer to a message of an address, envelope included, that is the common question, counted in ``lane``.
        Raises nothing but ``Corrupt``."""
        site, recursion = self.site, self.recursion
        if recursion is not None and not recursion.admits(address):
            recursion = None
        now_s = self.clock.now_ms() // 1000
        quick = answer_quickly(view, data, site.serial, now_s, primary=site.primary, recursion=recursion)
        if quick is not None:
            self.responses[Rc.SUCCESS] += 1
            lane.hit(handle_of(data), address)
        return quick

    async def process(
        self, peer: Peer, envelope: Envelope, data: bytes
    ) -> AsyncGenerator[tuple[Envelope, bytes], None]:
        """Answer a message that is whole: envelopes and what follows each; none when it gets no answer. Never raises.

        A long list is read as it is taken.
        """
        try:
            dialogue = Dialogue.open(self, peer, envelope, data)
        except MessageError as error:
            logger.debug("a message of %s cannot be read: %s", peer.address, error)
            return
        except Exception:
            logger.exception("a message of %s could not be read", peer.address)
            return
        if dialogue is None:
            return
        started_s, cause = time.perf_counter(), ""
        try:
            outcome = await self._outcome(dialogue)
        except MillwrightError as error:
            outcome, cause = self._refusal(error), failure_of(error)
        except Exception:
            logger.exception("a Handle request of %s failed", peer.address)
            outcome = Outcome(Rc.ERROR, [encode_error("The server failed; its log says why.")])
        if outcome is None:
            return
        self.responses[outcome.code] += 1
        if dialogue.op == Op.RESOLUTION and dialogue.repeated is None:
            self._watched(dialogue, outcome, cause, time.perf_counter() - started_s)
        answer = dialogue.answer(outcome)
        while True:
            try:
                if outcome.paged:
                    part = await asyncio.to_thread(next, answer, None)
                elif dialogue.signs:
                    # A signature takes most of a millisecond.
                    part = await self._work(peer, next, answer, None)
                else:
                    part = next(answer, None)
            except Exception as error:
                if outcome.paged and isinstance(error, MillwrightError):
                    # What was said already is a part; this is how it ends.
                    outcome = self._refusal(error)
                    answer = dialogue.answer(outcome)
                    continue
                logger.exception("an answer to %s could not be written", peer.address)
                return
            if part is None or isinstance(part, Outcome):
                return
            if dialogue.answered is not None and peer.transport == "udp":
                reply = part[1]
                if len(reply) <= self.settings.udp_proven_answer_bytes:
                    dialogue.answered.reply = reply
            yield part

    def _watched(self, dialogue: Dialogue, outcome: Outcome, cause: str, latency_s: float) -> None:
        """Count a resolution that went the long way; ``cause``: what is known better than its code says."""
        peer, message = dialogue.peer, dialogue.original or dialogue.message
        try:
            request = decode_request(Op.RESOLUTION, message.body)
            name = request.handle if isinstance(request, Resolve) else b""
            with self.records.view() as view:
                said = cause or outcome_of(outcome.code, view, name)
            self.watch.count(peer.transport, said, name, peer.address, latency_s)
        except MillwrightError:
            self.watch.count(peer.transport, cause or outcome_of(outcome.code), b"", peer.address, latency_s)

    def _refusal(self, error: MillwrightError) -> Outcome:
        code = rc_of(error)
        if code is None or error.family == "unavailable":
            self._log_failure(error)
        return Outcome(code or Rc.ERROR, [encode_error(error.detail.get("why") or error.message)])

    def _log_failure(self, error: MillwrightError) -> None:
        """Log what is the server's own, at most once a second."""
        now_s = self.clock.monotonic_s()
        if now_s - self._failure_s >= 1:
            self._failure_s = now_s
            logger.error("a Handle request failed: %s", error.message)

    async def _outcome(self, dialogue: Dialogue) -> Outcome | None:
        dialogue.authenticate_session()
        message = dialogue.message
        request = decode_request(message.op, message.body)
        if request is None:
            text = REFUSED.get(message.op, f"Operation {message.op} is not known here.")
            return Outcome(Rc.OPERATION_DENIED, [encode_error(text)])
        match request:
            case Answer():
                return await self._answered(dialogue, request)
            case SetupSession():
                return await self._set_up(dialogue, request)
            case ExchangeKey(encrypted):
                return await self._exchange(dialogue, encrypted)
            case OfHandle() if message.op == Op.SESSION_TERMINATE:
                return self._terminate(dialogue)
            case Login():
                if dialogue.peer.transport != "tcp":
                    text = "A login binds an identity to a TCP connection."
                    return Outcome(Rc.OPERATION_DENIED, [encode_error(text)])
                return self._challenge(dialogue, request)
        try:
            return await self._run(dialogue, request, dialogue.identity)
        except AuthenticationNeeded:
            return self._challenge(dialogue, request)

    async def _run(self, dialogue: Dialogue, request: Any, identity: Reference | None) -> Outcome:
        if isinstance(request, Resolve) and self.recursion is not None and wants_recursion(dialogue.flags):
            fetched = await self.recursion.look_up(request.handle, dialogue.peer.address)
            if fetched is not None and fetched.code == Rc.SERVER_NOT_RESPONSIBLE:
                return Outcome(fetched.code, [encode_error(fetched.text)], until_s=int(fetched.expires_s))
            if fetched is not None:
                with self.records.view() as view:
                    code, body = resolve(fetched.over(view), request, dialogue.flags, False)
                return Outcome(code, [body], until_s=int(fetched.expires_s))
        quick = self._operations.run_quickly(dialogue, request, identity)
        if quick is not None:
            return quick
        if identity is None and not isinstance(request, Verify):
            raise AuthenticationNeeded
        work = self._compare if isinstance(request, Verify) else self._work
        outcome: Outcome = await work(dialogue.peer, self._operations.run, dialogue, request, identity or _NOBODY)
        return outcome

    async def _work(self, peer: Peer, function: Any, *arguments: Any) -> Any:
        """Run what takes milliseconds beside the event loop; only so many at one time, for each address too."""
        return await self._admitted(peer, asyncio.to_thread, function, *arguments)

    async def _compare(self, peer: Peer, function: Any, *arguments: Any) -> Any:
        """Run what compares an answer with keys, for which whoever asks says how long it takes: few at one time."""

        async def compared() -> Any:
            async with self._comparing:
                return await asyncio.to_thread(function, *arguments)

        return await self._admitted(peer, compared)

    async def _admitted(self, peer: Peer, work: Any, *arguments: Any) -> Any:
        working, settings, address = self._working, self.settings, peer.address
        if (
            working.total() >= settings.max_administration
            or working[address] >= settings.max_administration_per_address
        ):
            return Outcome(Rc.SERVER_BUSY, [encode_error("Too many administrators at work; try again.")])
        working[address] += 1
        try:
            with asked_from(address):
                return await work(*arguments)
        finally:
            working[address] -= 1
            if not working[address]:
                del working[address]

    def _challenge(self, dialogue: Dialogue, request: Any) -> Outcome:
        challenge = Challenge(
            dialogue.peer.address, dialogue.message, request, dialogue.request_digest(), dialogue.version
        )
        session_id = dialogue.session.id if dialogue.session is not None else 0
        if not self.challenges.add(challenge, self.clock.monotonic_s(), session_id):
            return Outcome(Rc.SERVER_BUSY, [encode_error("Too many challenges wait for an answer; try again.")])
        dialogue.session_id = challenge.id
        old = challenge.digest if effective(dialogue.version) < (2, 1) else None
        return Outcome(Rc.AUTHENTICATION_NEEDED, [encode_challenge(challenge.nonce, old)], with_digest=True)

    async def _answered(self, dialogue: Dialogue, answer: Answer) -> Outcome | None:
        envelope = dialogue.envelope
        address, now_s = dialogue.peer.address, self.clock.monotonic_s()
        challenge = self.challenges.find(envelope.session_id, address, now_s)
        if challenge is None:
            before = self.challenges.find_answered(envelope.session_id, envelope.request_id, address)
            if before is not None:
                # The same packet again: say the same again, or nothing while it is worked on.
                dialogue.repeated = before.reply
                return Outcome(Rc.SUCCESS, []) if before.reply is not None else None
            return Outcome(Rc.AUTHENTICATION_TIMEOUT, [encode_error("There is no such challenge, or no longer.")])
        dialogue.answered = self.challenges.take(challenge, envelope.request_id, now_s)
        dialogue.op = challenge.message.op
        asked = (answer, challenge.nonce, challenge.digest, challenge.version, self._keys_of)
        try:
            verified = await self._compare(dialogue.peer, verify_answer, *asked)
        except Denied:
            self._failed(Reference(answer.handle, answer.index), address)
            raise
        if isinstance(verified, Outcome):
            return verified
        if dialogue.session is not None:
            self.sessions.prove(dialogue.session, verified, self.clock.monotonic_s())
        if isinstance(challenge.request, Login):
            dialogue.peer.identity = verified
            return Outcome(Rc.SUCCESS, [b""])
        dialogue.original = challenge.message
        try:
            return await self._run(dialogue, challenge.request, verified)
        except AuthenticationNeeded:
            return Outcome(Rc.INSUFFICIENT_PERMISSIONS, [encode_error("")])

    def _keys_of(self, handle: bytes) -> tuple[HandleValue, ...]:
        with self.records.view() as view:
            record = view.find(handle)
            return record.values if record is not None else ()

    async def _set_up(self, dialogue: Dialogue, request: SetupSession) -> Outcome:
        if effective(dialogue.version) < (2, 7):
            text = "A session needs version 2.7: older ones use DES, or a code that is the product of a mistake."
            return Outcome(Rc.INVALID_SESSION_SETUP, [encode_error(text)])
        match request.mode:
            case mode if mode == EXCHANGE_DH:
                agreed = await self._work(dialogue.peer, agree_by_dh, request.key)
            case mode if mode == EXCHANGE_CLIENT_KEY:
                agreed = await self._work(dialogue.peer, agree_by_client_key, request.key)
            case mode if mode == EXCHANGE_HANDLE_KEY:
                agreed = await self._work(dialogue.peer, self._agree_by_handle, request.key_handle, request.key_index)
            case mode if mode == EXCHANGE_SERVER_KEY:
                if not isinstance(self.key, rsa.RSAPrivateKey):
                    return Outcome(Rc.NEED_RSA_KEY_FOR_SESSION, [encode_error("This server has no RSA key.")])
                agreed = b"", encode_public_key(self.key.public_key())
            case _:
                return Outcome(Rc.INVALID_SESSION_SETUP, [encode_error("The way to agree on a key is not known.")])
        if isinstance(agreed, Outcome):
            return agreed
        key, material = agreed
        now_s = self.clock.monotonic_s()
        session = self.sessions.open(dialogue.peer.address, key, request.timeout_s, now_s)
        if session is None:
            return Outcome(Rc.SERVER_BUSY, [encode_error("Too many sessions are open.")])
        dialogue.session_id = session.id
        return Outcome(Rc.SUCCESS, [encode_session(request.mode, material)])

    def _agree_by_handle(self, handle: bytes, index: int) -> tuple[bytes, bytes]:
        for value in self._keys_of(handle):
            if value.is_type(HS_PUBKEY) and index in (0, value.index):
                return agree_by_client_key(value.data)
        raise MessageError("the handle has no such key here")

    async def _exchange(self, dialogue: Dialogue, encrypted: bytes) -> Outcome:
        session = self.sessions.find(dialogue.envelope.session_id, self.clock.monotonic_s())
        if session is None or session.key or session.address != dialogue.peer.address:
            return Outcome(Rc.SESSION_FAILED, [encode_error("There is no session that waits for its key.")])
        try:
            key = await self._work(dialogue.peer, decrypt_key, self.key, encrypted, dialogue.version)
        except MessageError as error:
            self.sessions.close(session)
            return Outcome(Rc.INVALID_SESSION_KEY, [encode_error(error.message)])
        if isinstance(key, Outcome):
            return key
        session.key = key
        return Outcome(Rc.SUCCESS, [b""])

    def _terminate(self, dialogue: Dialogue) -> Outcome:
        if dialogue.session is None:
            return Outcome(Rc.SESSION_TIMEOUT, [encode_error("There is no such session.")])
        self.sessions.close(dialogue.session)
        return Outcome(Rc.SUCCESS, [b""])
