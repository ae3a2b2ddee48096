"""A real, certified OpenID Connect provider (oidc-provider from npm) on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.ports import free_port

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".tools" / "oidc-provider"
ALGORITHMS = {"rs": "RS256", "es": "ES256", "ed": "Ed25519"}
"""Client id → how its ID tokens are signed."""


def node_path() -> Path:
    """The folder of a Node.js that runs it."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "node_path.py"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"there is no Node.js: {done.stderr}")
    return Path(done.stdout.strip())


class RunningProvider:
    """The provider, for a node at ``url``; ``with RunningProvider(url) as provider:``.

    It has a client for each of :data:`ALGORITHMS`, whose node-side provider has the same name, and believes any name.
    """

    def __init__(self, url: str) -> None:
        if not (INSTALLED / "node_modules" / "oidc-provider").is_dir():
            pytest.skip("the provider is not installed: run `python tools/provision_tests.py`")
        self.url = url
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def settings(self, secret_file: Path, name: str = "rs", **more: Any) -> dict[str, Any]:
        """The node's settings of one client; its secret is written to ``secret_file``."""
        secret_file.write_text(f"secret of {name}\n")
        return {"issuer": self.issuer, "client_id": name, "client_secret_file": str(secret_file), **more}

    def __enter__(self) -> RunningProvider:
        clients = [
            {
                "client_id": name,
                "client_secret": f"secret of {name}",
                "redirect_uris": [f"{self.url}/api/v1/session/oidc/{name}/callback"],
                "id_token_signed_response_alg": algorithm,
                "backchannel_logout_uri": f"{self.url}/api/v1/session/oidc/{name}/logout",
                "backchannel_logout_session_required": True,
            }
            for name, algorithm in ALGORITHMS.items()
        ]
        self._process = subprocess.Popen(
            [node_path() / "node", INSTALLED / "provider.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"port": self.port, "clients": clients}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.strip() == "ready":
                return self
        raise AssertionError("the provider did not start")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
