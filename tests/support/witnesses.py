"""What was not written here and is not part of this tree: Handle clients of others, run from their own jars.

``MILLWRIGHT_CNRI_CLASSPATH`` names the jars of net.handle:handle-client:9.3.1 and what it needs (gson, cnriutil,
commons-codec); ``MILLWRIGHT_IDSDK_CLASSPATH`` the compiled classes of 4iot-dev/ID-SDK 2.0.3 and what its pom.xml names;
``MILLWRIGHT_IDPOINTER_CLASSPATH`` those of teleinfo-dev/id-pointer-sdk 2.3.1 and what its pom.xml names.
Java 11 or newer runs the drivers from their source.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from millwright.identity.handle import HandleValue
from millwright.identity.handle.model import SECRET_PERMISSIONS
from millwright.identity.handle.sm2 import Sm2PrivateKey, encode_info
from support.handle import SECRET, value

DRIVERS = Path(__file__).parents[1] / "protocol" / "handle"
CNRI, ID_SDK = "MILLWRIGHT_CNRI_CLASSPATH", "MILLWRIGHT_IDSDK_CLASSPATH"
ID_POINTER = "MILLWRIGHT_IDPOINTER_CLASSPATH"


def classpath(name: str) -> str:
    """Where the witness is; skips the test when it is not here."""
    found = os.environ.get(name, "")
    if not found or shutil.which("java") is None:
        pytest.skip(f"set {name} to the jars of the witness, and install a JDK")
    return found


def port_below_ten_thousand() -> int:
    """A free port; ID-SDK refuses most of the ports above."""
    for port in range(7641, 9999):
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def new_key(file: Path) -> Any:
    """A new RSA key, written to a file without a password: PKCS 8, by the file's name in PEM or DER."""
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.Encoding.PEM if file.suffix == ".pem" else serialization.Encoding.DER
    file.write_bytes(key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return key


def write_sm2_key(file: Path, key: Sm2PrivateKey) -> None:
    """An SM2 key as PKCS 8 in PEM or DER, by the file's name, and its public half beside it as ``.pub`` in DER."""
    point = b"\x04" + key.public_key().point
    curve = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
    inner = b"\x30\x6b\x02\x01\x01\x04\x20" + key.secret + b"\xa1\x44\x03\x42\x00" + point
    whole = b"\x30\x81\x87\x02\x01\x00" + curve + b"\x04" + bytes((len(inner),)) + inner
    if file.suffix == ".pem":
        text = base64.encodebytes(whole).decode()
        file.write_text(f"-----BEGIN PRIVATE KEY-----\n{text}-----END PRIVATE KEY-----\n")
    else:
        file.write_bytes(whole)
    file.with_name(f"{file.name}.pub").write_bytes(encode_info(key.public_key()))


def large_values() -> tuple[HandleValue, ...]:
    """More than UDP takes, and the key of somebody who may do nothing."""
    powerless = value(300, b"HS_SECKEY", SECRET, permissions=int(SECRET_PERMISSIONS))
    return (*(value(number + 1, b"TEXT", b"x" * 200) for number in range(40)), powerless)


async def drive(folder: Path, driver: str, path: str, *arguments: str, within: tuple[str, ...] = ()) -> dict[str, str]:
    """Run a driver in a folder, by a command before it if need be; what it says of each step."""
    process = await asyncio.create_subprocess_exec(
        *within, "java", "-cp", path, str(DRIVERS / driver), *arguments,
        cwd=folder,  # ID-SDK writes its logs where it is started
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(100):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-2000:]
    return dict(line.split("\t", 1) for line in out.decode().splitlines() if "\t" in line)


def check_cnri(told: dict[str, str], minor: str, listed: int) -> None:
    """Everything that CNRI's client was made to do went as it should; ``listed`` handles were there before."""
    codes = {name: outcome.split(" ")[0] for name, outcome in told.items()}
    assert told["site info"] == "1 servers=1"
    assert told["resolve"] == told["resolve certified"] == "1 1=URL 2=EMAIL 100=HS_ADMIN"
    assert (told["resolve by type"], told["resolve by index"]) == ("1 2=EMAIL", "1 1=URL")
    assert told["resolve large"] == "1 1=TEXT"
    assert told["resolve restricted without authentication"].startswith("exception 8 ")
    assert told["resolve restricted by secret"] == "1 100=HS_ADMIN 101=HS_ADMIN 300=HS_SECKEY 301=HS_PUBKEY"
    assert told["resolve changed"] == "1 2=EMAIL 100=HS_ADMIN 101=HS_ADMIN"
    wanted = {
        "resolve unknown": "100", "resolve elsewhere": "301", "create by wrong secret": "403",
        "create by wrong RSA key": "403", "create by powerless": "400", "create by stranger": "404",
        "create by secret": "1", "create again": "101", "add by secret": "1", "add again": "201",
        "modify by secret": "1", "remove by secret": "1", "delete by secret": "1", "resolve deleted": "100",
        "create by RSA key": "1", "delete by RSA key": "1", "home": "5",
    }  # fmt: skip
    assert {name: codes[name] for name in wanted} == wanted
    assert told["list"] == f"1 {listed}"
    if int(minor) >= 7:
        assert told["session"] == told["session encrypted"] == "1 1"
    assert told["keep"] == "1 1 1"


def check_id_sdk_resolves(told: dict[str, str]) -> None:
    """What CAICT's ID-SDK was made to resolve was there."""
    assert told["site info"] == "1 servers=1"
    assert told["resolve"] == "1 1=URL 2=EMAIL 100=HS_ADMIN"
    assert (told["resolve by type"], told["resolve by index"]) == ("1 2=EMAIL", "1 1=URL")
    assert told["resolve unknown"].startswith("100")


def check_id_sdk(told: dict[str, str]) -> None:
    """Everything that CAICT's ID-SDK was made to do went as it should."""
    check_id_sdk_resolves(told)
    assert told["resolve certified"] == told["resolve"]
    assert told["resolve changed"] == "1 2=EMAIL 100=HS_ADMIN"
    wanted = {
        "create before login": "402", "login by wrong key": "403", "login": "1", "create": "1", "create again": "101",
        "add": "1", "modify": "1", "remove": "1", "delete": "1", "resolve deleted": "100", "keep": "1",
    }  # fmt: skip
    assert {name: told[name].split(" ")[0] for name in wanted} == wanted
