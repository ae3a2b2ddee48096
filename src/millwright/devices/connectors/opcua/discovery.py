"""Finding servers: discovery servers are asked, and multicast DNS is listened to (IEC 62541-12)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from asyncua import Client, ua

from millwright.devices.connectors.contract import Found
from millwright.devices.connectors.opcua import certificates
from millwright.devices.connectors.opcua.multicast import announced
from millwright.devices.connectors.opcua.opening import describe, offered, policy_name
from millwright.devices.connectors.opcua.settings import DEFAULT_PORT

_SPOKEN = ("None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")


async def discover(urls: Sequence[str], timeout_s: float) -> list[Found]:
    """An entry for each endpoint of each server found, encrypted ones first. Never raises for a server that is away."""
    each_s = timeout_s / 2
    heard, *answers = await asyncio.gather(
        announced(each_s), *(_known_to(url, each_s) for url in urls), return_exceptions=True
    )
    found = {url: url for url in urls}
    for more in (heard, *answers):
        if isinstance(more, list):
            found.update(more)
    endpoints = await asyncio.gather(
        *(_endpoints(url, title, each_s) for url, title in found.items()), return_exceptions=True
    )
    listed = [one for some in endpoints if isinstance(some, list) for one in some]
    return sorted(listed, key=lambda one: (one.title, one.settings.get("security") == "None"))


async def _known_to(url: str, timeout_s: float) -> list[tuple[str, str]]:
    """The servers that a discovery server knows: URL and name."""
    client = Client(url, timeout=timeout_s)
    async with asyncio.timeout(timeout_s):
        servers: list[ua.ApplicationDescription] = await client.connect_and_find_servers()
    found = []
    for server in servers:
        name = server.ApplicationName.Text or server.ApplicationUri or url
        found += [(one, name) for one in server.DiscoveryUrls or [] if str(one).startswith("opc.tcp://")]
    return found


async def _endpoints(url: str, title: str, timeout_s: float) -> list[Found]:
    parts = urlsplit(url)
    whole = f"opc.tcp://{parts.netloc.rpartition('@')[2]}"
    if parts.port is None:
        whole += f":{DEFAULT_PORT}"
    whole += parts.path
    async with asyncio.timeout(timeout_s):
        endpoints = await offered(whole, timeout_s)
    found: dict[str, Found] = {}
    for endpoint in endpoints:
        policy = policy_name(endpoint.SecurityPolicyUri)
        if policy not in _SPOKEN or not str(endpoint.EndpointUrl or "").startswith("opc.tcp"):
            continue
        settings: dict[str, Any] = {"url": whole, "security": policy}
        detail = describe(endpoint)
        if policy != "None":
            settings["mode"] = endpoint.SecurityMode.name
            certificate = _certificate(endpoint)
            if certificate:
                detail += f", certificate {certificate}"
        users = sorted({token.TokenType.name for token in endpoint.UserIdentityTokens or []})
        if users:
            detail += f", sign in as {', '.join(users)}"
        name = endpoint.Server.ApplicationName.Text if endpoint.Server else None
        found.setdefault(describe(endpoint), Found(title=name or title, settings=settings, detail=detail))
    return list(found.values())


def _certificate(endpoint: ua.EndpointDescription) -> str:
    from asyncua.crypto import uacrypto

    try:
        certificate = uacrypto.x509_from_der(endpoint.ServerCertificate)
    except ValueError:
        return ""
    return certificates.fingerprint(certificate) if certificate is not None else ""
