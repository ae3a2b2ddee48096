"""Errors of recursion."""

from __future__ import annotations

from msgspec import to_builtins

from millwright.identity.handle.trust.model import Verdict
from millwright.identity.handle.wire.codes import Rc
from millwright.kernel import Invalid, Unavailable

SIGNATURE = "signature"
"""The cause of a failure: there is a record, and it is not given because of its signature."""


class NotResolved(Exception):
    """A walk down the tree ended without an answer; ``cause`` is a word for counting."""

    def __init__(self, cause: str, why: str) -> None:
        super().__init__(why)
        self.cause, self.why = cause, why


def no_answer(name: bytes, why: str, cause: str) -> Unavailable:
    """Nobody who is responsible gave an answer that can be used."""
    shown = name[:200].decode(errors="replace")
    return Unavailable(
        f"The servers that are responsible for {shown} gave no answer: {why}.",
        code="recursion.no_answer",
        hint="Try again later; `millwright resolve --server` asks one of them directly.",
        detail={"name": shown, "why": why, "cause": cause},
        retry_after_s=5.0,
    )


def not_believed(name: bytes, verdict: Verdict) -> Unavailable:
    """A record of elsewhere is not given: it is not signed as this node wants it."""
    shown, why = name[:200].decode(errors="replace"), verdict.text
    return Unavailable(
        f"What was said about {shown} is not given: {why}",
        code="recursion.signature_refused",
        hint="Somebody on the way may have changed it, or its holder has not signed it anew. Ask the holder of the "
        "prefix; `millwright identifiers verify` looks at a record by itself.",
        detail={
            "name": shown,
            "why": f"The record is not given: {why}",
            "verdict": to_builtins(verdict),
            "response_code": int(Rc.ERROR),
        },
        retry_after_s=30.0,
    )


def roots_missing(verify: str) -> Invalid:
    """Records are to be verified, and no key is trusted."""
    return Invalid(
        f'[recursion] verify is "{verify}", and trust_roots names no keys.',
        code="recursion.no_trust_roots",
        hint="Give the file with the public keys of the root, or set verify to off.",
    )


def busy() -> Unavailable:
    """Too many names are asked for at one time."""
    return Unavailable(
        "Too many names are being asked for elsewhere at this moment.",
        code="recursion.busy",
        hint="Try again in a second, or raise [recursion] max_running.",
        retry_after_s=1.0,
    )


def bad_root(text: str) -> Invalid:
    """A root that is no address."""
    return Invalid(
        f"[recursion] roots has {text!r}, which is no address of a server.",
        code="recursion.root_invalid",
        hint="Write host and port, as in 203.0.113.7:2641 or [2001:db8::7]:2641.",
        detail={"text": text},
    )


def bad_network(name: str, text: str) -> Invalid:
    """A network that is none."""
    return Invalid(
        f"[recursion] {name} has {text!r}, which is no network.",
        code="recursion.network_invalid",
        hint="Write address and length, as in 10.0.0.0/8 or 2001:db8::/32.",
        detail={"text": text},
    )
