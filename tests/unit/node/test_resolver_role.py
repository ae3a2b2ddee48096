"""What the role ``resolver`` makes of its settings."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from millwright.app.doctor import machine
from millwright.app.identifiers import _administrator
from millwright.app.roles.resolver import _free_port, _read_key, _site
from millwright.identity.handle import HandleSettings, Reference
from millwright.identity.handle.site import decode_site, encode_site
from millwright.kernel import Invalid


def pem(key: object) -> bytes:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form)  # type: ignore[attr-defined]


def test_the_site_says_where_the_server_is() -> None:
    site = _site(HandleSettings(host="0.0.0.0", port=2642, address="203.0.113.7"), None, primary=True)
    assert decode_site(encode_site(site)) == site
    assert str(site.servers[0].address) == "203.0.113.7"
    assert {each.port for each in site.servers[0].interfaces} == {2642}
    assert site.primary
    assert not _site(HandleSettings(host="127.0.0.1"), None, primary=False).primary
    assert str(_site(HandleSettings(host="127.0.0.1"), None, primary=True).servers[0].address) == "127.0.0.1"
    assert _site(HandleSettings(), None, primary=True).servers[0].address
    with pytest.raises(Invalid) as error:
        _site(HandleSettings(address="handle.example.com"), None, primary=True)
    assert error.value.code == "handle.address_invalid"


def test_a_key_signs_or_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "handle.pem"
    file.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    key = _read_key(str(file))
    assert _site(HandleSettings(host="127.0.0.1"), key, primary=True).servers[0].public_key
    file.write_bytes(pem(ed25519.Ed25519PrivateKey.generate()))
    for path in (file, tmp_path / "none.pem"):
        with pytest.raises(Invalid) as error:
            _read_key(str(path))
        assert error.value.code == "handle.key_unusable"


def test_administrators_are_values_of_handles() -> None:
    assert _administrator("300:0.NA/88.118.8") == Reference(b"0.NA/88.118.8", 300)
    for wrong in ("0.NA/88.118.8", "300:", ":x/y", "x:0.NA/1"):
        with pytest.raises(Invalid) as error:
            _administrator(wrong)
        assert error.value.code == "handle.administrator_invalid"


def test_a_port_that_is_taken_for_udp_is_found() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        finding = machine.check_port("handle", "127.0.0.1", port, set(), udp=True)
        assert (finding.state, "UDP" in finding.check) == ("wrong", True)
        assert "process" in finding.message
    assert machine.check_port("handle", "127.0.0.1", port, set(), udp=True).state == "ok"
    assert _free_port("127.0.0.1")
