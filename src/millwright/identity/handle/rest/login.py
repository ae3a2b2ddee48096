"""Who asks: administrators of handles by secret, or by the answer to a challenge (Handle.Net 9 Technical Manual, 14.6).

``Authorization: Basic`` names ``index:handle`` (escaped by %) and a secret. ``Authorization: Handle`` answers the nonce
of a session: ``sessionId``, ``id``, ``type``, ``cnonce``, ``alg``, ``signature``; what is signed is the server's nonce
and the client's behind it. A session that was answered for is named by ``sessionId`` alone from then on.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from urllib.parse import unquote_to_bytes

from millwright.identity.handle.authentication import FindKeys, new_nonce, verify_answer
from millwright.identity.handle.model import MAX_INDEX, Reference
from millwright.identity.handle.rest.answers import Refusal
from millwright.identity.handle.special import HS_PUBKEY, HS_SECKEY, hashed_secret
from millwright.identity.handle.wire.codes import LATEST, Rc
from millwright.identity.handle.wire.reader import write_bytes, write_int
from millwright.identity.handle.wire.requests import Answer
from millwright.kernel import Denied

_PARAMETER = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"\\]*)"|([^\s",]+))\s*(?:,|\Z)')
_MOST_PER_ADDRESS = 32
_WRAPPED = {"SHA1": 2, "SHA256": 3, "HMACSHA1": 0x12, "HMACSHA256": 0x13}
_PBKDF2 = 0x22
_HASHES = frozenset({"SHA1", "SHA256", "SHA384", "SHA512", "SM3"})


class RestSession:
    """A session: ``identity`` is ``None`` until its challenge was answered."""

    __slots__ = ("address", "expires_s", "id", "identity", "nonce")

    def __init__(self, address: str, expires_s: float) -> None:
        self.id = secrets.token_urlsafe(24)
        self.nonce = new_nonce()
        self.address = address
        self.identity: Reference | None = None
        self.expires_s = expires_s

    def shown(self) -> dict[str, object]:
        """As ``/api/sessions`` shows it."""
        shown: dict[str, object] = {"sessionId": self.id, "nonce": base64.b64encode(self.nonce).decode()}
        shown["authenticated"] = self.identity is not None
        if self.identity is not None:
            shown["id"] = str(self.identity)
        return shown


class RestSessions:
    """Those of a process: bounded, for each address too.

    Anybody may open one. Until its challenge was answered a session lives ``unproven_s`` from its opening, however
    often it is asked for, and all of these take half of the places: strangers can neither have them all nor put an
    administrator out. One who opens too many loses the oldest of his own that nobody has answered for.
    """

    def __init__(self, now_s: Callable[[], float], most: int, life_s: float, unproven_s: float) -> None:
        self._now_s, self._most, self._life_s, self._unproven_s = now_s, most, life_s, min(unproven_s, life_s)
        self._most_unproven = (most + 1) // 2
        # Each in the order in which they end.
        self._unproven: OrderedDict[str, RestSession] = OrderedDict()
        self._proven: OrderedDict[str, RestSession] = OrderedDict()
        self._per_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._unproven) + len(self._proven)

    def open(self, address: str) -> RestSession | None:
        """A new session; ``None`` when there are too many."""
        self._expire()
        if self._full(address):
            waiting = next((each for each in self._unproven.values() if each.address == address), None)
            if waiting is None:
                return None
            self.close(waiting)
        session = RestSession(address, self._now_s() + self._unproven_s)
        self._unproven[session.id] = session
        self._per_address[address] += 1
        return session

    def _full(self, address: str) -> bool:
        return (
            len(self) >= self._most
            or len(self._unproven) >= self._most_unproven
            or self._per_address.get(address, 0) >= _MOST_PER_ADDRESS
        )

    def find(self, session_id: str) -> RestSession | None:
        """A living session; one that was answered for lives on."""
        session = self._proven.get(session_id) or self._unproven.get(session_id)
        if session is None or session.expires_s < self._now_s():
            return None
        if session.identity is not None:
            session.expires_s = self._now_s() + self._life_s
            self._proven.move_to_end(session_id)
        return session

    def prove(self, session: RestSession, identity: Reference) -> None:
        """Somebody has answered a session's challenge; it may have ended in the meantime, and then stays so."""
        session.identity = identity
        if self._unproven.pop(session.id, None) is not None or session.id in self._proven:
            session.expires_s = self._now_s() + self._life_s
            self._proven[session.id] = session
            self._proven.move_to_end(session.id)

    def close(self, session: RestSession) -> None:
        """End a session."""
        mine = self._proven if session.id in self._proven else self._unproven
        if mine.pop(session.id, None) is None:
            return
        self._per_address[session.address] -= 1
        if self._per_address[session.address] <= 0:
            del self._per_address[session.address]

    def _expire(self) -> None:
        now_s = self._now_s()
        for kind in (self._unproven, self._proven):
            while kind and (oldest := next(iter(kind.values()))).expires_s < now_s:
                self.close(oldest)


def parameters(text: str) -> dict[str, str]:
    """The parameters of an ``Authorization: Handle``, names in lower case. Raises :class:`.Refusal`."""
    found, at = {}, 0
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None:
            raise Refusal(Rc.PROTOCOL_ERROR, f'At character {at + 1} of the authorization: name="value" is expected.')
        found[match[1].lower()] = match[2] if match[2] is not None else match[3]
        at = match.end()
    return found


def by_secret(encoded: str, keys: FindKeys) -> Reference:
    """Who names a secret rightly (``Basic``). Raises :class:`.Refusal`."""
    try:
        user, colon, secret = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        raise Refusal(Rc.PROTOCOL_ERROR, "The authorization is no Base64.", 401) from None
    if not colon:
        raise Refusal(Rc.INVALID_CREDENTIAL, "The authorization has no secret.")
    who = reference(unquote_to_bytes(user))
    hashed = hashed_secret(secret)
    found = None
    for value in keys(who.handle):
        if value.is_type(HS_SECKEY) and who.index in (0, value.index):
            plain = hmac.compare_digest(value.data, secret)
            # Handle.Net keeps some secrets as their hash only.
            if plain | hmac.compare_digest(value.data, hashed):
                found = Reference(who.handle, value.index)
    if found is None:
        # Whether the handle, the index or the secret is wrong is not told.
        raise Refusal(Rc.AUTHENTICATION_FAILED, "The secret is not that of this administrator.", claimed=who)
    return found


def reference(text: bytes) -> Reference:
    """``index:handle``. Raises :class:`.Refusal`."""
    index, colon, handle = text.partition(b":")
    if not colon or not index.isdigit() or int(index[:11]) > MAX_INDEX or not handle:
        raise Refusal(Rc.INVALID_CREDENTIAL, "An administrator is named as index:handle, such as 300:0.NA/86.1000.1.")
    return Reference(handle, int(index))


def by_answer(session: RestSession, given: Mapping[str, str], keys: FindKeys) -> Reference:
    """Who answered a session's challenge. Raises :class:`.Refusal`."""
    who = reference(unquote_to_bytes(given.get("id", "").encode()))
    kind = given.get("type", "HS_PUBKEY").upper().encode()
    signature, cnonce = _octets(given, "signature"), _octets(given, "cnonce")
    algorithm = given.get("alg", "SHA256").upper().replace("-", "").replace("_", "")
    if kind == HS_PUBKEY and algorithm in _HASHES:
        response = write_bytes(algorithm.encode()) + write_bytes(signature)
    elif kind == HS_SECKEY and algorithm in _WRAPPED:
        response = bytes((_WRAPPED[algorithm],)) + signature
    elif kind == HS_SECKEY and algorithm == "PBKDF2HMACSHA1":
        try:
            iterations, bits = int(given.get("iterations", "10000")), int(given.get("length", "160"))
        except ValueError:
            raise Refusal(Rc.PROTOCOL_ERROR, "iterations and length are numbers.", 401) from None
        head = write_bytes(_octets(given, "salt")) + write_int(iterations & 0xFFFFFFFF) + write_int(bits & 0xFFFFFFFF)
        response = bytes((_PBKDF2,)) + head + write_bytes(signature)
    else:
        raise Refusal(Rc.INVALID_CREDENTIAL, f"type {kind.decode(errors='replace')} by {algorithm} is not known here.")
    try:
        return verify_answer(Answer(kind, who.handle, who.index, response), session.nonce, cnonce, LATEST, keys)
    except Denied:
        # Whether there is such a key is not told.
        text = "The answer is not by a key of this administrator."
        raise Refusal(Rc.AUTHENTICATION_FAILED, text, claimed=who) from None


def _octets(given: Mapping[str, str], name: str) -> bytes:
    try:
        return base64.b64decode(given.get(name, ""), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(Rc.PROTOCOL_ERROR, f"{name} is no Base64.", 401) from None
