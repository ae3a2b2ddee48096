"""Copying a log: every public file up to one tree head, and the personal values beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from millwright.kernel import NotFound
from millwright.ledger.merkle import TILE_WIDTH, entries_path, hash_path, tiles_of
from millwright.ledger.model import Disclosure
from millwright.ledger.notes import Checkpoint, Note
from millwright.ledger.verification.disclosures import FILE


class Exported(msgspec.Struct, frozen=True):
    """How much a copy holds."""

    origin: str
    size: int
    files: int
    disclosures: int


def export(read: Callable[[str], bytes | None], folder: Path, disclosures: Iterable[Disclosure] = ()) -> Exported:
    """Write the log whose files ``read`` gives (``None``: there is no such file) to ``folder``.

    Full tiles that are there already are kept: they never change, so a copy is brought up to date at little cost.
    Raises ``NotFound`` (``ledger.file_unknown``).
    """
    head = _need(read, "checkpoint")
    checkpoint = Checkpoint.parse(Note.parse(head.decode()).text)
    paths = [hash_path(tile) for tile in tiles_of(checkpoint.size)]
    full, rest = divmod(checkpoint.size, TILE_WIDTH)
    paths += [entries_path(index) for index in range(full)]
    paths += [entries_path(full, rest)] if rest else []
    for path in paths:
        target = folder / path
        if not (target.is_file() and ".p/" not in path):
            _write(target, _need(read, path))
    for name in ("log.json", "log.vkey", "witnessed"):
        data = read(name)
        if data is not None:
            _write(folder / name, data)
    lines = [msgspec.json.encode(each) for each in disclosures]
    _write(folder / FILE, b"".join(line + b"\n" for line in lines))
    _write(folder / "checkpoint", head)  # last: what it signs is there
    return Exported(checkpoint.origin, checkpoint.size, len(paths) + 4, len(lines))


def _need(read: Callable[[str], bytes | None], path: str) -> bytes:
    data = read(path)
    if data is None:
        raise NotFound(
            f"The log has no file {path}.",
            code="ledger.file_unknown",
            hint="The log grew meanwhile, or has no entry yet: try again.",
        )
    return data


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
