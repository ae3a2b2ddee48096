"""A whole node that is recursive: every role answers for names of elsewhere, and says how that goes."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from millwright.identity.handle import HandleClient
from millwright.kernel import NotFound
from support.handle import site_for, value
from support.node import RunningNode
from support.recursion import ENTERPRISE, running_tree

NAME = (ENTERPRISE + b"/Pump-1").decode()


async def test_a_node_resolves_what_others_keep_and_tells_how(tmp_path: Path) -> None:
    async with running_tree(tmp_path / "tree") as tree:
        key = ec.generate_private_key(ec.SECP256R1())
        secret = tmp_path / "signer.pem"
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        trusted = tmp_path / "roots.pem"
        trusted.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        settings = {
            "recursion": {
                "enabled": True, "roots": tree.roots, "server_down_s": 60, "failure_ttl_s": 0,
                "verify": "when-signed", "trust_roots": str(trusted),
            },
            "handle": {"signers": [f"300:0.NA/77.1 = {secret}"]},
        }  # fmt: skip
        node = RunningNode(tmp_path, settings)
        await asyncio.to_thread(node.start)
        try:
            client = HandleClient([site_for(node.handle_port)])
            for _ in range(3):
                assert (await client.resolve(NAME.encode()))[0] == value(1, ttl=300)
            with pytest.raises(NotFound):
                await client.resolve(ENTERPRISE + b"/none")
            async with httpx.AsyncClient(base_url=node.url) as http:
                for _ in range(2):
                    found = await http.get(f"/api/handles/{NAME}")
                    assert (found.status_code, found.json()["responseCode"]) == (200, 1)
                    assert found.headers["handle-signature"] == "unsigned; reason=no_signature"
                assert NAME in (await http.get(f"/id/{NAME}", headers={"accept": "text/html"})).text

            # No server answers any more: what is known is answered, what is not is a problem to be seen.
            for each in (tree.root, tree.secondary, tree.enterprise):
                await each.server.stop()
            assert (await client.resolve(NAME.encode()))[0].index == 1
            for unknown in (b"99.1/x", b"99.2/x"):
                with pytest.raises(Exception, match=r"busy|no answer|could not"):
                    await client.resolve(unknown)

            def told() -> str | None:
                said = node.cli("status").stdout
                return said if "No root server answers" in said and "recursion" in said else None

            said = await asyncio.to_thread(node.wait_for, "the problem", told)
            assert "unreachable" in said
            assert "signatures of records fetched: 2 unsigned" in said
            with closing(node.administrator()) as api:
                text = (await asyncio.to_thread(api.get, f"{node.url}/metrics")).text
            assert 'millwright_recursion_hits_total{role="resolver",instance_name="millwright"} 3' in text
            assert 'millwright_recursion_hits_total{role="web",instance_name="millwright"} 2' in text
            assert "millwright_recursion_failures_total{" in text
            assert 'of="unreachable"' in text
            assert "millwright_recursion_signatures_total{" in text
        finally:
            await asyncio.to_thread(node.stop)
