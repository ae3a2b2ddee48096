"""A node whose console has a certificate of its own, made for another name than 127.0.0.1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.node import RunningNode
from support.tls import certificate, needs_openssl

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    folder = tmp_path_factory.mktemp("https")
    chain, key = certificate(folder / "tls", "DNS:plant.example.com,DNS:localhost")
    with RunningNode(folder, {"web": {"certificate": str(chain), "key": str(key)}}) as running:
        yield running


def test_the_command_line_knows_its_own_node(node: RunningNode) -> None:
    made = node.cli("devices", "add", "pump-1", "--json")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "pump-1" in node.cli("devices", "list").stdout


def test_the_doctor_does_too_and_compares_clocks_to_the_millisecond(node: RunningNode) -> None:
    found = json.loads(node.cli("doctor", "--json").stdout)
    states = {each["check"]: each for each in found["findings"]}
    assert states["node"]["state"] == "ok", states["node"]
    assert f"https://127.0.0.1:{node.web_port}" in states["clock of the node"]["message"]
    assert " ms from this machine's (± " in states["clock of the node"]["message"]


def test_by_url_the_certificate_needs_an_authority_and_the_right_name(node: RunningNode) -> None:
    token = (node.data / "cli.token").read_text().strip()
    ca = str(node.folder / "tls" / "cert.pem")

    def ask(host: str, *options: str) -> tuple[int, str]:
        url = f"https://{host}:{node.web_port}"
        done = node.cli("--url", url, "--token", token, *options, "devices", "list", "--json")
        return done.returncode, done.stdout + done.stderr

    assert ask("localhost", "--ca", ca)[0] == 0
    for host, options in (("localhost", ()), ("127.0.0.1", ("--ca", ca))):
        code, said = ask(host, *options)
        assert (code, "cli.certificate_untrusted" in said, "--ca" in said) == (3, True, True)


def test_a_certificate_renewed_on_disk_only_is_noticed(node: RunningNode, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path / "new", "DNS:plant.example.com")
    config = tmp_path / "millwright.toml"
    text = node.config.read_text()
    text = text.replace(str(node.folder / "tls" / "cert.pem"), str(chain))
    config.write_text(text.replace(str(node.folder / "tls" / "key.pem"), str(key)))
    done = node.cli("--config", str(config), "devices", "list", "--json")
    assert done.returncode == 3
    assert "cli.certificate_untrusted" in done.stdout + done.stderr
