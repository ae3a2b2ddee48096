"""What is found out about a record's signatures."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["valid", "untrusted", "broken", "unsigned"]


class Verdict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a record's signatures can be believed.

    ``valid``: each of its public values is signed by who may, up to a trusted key. ``untrusted``: it is signed, and
    nothing contradicts that, but not by somebody who is trusted. ``broken``: what it says is not what was signed.
    ``unsigned``: it has no signature.

    ``reason`` is a word for programs, empty when valid; ``text`` says it in a sentence. ``signer`` is the issuer of the
    signature that counts, ``chain`` who vouches for it up to the root, ``until_s`` when the first of them expires.
    """

    state: State
    reason: str = ""
    text: str = ""
    signer: str = ""
    chain: tuple[str, ...] = ()
    until_s: int | None = None

    @property
    def lasting(self) -> bool:
        """Whether another look would find the same: it does not depend on a server that did not answer."""
        return self.reason not in ("unreachable", "timeout")

    @property
    def told(self) -> str:
        """In one line of ASCII, as a header of an answer has it."""
        return f"{self.state}; reason={self.reason}" if self.reason else self.state
