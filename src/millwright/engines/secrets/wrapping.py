"""The master key, outside the records: wraps and unwraps data keys."""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from millwright.engines.secrets import cipher
from millwright.engines.secrets.errors import command_failed, key_exposed, key_malformed, key_missing, key_wrong
from millwright.kernel.files import write_whole

_COMMAND = "command"


class Wrapper(Protocol):
    """Wraps data keys under the master key. ``context`` is bound into the wrapping where that is possible."""

    def key_id(self) -> str:
        """The master key that wraps now. Raises ``Corrupt`` (``secrets.key_missing``)."""
        ...

    def wrap(self, key: bytes, context: str) -> tuple[str, str]:
        """The id of the master key that wraps now, and ``key`` wrapped by that one."""
        ...

    def unwrap(self, wrapped: str, key_id: str, context: str) -> bytes:
        """The data key. Raises ``Corrupt`` (``secrets.key_missing``, ``secrets.key_wrong``) or ``Unavailable``."""
        ...

    def establish(self) -> None:
        """Make the master key, where this node may make it, because nothing is sealed yet."""
        ...

    def advance(self) -> None:
        """Begin to use a new master key, where this node makes it; the old ones still unwrap."""
        ...

    def older(self) -> list[str]:
        """Ids of the old master keys that this node keeps beside the newest."""
        ...

    def keep(self, key_ids: set[str]) -> None:
        """Forget the old master keys that are not among ``key_ids``, where this node keeps them."""
        ...


class KeyFile:
    """Master keys in a file that only its owner can read, newest first; made at the first start.

    Processes that change it wait for each other, and a change is on the disk when the method returns.
    """

    def __init__(self, path: Path, cipher_name: str = "aes-256-gcm") -> None:
        self._path, self._cipher = path, cipher_name

    def key_id(self) -> str:
        """The newest key's id."""
        return identify(self._read()[0])

    def wrap(self, key: bytes, context: str) -> tuple[str, str]:
        """Wrap under the newest key."""
        return _wrap(self._cipher, self._read()[0], key, context)

    def unwrap(self, wrapped: str, key_id: str, context: str) -> bytes:
        """Unwrap with the key of that id."""
        return _unwrap(self._read(), wrapped, key_id, context)

    def establish(self) -> None:
        """Make the file unless it is there."""
        with self._changing():
            if not self._path.exists():
                self._write([cipher.new_key()])

    def advance(self) -> None:
        """Put a new key on top."""
        with self._changing():
            self._write([cipher.new_key(), *self._read()])

    def older(self) -> list[str]:
        """Every key but the newest."""
        return [identify(key) for key in self._read()[1:]]

    def keep(self, key_ids: set[str]) -> None:
        """Remove what nothing is wrapped under any more."""
        with self._changing():
            newest, *older = self._read()
            kept = [key for key in older if identify(key) in key_ids]
            if len(kept) < len(older):
                self._write([newest, *kept])

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One process at a time; what was renamed in the folder is on the disk at the end."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self) -> list[bytes]:
        try:
            if self._path.stat().st_mode & 0o077:
                raise key_exposed(str(self._path))
            lines = self._path.read_text(encoding="ascii", errors="replace").split()
        except OSError as error:
            raise key_missing(f"{self._path}: {error.strerror or error}") from error
        return [_decode(line, str(self._path)) for line in lines] or [_decode("", str(self._path))]

    def _write(self, keys: Sequence[bytes]) -> None:
        write_whole(self._path, b"".join(base64.b64encode(key) + b"\n" for key in keys), private=True, durable=True)


class GivenKeys:
    """Master keys given by the environment; whoever gives them makes and forgets them."""

    def __init__(self, newest: str, older: Sequence[str] = (), cipher_name: str = "aes-256-gcm") -> None:
        self._texts, self._cipher = [newest, *older], cipher_name

    def key_id(self) -> str:
        """The newest key's id."""
        return identify(self._keys()[0])

    def wrap(self, key: bytes, context: str) -> tuple[str, str]:
        """Wrap under the newest key."""
        return _wrap(self._cipher, self._keys()[0], key, context)

    def unwrap(self, wrapped: str, key_id: str, context: str) -> bytes:
        """Unwrap with the key of that id."""
        return _unwrap(self._keys(), wrapped, key_id, context)

    def establish(self) -> None:
        """Only check that there is one."""
        self._keys()

    def advance(self) -> None:
        """The environment decides."""

    def older(self) -> list[str]:
        """Not this node's to forget."""
        return []

    def keep(self, key_ids: set[str]) -> None:
        """The environment decides."""

    def _keys(self) -> list[bytes]:
        if not self._texts[0]:
            raise key_missing("[secrets] secret_key is empty")
        return [_decode(text, "[secrets] secret_key") for text in self._texts]


class Command:
    """A key management service behind a program: ``program … wrap`` and ``program … unwrap``, base64 in and out.

    Its environment is this process's without the variables that start with ``MILLWRIGHT_``.
    """

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        self._command, self._timeout_s = list(command), timeout_s

    def key_id(self) -> str:
        """Which key it was is the service's to know."""
        return _COMMAND

    def wrap(self, key: bytes, context: str) -> tuple[str, str]:  # noqa: ARG002 - the port's signature
        """Ask the service to wrap."""
        return _COMMAND, self._run("wrap", base64.b64encode(key).decode())

    def unwrap(self, wrapped: str, key_id: str, context: str) -> bytes:  # noqa: ARG002 - the port's signature
        """Ask the service to unwrap."""
        if key_id != _COMMAND:
            raise key_wrong(key_id)
        try:
            key = base64.b64decode(self._run("unwrap", wrapped), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != cipher.KEY_BYTES:
            raise command_failed("`unwrap` did not print 32 bytes in base64")
        return key

    def establish(self) -> None:
        """The service has its key."""

    def advance(self) -> None:
        """The service uses its newest key by itself."""

    def older(self) -> list[str]:
        """The service has them."""
        return []

    def keep(self, key_ids: set[str]) -> None:
        """The service decides."""

    def _run(self, action: str, text: str) -> str:
        if not self._command:
            raise command_failed("[secrets] command is empty")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_")}
        try:
            done = subprocess.run(  # noqa: S603 - the administrator's own program
                [*self._command, action],
                input=text + "\n",
                capture_output=True,
                text=True,
                timeout=self._timeout_s,
                env=environ,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise command_failed(f"`{action}` took longer than {self._timeout_s:g} s") from error
        except (OSError, UnicodeDecodeError) as error:
            raise command_failed(f"`{action}` cannot be run: {type(error).__name__}") from error
        if done.returncode or not done.stdout.strip():
            raise command_failed(f"`{action}` ended with {done.returncode} and printed {len(done.stdout)} characters")
        return done.stdout.strip()


def identify(key: bytes) -> str:
    """A master key's id: tells two keys apart and nothing of either."""
    return hashlib.sha256(b"millwright master key\0" + key).hexdigest()[:16]


def _wrap(name: str, master: bytes, key: bytes, context: str) -> tuple[str, str]:
    text = base64.b64encode(cipher.encrypt(name, master, key, _bound(context))).decode()
    return identify(master), f"{name}:{text}"


def _unwrap(masters: Sequence[bytes], wrapped: str, key_id: str, context: str) -> bytes:
    master = next((each for each in masters if identify(each) == key_id), None)
    if master is None:
        raise key_wrong(key_id)
    name, _, text = wrapped.partition(":")
    try:
        found = cipher.decrypt(name, master, base64.b64decode(text, validate=True), _bound(context))
    except binascii.Error:
        found = None
    if found is None:
        raise key_wrong(key_id)
    return found


def _bound(context: str) -> bytes:
    return b"millwright/wrap\0" + context.encode()


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != cipher.KEY_BYTES:
        raise key_malformed(where)
    return key
