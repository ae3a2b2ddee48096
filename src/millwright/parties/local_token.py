"""The command line's own token: whoever may read the data folder may administer the node on this machine."""

from __future__ import annotations

import stat
from pathlib import Path

from millwright.engines.sql import Records
from millwright.kernel import Clock, Denied, SystemClock, new_secret
from millwright.kernel.files import write_whole
from millwright.parties.grants.service import LOCAL_PERSON
from millwright.parties.people import token_row
from millwright.parties.store import PeopleStore, TokenStore
from millwright.parties.store.people import PROGRAM
from millwright.parties.tokens import TOKEN_PREFIX, digest

PERSON_ID = LOCAL_PERSON


def ensure_local_token(records: Records, path: Path, clock: Clock | None = None) -> None:
    """Leave a working administrator's token at ``path`` (mode 0600), for the command line on this machine.

    A token that works and that others cannot read is kept; any other is replaced and stops working. Raises ``Denied``
    (``parties.token_file_denied``) when the file cannot be written.
    """
    clock = clock or SystemClock()
    tokens = TokenStore(records)
    try:
        if _works(path, tokens, clock):
            return
        secret = new_secret(TOKEN_PREFIX)
        _add(records, tokens, secret, clock)
        write_whole(path, f"{secret}\n".encode(), private=True, durable=True)
    except OSError as error:
        raise Denied(
            f"The token file {path} cannot be written: {error}",
            code="parties.token_file_denied",
            hint="Give this user the right to write in the data folder.",
        ) from error


def _works(path: Path, tokens: TokenStore, clock: Clock) -> bool:
    try:
        mode = path.stat().st_mode
        secret = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return False
    private = not mode & (stat.S_IRWXG | stat.S_IRWXO)
    return private and tokens.find(digest(secret), clock.now_ms()) is not None


def _add(records: Records, tokens: TokenStore, secret: str, clock: Clock) -> None:
    now = clock.now_ms()
    person = {
        "id": PERSON_ID,
        "kind": PROGRAM,
        "name": "millwright (this machine)",
        "name_key": "\nlocal",  # nobody can be named so
        "password": None,
        "roles": ["administrator"],
        "language": None,
        "disabled": False,
        "created_ms": now,
    }
    PeopleStore(records).ensure_program(person)
    tokens.add(token_row(secret, "cli", PERSON_ID, ["administrator"], now, None), replace=True)
