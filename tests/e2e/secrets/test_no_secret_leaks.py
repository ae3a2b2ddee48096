"""Every kind of secret is planted, a whole node is exercised, and nothing it leaves behind may hold one of them.

Looked through: logs and printed output, every answer of the API, exports, every file in the data folder that is not a
secret's own home, and what other processes of the machine may see of ours.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
import pytest

from support.certificates import make_authority, make_request, openssl
from support.node import NAME, PASSWORD, RunningNode
from support.ports import free_port

HOMES = {"cli.token", "secrets.key", "endpoint.json", "nats.conf", "node.key"}
"""Files that exist to hold a secret: readable by their owner alone, which is tested; they hold one secret each."""


class Listener:
    """Collects what the API answers, except where a secret is shown once on purpose."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.heard: dict[str, bytes] = {}

    def ask(self, method: str, path: str, *, shows: str = "", **options: Any) -> httpx.Response:
        answer = self.client.request(method, path, **options)
        if not shows:
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
            self.heard[f"{method} {path} {len(self.heard)}"] = head.encode() + answer.content
        return answer


def connect(port: int, username: str, password: str | None) -> bool:
    """Whether the listener lets a client in, with these."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="marker", reconnect_on_failure=False)
    client.username_pw_set(username, password)
    outcome: list[bool] = []
    client.on_connect = lambda _c, _u, _f, code, _p: outcome.append(not code.is_failure)
    try:
        client.connect("127.0.0.1", port)
    except OSError:
        return False
    deadline = time.monotonic() + 20
    while not outcome and time.monotonic() < deadline and client.loop(0.1) == paho.MQTT_ERR_SUCCESS:
        pass
    client.disconnect()
    client.loop(0.1)
    return bool(outcome and outcome[0])


def spellings(secret: str) -> list[bytes]:
    """The ways a secret may be written: as it is, in base64, as a digest's hexadecimal never is one of them."""
    raw = secret.encode()
    return [raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode()]


@pytest.mark.timeout(240)
def test_no_secret_is_left_anywhere_but_at_home(tmp_path: Path) -> None:
    port = free_port()
    sections = {
        "node": {"log_level": "debug"},
        "tls": {"mode": "auto", "plain_mqtt": True},
        "mqtt": {"tls_port": port},
        "nats": {"max_store_gb": 4},
    }
    markers: dict[str, str] = {"password": PASSWORD, "wrong password": f"wrong-{secrets.token_urlsafe(12)}"}
    with RunningNode(tmp_path, sections) as node:
        data = node.data
        markers["setup code"] = node.setup_code()
        markers["command line's token"] = (data / "cli.token").read_text().strip()
        markers["NATS token"] = json.loads((data / "nats" / "endpoint.json").read_text())["token"]
        markers["master key"] = (data / "secrets.key").read_text().strip()
        node_key = (data / "tls" / "node.key").read_text()
        url = node.url.replace("http", "https")
        with httpx.Client(base_url=f"{url}/api/v1", verify=False, timeout=20, headers={"Origin": url}) as client:
            api = Listener(client)
            api.ask("POST", "/setup", json={"name": NAME, "password": PASSWORD, "code": "mws_wrong"})
            made = api.ask(
                "POST",
                "/setup",
                json={"name": NAME, "password": PASSWORD, "code": markers["setup code"]},
                shows="cookie",
            )
            assert made.status_code == 201, made.text
            markers["session"] = next(iter(client.cookies.jar)).value or ""
            api.ask("POST", "/session", json={"name": NAME, "password": markers["wrong password"]})

            device = api.ask("POST", "/devices", json={"name": "pump-7"}).json()["id"]
            issued = api.ask(
                "POST", f"/devices/{device}/credentials", json={}, headers={"Idempotency-Key": "m0"}, shows="token"
            ).json()
            markers["device token"] = issued["token"]
            token = api.ask(
                "POST",
                "/tokens",
                json={"name": "t", "roles": ["viewer"]},
                headers={"Idempotency-Key": "m1"},
                shows="token",
            )
            markers["API token"] = token.json()["token"]
            code = api.ask(
                "POST", f"/devices/{device}/certificates/code", json={}, headers={"Idempotency-Key": "m2"}, shows="code"
            )
            markers["enrolment code"] = code.json()["code"]
            certificate, key = make_authority(tmp_path)
            markers["key's password"] = f"unlock-{secrets.token_urlsafe(12)}"
            (tmp_path / "password").write_text(markers["key's password"])
            locked = openssl(
                *("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", f"file:{tmp_path / 'password'}"),
                stdin=key.encode(),
            )
            body = {"certificate": certificate, "key": locked, "password": markers["key's password"]}
            assert (
                api.ask("POST", "/certificates/authorities/import", json=body | {"password": "no"}).status_code == 400
            )
            assert api.ask("POST", "/certificates/authorities/import", json=body | {"more": 1}).status_code == 400
            assert api.ask("POST", "/certificates/authorities/import", json=body).status_code == 201
            # Of a P-256 key in PKCS #8 these characters are the secret; what follows is public, and in the certificate.
            markers["authority's key"] = "".join(key.splitlines()[1:-1])[52:90]
            markers["node's key"] = "".join(node_key.splitlines()[1:-1])[52:90]

            request = make_request(tmp_path)
            for secret in (markers["enrolment code"], markers["device token"], "mwd_unknown"):
                api.ask("POST", "/enrolment", json={"request": request}, auth=("pump-7", secret))
                api.ask("POST", f"{url}/.well-known/est/simpleenroll", content=b"x", auth=("pump-7", secret),
                        headers={"Content-Type": "application/pkcs10"})  # fmt: skip
            assert connect(node.mqtt_port, markers["device token"], None)
            assert connect(node.mqtt_port, "pump-7", markers["device token"])
            stranger = f"mwd_{secrets.token_urlsafe(24)}"
            markers["stranger's token"], markers["stranger's password"] = stranger, f"pass-{secrets.token_urlsafe(12)}"
            assert not connect(node.mqtt_port, stranger, None)
            assert not connect(node.mqtt_port, "stranger", markers["stranger's password"])
            node.wait_for("the strangers are listed", lambda: len(client.get("/arrivals").json()) >= 2)

            document = client.get(f"{url}/openapi.json").json()
            for path, item in document["paths"].items():
                if "get" in item and "{" not in path.replace("{device_id}", "") and not path.endswith("/live"):
                    where = path.replace("{device_id}", device)
                    api.ask("GET", f"{url}{where}")
            api.ask("GET", f"{url}/metrics")
        for command in (["settings", "list"], ["status", "--json"], ["devices", "export"], ["secrets", "status"],
                        ["secrets", "rotate"], ["doctor", "--json"], ["token", "list", "--json"]):  # fmt: skip
            done = node.cli(*command)
            api.heard[f"millwright {' '.join(command)}"] = (done.stdout + done.stderr).encode()
        seen = {}
        for process in [*node.processes()]:
            seen[f"title of {process.pid}"] = "\0".join(process.cmdline()).encode()
            environ = "\0".join(f"{name}={value}" for name, value in process.environ().items())
            seen[f"environment of {process.pid}"] = environ.encode()
            if process.name() == "nats-server":
                assert "MILLWRIGHT_" not in environ
        assert len(seen) >= 8
        node.kill("listener")
        node.wait_for("the listener is back", lambda: connect(node.mqtt_port, markers["device token"], None))

    places = {f"answer {name}": content for name, content in (api.heard | seen).items()}
    printed = (tmp_path / "up.out").read_bytes()
    # The set-up code is printed once, for the person who starts the node: that is where it is from.
    places["up.out"] = printed.replace(markers["setup code"].encode(), b"", 1)
    homes = set()
    for file in data.rglob("*"):
        if not file.is_file():
            continue
        if file.name in HOMES:
            assert not file.stat().st_mode & 0o077, f"{file} can be read by others"
            homes.add(file.name)
        else:
            places[str(file.relative_to(data))] = file.read_bytes()
    assert homes == HOMES
    assert any(name.endswith("records.db") for name in places)
    assert sum(name.startswith("logs/") for name in places) >= 3
    leaks = {
        (kind, place)
        for kind, secret in markers.items()
        for place, content in places.items()
        if any(spelling in content for spelling in spellings(secret))
    }
    assert leaks == set()
    assert all(len(secret) >= 12 for secret in markers.values())
    # The imported key is there, sealed: what opens it is only in its own home.
    assert re.search(rb"sealed1\.key_[0-9a-z]{26}\.", places["records.db"])
