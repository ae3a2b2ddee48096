"""What the listener's TLS rests on, and what happens when that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from millwright.devices.mqtt import ListenerTls
from millwright.kernel import Invalid
from support.mqtt import until
from support.tls import certificate


@pytest.mark.parametrize(
    "trust", ["nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\u4fe1"]
)
async def test_authorities_that_cannot_be_used_leave_what_is_there_and_are_said(
    tmp_path: Path, trust: str, caplog: pytest.LogCaptureFixture
) -> None:
    trusted = [""]
    chain, key = certificate(tmp_path, "DNS:localhost")
    tls = ListenerTls(chain, key, mode="optional", trust=lambda: trusted[0], poll_s=0.01)
    await tls.start()
    before = tls.context()
    trusted[0] = trust
    with pytest.raises(Invalid) as caught:
        tls.refresh()
    assert caught.value.code == "listener.client_ca_unusable"
    await until(lambda: "goes on with what it has" in caplog.text)
    assert tls.context() is before
    trusted[0] = ""
    key.touch()
    await until(lambda: tls.context() is not before)
    await tls.stop()


async def test_files_beside_the_node_change_nothing_where_no_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, key = certificate(tmp_path, "DNS:localhost")
    both = tmp_path / "both.pem"
    both.write_text(chain.read_text() + key.read_text())
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    tls = ListenerTls(both, "")
    tls.refresh()
    (working / "file").touch()
    assert not tls.refresh()


@pytest.mark.parametrize("named", ["chain", "key", "nothing"])
def test_a_certificate_or_key_that_is_not_named_is_said(tmp_path: Path, named: str) -> None:
    chain, key = certificate(tmp_path, "DNS:localhost")
    tls = ListenerTls(chain if named == "chain" else "", key if named == "key" else "")
    with pytest.raises(Invalid) as caught:
        tls.refresh()
    assert caught.value.code == "listener.certificate_unusable"
    assert "''" in caught.value.message
