"""What was not written here, against our server: CNRI's Java client and CAICT's ID-SDK.

Their code is not part of this tree. ``MILLWRIGHT_CNRI_CLASSPATH`` names the jars of net.handle:handle-client:9.3.1 and
what it needs (gson, cnriutil, commons-codec); ``MILLWRIGHT_IDSDK_CLASSPATH`` the compiled classes of 4iot-dev/ID-SDK
2.0.3 and what its pom.xml names. Java 11 or newer runs the drivers from their source.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from millwright.identity.handle import Reference
from millwright.identity.handle.keys import encode_public_key
from support.handle import ADMIN, SECRET, admin_value, running_handle, value
from support.identifiers import put

FOLDER = Path(__file__).parent
KEY_ADMIN = Reference(ADMIN.handle, 301)


def classpath(name: str) -> str:
    found = os.environ.get(name, "")
    if not found or shutil.which("java") is None:
        pytest.skip(f"set {name} to the jars of the witness, and install a JDK")
    return found


def port_below_ten_thousand() -> int:
    # ID-SDK refuses most of the ports above.
    for port in range(7641, 9999):
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


async def run(folder: Path, driver: str, path: str, *arguments: str) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        "java", "-cp", path, str(FOLDER / driver), *arguments,
        cwd=folder,  # ID-SDK writes its logs where it is started
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(100):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-2000:]
    return dict(line.split("\t", 1) for line in out.decode().splitlines() if "\t" in line)


@pytest.mark.parametrize("minor", ["1", "3", "6", "7", "11"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_cnri_client(tmp_path: Path, transport: str, minor: str) -> None:
    path = classpath("MILLWRIGHT_CNRI_CLASSPATH")
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "key").write_bytes(key.private_bytes(*form))
    public = encode_public_key(key.public_key())
    known = value(301, b"HS_PUBKEY", public), admin_value(KEY_ADMIN, index=101)
    async with running_handle(tmp_path, *known, key=key) as running:
        put(
            running.records,
            (b"86.1000.1/large", tuple(value(number + 1, b"TEXT", b"x" * 200) for number in range(40))),
        )
        told = await run(
            tmp_path, "CnriWitness.java", path, "127.0.0.1", str(running.port), transport, "86.1000.1", SECRET.decode(),
            public.hex(), str(tmp_path / "key"), minor,
        )  # fmt: skip
    values = "1 1=URL 2=EMAIL 100=HS_ADMIN"
    codes = {name: outcome.split(" ")[0] for name, outcome in told.items()}
    assert told["site info"] == "1 servers=1"
    assert told["resolve"] == told["resolve certified"] == values
    assert (told["resolve by type"], told["resolve by index"]) == ("1 2=EMAIL", "1 1=URL")
    assert told["resolve large"] == "1 1=TEXT"
    assert told["resolve restricted without authentication"].startswith("exception 8 ")
    assert told["resolve restricted by secret"] == "1 100=HS_ADMIN 101=HS_ADMIN 300=HS_SECKEY 301=HS_PUBKEY"
    assert told["resolve changed"] == "1 2=EMAIL 100=HS_ADMIN 101=HS_ADMIN"
    wanted = {
        "resolve unknown": "100", "resolve elsewhere": "301", "create by wrong secret": "403",
        "create by stranger": "404", "create by secret": "1", "create again": "101", "add by secret": "1",
        "add again": "201", "modify by secret": "1", "remove by secret": "1", "delete by secret": "1",
        "resolve deleted": "100", "create by RSA key": "1", "delete by RSA key": "1", "home": "5",
    }  # fmt: skip
    assert {name: codes[name] for name in wanted} == wanted
    assert told["list"] == "1 2"
    if int(minor) >= 7:
        assert told["session"] == told["session encrypted"] == "1 1"


async def test_caict_id_sdk(tmp_path: Path) -> None:
    path = classpath("MILLWRIGHT_IDSDK_CLASSPATH")
    key, wrong = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    for name, each in (("right.pem", key), ("wrong.pem", wrong)):
        (tmp_path / name).write_bytes(each.private_bytes(*form))
    known = value(301, b"HS_PUBKEY", encode_public_key(key.public_key())), admin_value(KEY_ADMIN, index=101)
    async with running_handle(tmp_path, *known, key=key, port=port_below_ten_thousand()) as running:
        told = await run(
            tmp_path, "CaictWitness.java", path, "127.0.0.1", str(running.port), "tcp", "86.1000.1",
            str(tmp_path / "right.pem"), str(tmp_path / "wrong.pem"),
        )  # fmt: skip
    assert told["resolve"] == told["resolve certified"] == "1 1=URL 2=EMAIL 100=HS_ADMIN"
    assert (told["resolve by type"], told["resolve by index"]) == ("1 2=EMAIL", "1 1=URL")
    assert told["resolve changed"] == "1 2=EMAIL 100=HS_ADMIN"
    wanted = {
        "site info": "1", "resolve unknown": "100", "create before login": "402", "login by wrong key": "403",
        "login": "1", "create": "1", "create again": "101", "add": "1", "modify": "1", "remove": "1", "delete": "1",
        "resolve deleted": "100",
    }  # fmt: skip
    assert {name: told[name].split(" ")[0] for name in wanted} == wanted
