"""Snapshots: the index in one file, signed, from which a mirror or a restored node begins.

A tar file of two members: ``manifest``, signed JSON, and ``data.mdb``. The manifest has the position in the log, the
digest of the index and the SHA-256 of the other member, so what is read from the file is what its node has written.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

from millwright.identity.records.errors import snapshot_unusable
from millwright.identity.records.index import RecordIndex
from millwright.identity.records.keys import SigningKeys

_SIGNED: Final = b"millwright identifiers snapshot\x00"
_MANIFEST, _DATA = "manifest", "data.mdb"
_MOST_MANIFEST_BYTES: Final = 65_536
_CHUNK: Final = 1 << 20


class Manifest(Struct, frozen=True, kw_only=True):
    """What a snapshot is of. ``digest`` and ``sha256`` are in hex; ``chain`` is the hash of the last batch."""

    v: int = 1
    node: str
    made_ms: int
    position: int
    digest: str
    chain: str
    handles: int
    prefixes: int
    bytes: int
    sha256: str


class _Signed(Struct, frozen=True):
    manifest: bytes
    key_id: bytes
    signature: bytes


def write_snapshot(index: RecordIndex, file: Path, keys: SigningKeys, node: str, now_ms: int) -> Manifest:
    """Write what the index says now; readers and writers go on. The file is there whole or not at all."""
    file = file.absolute()
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".snapshot-") as temporary:
        folder = Path(temporary) / "index"
        index.copy(folder)
        copied = RecordIndex(folder, read_only=True)
        try:
            state, stats = copied.state(), copied.stats()
        finally:
            copied.close()
        data = folder / _DATA
        with data.open("rb") as read:
            sha256 = hashlib.file_digest(read, "sha256").hexdigest()
        manifest = Manifest(
            node=node,
            made_ms=now_ms,
            position=state.position,
            digest=state.digest.hex(),
            chain=state.chain.hex(),
            handles=stats["handles"],
            prefixes=stats["prefixes"],
            bytes=data.stat().st_size,
            sha256=sha256,
        )
        encoded = msgspec.json.encode(manifest)
        signer = keys.signer()
        head = msgspec.json.encode(_Signed(encoded, signer.verifier.id, signer.sign(_SIGNED + encoded)))
        partial = Path(temporary) / "snapshot"
        with tarfile.open(partial, "w") as tar:
            info = tarfile.TarInfo(_MANIFEST)
            info.size, info.mtime = len(head), now_ms // 1000
            tar.addfile(info, io.BytesIO(head))
            tar.add(data, _DATA, filter=_nameless)
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.chmod(0o600)
        partial.replace(file)
    return manifest


def _nameless(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def read_snapshot(file: Path, folder: Path, keys: SigningKeys) -> Manifest:
    """Put the index of a snapshot into a folder that is not there yet, checked to its last byte.

    Raises ``Corrupt`` (``records.snapshot_unusable``) for one that is broken, or signed by a key that is not trusted.
    """
    folder.mkdir(parents=True)
    try:
        try:
            with tarfile.open(file, "r:") as tar:
                manifest = _manifest(tar, keys)
                data = tar.extractfile(_DATA)
                if data is None:
                    raise snapshot_unusable("it has no data")
                _take(data, folder / _DATA, manifest)
        except (OSError, tarfile.TarError, KeyError, msgspec.MsgspecError) as error:
            raise snapshot_unusable(str(error)) from error
        index = RecordIndex(folder)
        try:
            index.verify()
            state = index.state()
        finally:
            index.close()
        if (state.position, state.digest.hex()) != (manifest.position, manifest.digest):
            raise snapshot_unusable("it does not say what its manifest says of it")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def _manifest(tar: tarfile.TarFile, keys: SigningKeys) -> Manifest:
    member = tar.extractfile(_MANIFEST)
    if member is None:
        raise snapshot_unusable("it has no manifest")
    signed = msgspec.json.decode(member.read(_MOST_MANIFEST_BYTES), type=_Signed)
    verifier = keys.find(signed.key_id)
    if verifier is None:
        raise snapshot_unusable(f"it is signed by the key {signed.key_id.hex()}, which is not trusted here")
    if not verifier.verifies(_SIGNED + signed.manifest, signed.signature):
        raise snapshot_unusable(f"its signature by {verifier.name} is wrong")
    return msgspec.json.decode(signed.manifest, type=Manifest)


def _take(data: IO[bytes], file: Path, manifest: Manifest) -> None:
    digest, size = hashlib.sha256(), 0
    with file.open("xb") as out:
        while chunk := data.read(_CHUNK):
            size += len(chunk)
            if size > manifest.bytes:
                break
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if size != manifest.bytes or digest.hexdigest() != manifest.sha256:
        raise snapshot_unusable("its data is not that of its manifest")
