"""OPC UA servers to connect to, each a process that can be killed, stopped and started again on its port."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from millwright.devices.connectors.contract import Sample
from support.oidc import node_path
from support.ports import free_port

PLANT, OTHER = "urn:example:plant", "urn:example:other"
"""Namespaces that the server may have."""

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PATIENCE_S = 40.0
"""Generous: other things run on the machine too."""


class RunningServer:
    """The server of :mod:`support.opcua_server`; ``with RunningServer(…) as server:``."""

    def __init__(self, **options: Any) -> None:
        self.options = {"port": free_port(), **options}
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.options['port']}"

    def start(self, **options: Any) -> None:
        self.options |= options
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.opcua_server", json.dumps(self.options)],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def do(self, command: str, **arguments: Any) -> Any:
        """Give a command and wait for the answer."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("> "):  # everything else is talk of the server
                return json.loads(line[2:])
        raise AssertionError(f"the server ended instead of doing {command}")

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def __enter__(self) -> RunningServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class NodeServer(RunningServer):
    """A server by node-opcua, which nobody here wrote, with the same address space as far as it goes."""

    installed = ROOT / ".tools" / "opcua-peer"

    def start(self, **options: Any) -> None:
        if not (self.installed / "node_modules" / "node-opcua").is_dir():
            pytest.skip("node-opcua is not installed: run `python tools/provision_tests.py`")
        self.options |= options
        self.process = subprocess.Popen(
            [node_path() / "node", self.installed / "server.mjs"],
            cwd=self.options["folder"],
            env=os.environ | {"HOME": str(self.options["folder"])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(self.options) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line == "ready\n":
                return
        self.kill()
        raise AssertionError("node-opcua did not start")


class Relay:
    """Passes bytes between a client and the server; its connections can be cut while both live on."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._open += [client, server]
            for one, other in ((client, server), (server, client)):
                self._threads.append(threading.Thread(target=self._pump, args=(one, other)))
                self._threads[-1].start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()
        for one in self._open:
            one.close()


class Taken:
    """Takes what a session delivers; ``await taken.until(…)`` waits for a state of it."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._changed = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, samples: Sequence[Sample]) -> None:
        await self.open.wait()
        self.samples += samples
        self._changed.set()

    def of(self, point: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.point_id == point]

    def values(self, point: str) -> list[Any]:
        return [sample.value for sample in self.of(point)]

    async def until(self, there: Callable[[], object], running: asyncio.Task[None] | None = None) -> None:
        """Wait; if the session ends meanwhile, raise what it raised."""
        async with asyncio.timeout(PATIENCE_S):
            while not there():
                self._changed.clear()
                waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._changed.wait())}
                if running is not None:
                    waits.add(running)
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=1)
                for wait in waits - {running}:
                    wait.cancel()
                if running in done and running is not None:
                    running.result()
                    raise AssertionError("the session ended")


async def until(there: Callable[[], Awaitable[object]]) -> None:
    """Wait for something that is asked for again and again."""
    async with asyncio.timeout(PATIENCE_S):
        while not await there():  # noqa: ASYNC110 — what is waited for is in another process
            await asyncio.sleep(0.05)


def certificate(
    name: str, uri: str, *, issuer: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None, authority: bool = False
) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """A certificate of an application or a user, signed by itself or by ``issuer``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(True, True, True, True, False, True, False, False, False)
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=100))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(uses, critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    return made, key


def pem(made: x509.Certificate | rsa.RSAPrivateKey) -> str:
    if isinstance(made, x509.Certificate):
        return made.public_bytes(serialization.Encoding.PEM).decode()
    plain = serialization.NoEncryption()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def server_files(folder: Path, made: tuple[x509.Certificate, rsa.RSAPrivateKey]) -> None:
    """Where a server of :mod:`support.opcua_server` looks for its certificate."""
    (folder / "server.der").write_bytes(made[0].public_bytes(serialization.Encoding.DER))
    (folder / "server.key.pem").write_text(pem(made[1]))
