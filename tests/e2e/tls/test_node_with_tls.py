"""A whole node with TLS by one switch: command line, doctor, devices by certificate, and what is wrong said clearly."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
import pytest

from support.certificates import make_request, openssl
from support.mqtt import hang_up
from support.node import RunningNode
from support.ports import free_port


def api(node: RunningNode) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(node.data / "tls" / "ca.pem"))
    token = (node.data / "cli.token").read_text().strip()
    url = node.url.replace("http://127.0.0.1", "https://localhost")
    return httpx.Client(
        base_url=f"{url}/api/v1", verify=context, headers={"Authorization": f"Bearer {token}"}, timeout=20
    )


def findings(node: RunningNode) -> dict[str, dict[str, Any]]:
    done = node.cli("doctor", "--json")
    return {each["check"]: each for each in json.loads(done.stdout)["findings"]}


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is missing")
def test_one_switch_secures_everything(tmp_path: Path) -> None:
    tls_port = free_port()
    sections = {"tls": {"mode": "auto"}, "mqtt": {"tls_port": tls_port, "client_certificates": "required"}}
    with RunningNode(tmp_path, sections) as node:
        assert node.cli("devices", "add", "pump-7").returncode == 0
        make_request(tmp_path, "pump-7")
        done = node.cli("certificates", "issue", "pump-7", "pump-7.csr", "-o", "pump-7.pem")
        assert done.returncode == 0, done.stderr
        root = node.cli("certificates", "root").stdout
        (tmp_path / "root.pem").write_text(root)

        def publish(*more: str) -> int:
            command = ["mosquitto_pub", "-h", "localhost", "-p", str(tls_port), "--cafile", "root.pem", *more]
            command += ["-t", "v1/devices/me/telemetry", "-m", '{"temperature": 21.5}', "-q", "1"]
            return subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=30, check=False).returncode

        own = ("--cert", "pump-7.pem", "--key", "pump-7.key")
        assert publish(*own) == 0
        assert publish() != 0
        node.wait_for("the reading", lambda: "21.5" in node.cli("readings", "latest", "pump-7").stdout)
        # The plain port is closed, the console speaks only TLS, and openssl agrees with both certificates.
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://localhost:{node.web_port}/healthz")
        for port in (tls_port, node.web_port):
            said = openssl(
                *("s_client", "-connect", f"localhost:{port}", "-CAfile", str(tmp_path / "root.pem"), "-brief"),
                *("-verify_hostname", "localhost", "-verify_return_error"),
                stdin=b"",
                check=False,
            )
            assert "Verification: OK" in said, said
        looked = findings(node)
        assert looked["certificate of web and mqtt"]["state"] == "ok"
        assert looked["secrets"]["state"] == "ok"
        assert looked["node"]["state"] == "ok"

        with api(node) as http:
            listed = http.get("/certificates", params={"kind": "device"}).json()["items"]
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="live", reconnect_on_failure=False)
        client.tls_set(str(tmp_path / "root.pem"), str(tmp_path / "pump-7.pem"), str(tmp_path / "pump-7.key"))
        client.connect("localhost", tls_port)
        client.loop_start()
        node.wait_for("the device is in", client.is_connected)
        done = node.cli("certificates", "revoke", "pump-7", listed[0]["id"], "--reason", "key_compromise")
        assert done.returncode == 0, done.stderr
        node.wait_for("the device is out", lambda: not client.is_connected())
        hang_up(client)
        assert publish(*own) != 0

        # New keys while it runs: the authority signs on.
        rotated = json.loads(node.cli("secrets", "rotate", "--json").stdout)
        assert rotated["resealed"] == 2
        state = json.loads(node.cli("secrets", "status", "--json").stdout)
        assert (state["secrets"], state["pending"]) == (2, 0)

        def recorded(action: str) -> list[dict[str, Any]]:
            with api(node) as http:
                found: list[dict[str, Any]] = http.get("/ledger/entries", params={"action": action}).json()["items"]
            return found

        node.wait_for("the rotation is in the ledger", lambda: bool(recorded("secrets.rotate")))
        node.wait_for("the node's certificate is", lambda: bool(recorded("certificates.renew")))
        assert {each["actor"]["kind"] for each in recorded("certificates.renew")} == {"system"}
        with api(node) as http:
            connection = http.get("/connection").json()
        assert connection == {"mqtt_port": None, "mqtt_tls_port": tls_port, "own_authority": True}
        make_request(tmp_path, "next")
        assert node.cli("certificates", "issue", "pump-7", "next.csr", "-o", "next.pem").returncode == 0
        assert publish("--cert", "next.pem", "--key", "next.key") == 0

    key = node.data / "secrets.key"
    key.rename(node.data / "secrets.lost")
    assert findings(node)["secrets"]["message"].startswith("The master key is missing")
    done = node.cli("migrate", "--json")
    assert json.loads(done.stdout)["error"]["code"] == "secrets.key_missing"
    assert not key.exists()
    with pytest.raises(AssertionError, match="The master key is missing"):
        node.start()
    (node.data / "secrets.lost").rename(key)
    with node:
        assert node.cli("certificates", "list", "pump-7").returncode == 0


def test_given_files_are_used_and_looked_at(tmp_path: Path) -> None:
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3"),
        *("-subj", "/CN=plant", "-addext", "subjectAltName=DNS:plant.example.com"),
        *("-keyout", str(tmp_path / "given.key"), "-out", str(tmp_path / "given.pem")),
    )
    tls = {"mode": "files", "certificate": str(tmp_path / "given.pem"), "key": str(tmp_path / "given.key")}
    tls_port = free_port()
    with RunningNode(tmp_path, {"tls": tls | {"names": ["other.example.com"]}, "mqtt": {"tls_port": tls_port}}) as node:
        assert node.cli("status").returncode in (0, 1)
        looked = findings(node)["certificate of web and mqtt"]
        assert looked["state"] == "warning"
        assert "other.example.com" in looked["message"]
        served = ssl.get_server_certificate(("localhost", tls_port))
        assert served == (tmp_path / "given.pem").read_text()
        problems = json.loads(node.cli("status", "--json").stdout)["system"]["problems"]
        assert "tls.certificate_ends" in {each["code"] for each in problems}
