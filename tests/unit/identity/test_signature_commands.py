"""``millwright identifiers sign``, ``certify`` and ``verify`` as people use them: without a node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from millwright.cli.main import main

OWN, ROOT = "300:0.NA/88.118.8", "300:0.0/0.0"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["identifiers", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("root", "own"):
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{name}.pem").write_bytes(secret)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / f"{name}.pub").write_bytes(public)
    values = [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}}]
    (tmp_path / "record.json").write_text(json.dumps({"handle": "88.118.8/Pump-7", "values": values}))
    return tmp_path


def write(file: Path, shown: Any) -> str:
    file.write_text(json.dumps(shown))
    return str(file)


def test_a_record_is_signed_certified_and_verified(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    record, own, root = str(folder / "record.json"), str(folder / "own.pem"), str(folder / "root.pem")
    status, out, _ = run(capsys, "sign", record, "--key", own, "--issuer", OWN)
    assert status == 0
    signed = json.loads(out)
    assert [each["type"] for each in signed["values"]] == ["URL", "HS_SIGNATURE"]
    status, out, _ = run(
        capsys, "certify", "--key", root, "--issuer", ROOT, "--subject", OWN, "--public-key", str(folder / "own.pub"),
        "--permission", "handlesUnderThisPrefix:0.NA/88.118.8",
    )  # fmt: skip
    assert status == 0
    holder = write(folder / "holder.json", [{"handle": "0.NA/88.118.8", "values": [json.loads(out)]}])
    verify = ["verify", write(folder / "signed.json", signed), "--roots", str(folder / "root.pub")]
    status, out, _ = run(capsys, *verify, "--with", holder)
    assert (status, out.splitlines()) == (0, ["88.118.8/Pump-7: valid", f"  by {OWN}", f"  by {ROOT}"])
    status, out, _ = run(capsys, *verify, "--json")
    assert status == 1
    assert json.loads(out)["reason"] == "no_certificate"
    signed["values"][0]["data"]["value"] = "https://evil.example/"
    write(folder / "signed.json", signed)
    status, out, err = run(capsys, *verify, "--with", holder)
    assert status != 0
    assert "broken" in out + err


def test_what_cannot_be_is_said(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    record, own = str(folder / "record.json"), str(folder / "own.pem")
    assert run(capsys, "sign", record, "--key", own, "--issuer", "0.NA/88.118.8")[0] == 2
    assert run(capsys, "sign", record, "--key", str(folder / "own.pub"), "--issuer", OWN)[0] != 0
    assert run(capsys, "sign", write(folder / "x.json", {"handle": 1}), "--key", own, "--issuer", OWN)[0] != 0
    certify = ["certify", "--key", own, "--issuer", ROOT, "--subject", OWN, "--public-key"]
    for permission in ("all", "everything:1/x", "thisHandle"):
        status, _, err = run(capsys, *certify, str(folder / "own.pub"), "--permission", permission)
        assert status == 2, err
    assert run(capsys, *certify, record, "--permission", "everything")[0] == 2
