"""What an edge believes: notes (C2SP signed-note) by the keys of the parent's ledger, which it knows since it joined.

One is the list of a release. The other is the *permission* of a roll-out, made when somebody begins it: which list, and
when. An edge takes none that is older than the last it took, so who can write the parent's records without its keys
cannot bring back a version that was once good.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from millwright.devices.edge.upgrade.model import ReleaseFile
from millwright.kernel import Denied, Invalid, MillwrightError

if TYPE_CHECKING:
    from millwright.ledger import Signer

_FIRST: Final = "millwright/release/v1"
"""No log has this as its origin, so no signature of one thing is good for the other."""
_PERMISSION: Final = "millwright/rollout/v1"
_PERMITTED: Final = re.compile(r"(\d{1,16}) ([0-9a-f]{64})")
_LINE: Final = re.compile(r"([0-9a-f]{64}) (\d{1,12}) ([A-Za-z0-9_.+!-]{1,200}\.whl)")


def signed(version: str, files: Sequence[ReleaseFile], signers: Sequence[Signer]) -> str:
    """The list, signed by each of the keys."""
    from millwright.ledger import sign

    lines = [f"{each.sha256} {each.bytes} {each.name}" for each in files]
    return str(sign("\n".join([_FIRST, version, *lines]) + "\n", signers))


def opened(text: str, keys: Sequence[str]) -> tuple[str, list[ReleaseFile]]:
    """Version and files of a list that one of ``keys`` (vkeys) signed.

    Raises ``Denied`` (``devices.release_unsigned``), ``Invalid`` (``devices.release_unreadable``).
    """
    from millwright.ledger import Note, Verifier, signed_by

    note = Note.parse(text)
    if not any(signed_by(note, Verifier.parse(key)) for key in keys):
        raise Denied(
            "Nobody whom this edge trusts signed the release.",
            code="devices.release_unsigned",
            hint="An edge trusts the keys that its parent's ledger had when it joined: join again with a new code "
            "(`millwright edge join --again …`) if it joined before there were releases, or the keys were changed.",
        )
    first, version, *lines = note.text.rstrip("\n").split("\n")
    found = [_LINE.fullmatch(line) for line in lines]
    if first != _FIRST or not version or not found or None in found:
        raise Invalid(
            "The list of the release cannot be read.",
            code="devices.release_unreadable",
            hint="Let the edge be upgraded by a version in between.",
        )
    return version, [ReleaseFile(sha256=each[1], bytes=int(each[2]), name=each[3]) for each in found if each]


def permitted(release: str, at_ms: int, signers: Sequence[Signer]) -> str:
    """The permission to roll out, from ``at_ms`` on, the release of this signed list."""
    from millwright.ledger import sign

    return str(sign(f"{_PERMISSION}\n{at_ms} {_digest(release)}\n", signers))


def permitted_ms(text: str, release: str, keys: Sequence[str]) -> int:
    """When one of ``keys`` permitted the release of this list. Raises ``Denied`` (``devices.rollout_unsigned``)."""
    from millwright.ledger import Note, Verifier, signed_by

    try:
        note = Note.parse(text)
    except MillwrightError:
        note = None
    if note is not None and any(signed_by(note, Verifier.parse(key)) for key in keys):
        first, _, line = note.text.rstrip("\n").partition("\n")
        found = _PERMITTED.fullmatch(line)
        if first == _PERMISSION and found and found[2] == _digest(release):
            return int(found[1])
    raise Denied(
        "Nobody whom this edge trusts permitted to roll this release out.",
        code="devices.rollout_unsigned",
        hint="Make another roll-out at the parent: one that was begun before its last upgrade has no permission.",
    )


def _digest(release: str) -> str:
    from millwright.ledger import Note

    return hashlib.sha256(Note.parse(release).text.encode()).hexdigest()
