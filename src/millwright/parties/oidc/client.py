"""Speaks to one provider: its discovery document, its keys, its token endpoint."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec

from millwright.kernel import Clock, Denied, Invalid, Unavailable
from millwright.parties.settings import OidcProvider

logger = logging.getLogger(__name__)

_FRESH_S = 3600.0
_KEYS_AGAIN_S = 10.0
_TIMEOUT_S = 10.0
_MOST_BYTES = 1_000_000
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class ProviderClient:
    """One provider. Its documents are kept for an hour; its keys are read again when a token names one unknown."""

    def __init__(self, name: str, settings: OidcProvider, clock: Clock) -> None:
        self.name, self.settings, self._clock = name, settings, clock
        self._document: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None
        self._lock = asyncio.Lock()

    async def authorization_url(self, parameters: dict[str, str]) -> str:
        """Where the browser asks for a code. Raises ``Unavailable`` (``parties.provider_unavailable``)."""
        address: str = (await self._discovered())["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """The tokens for a code. Raises ``Denied`` (``parties.provider_refused``), ``Unavailable``."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }
        secret = await asyncio.to_thread(self._secret)
        # RFC 6749 §2.3.1: both are form-encoded before they become user and password.
        proof = httpx.BasicAuth(quote(self.settings.client_id, safe=""), quote(secret, safe="")) if secret else None
        address = (await self._discovered())["token_endpoint"]
        status, found = await self._ask("POST", address, data=form, auth=proof)
        if status != 200 or not isinstance(found.get("id_token"), str):
            logger.warning("%s refused a code: %s %s", self.name, status, str(found.get("error"))[:100])
            raise Denied(
                "The provider did not accept its own answer.",
                code="parties.provider_refused",
                hint="Try again; if it stays so, compare client_id, the client's secret and the redirect address.",
            )
        return found

    async def keys(self, *, again: bool = False) -> list[dict[str, Any]]:
        """The provider's public keys; ``again`` reads them anew, at most once in ten seconds."""
        async with self._lock:
            now = self._clock.monotonic_s()
            age = now - self._keys[0] if self._keys else _FRESH_S
            if self._keys is None or age >= (_KEYS_AGAIN_S if again else _FRESH_S):
                status, found = await self._ask("GET", (await self._discovered())["jwks_uri"])
                listed = found.get("keys")
                if status != 200 or not isinstance(listed, list):
                    raise self._unavailable("its keys cannot be read")
                self._keys = (now, [key for key in listed if isinstance(key, dict)][:100])
            return self._keys[1]

    async def _discovered(self) -> dict[str, Any]:
        now = self._clock.monotonic_s()
        if self._document is not None and now - self._document[0] < _FRESH_S:
            return self._document[1]
        address = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        status, found = await self._ask("GET", address)
        if status != 200:
            raise self._unavailable(f"discovery answers {status}")
        if found.get("issuer") != self.settings.issuer:
            raise self._unavailable("its document names another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not _safe(found.get(name)):
                raise self._unavailable(f"its {name} is not protected by TLS")
        self._document = (now, found)
        return found

    async def _ask(self, method: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
        try:
            async with (
                httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client,
                client.stream(method, address, headers={"Accept": "application/json"}, **more) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise self._unavailable("it answers without end")
                found = msgspec.json.decode(body)
        except (httpx.HTTPError, msgspec.DecodeError, httpx.InvalidURL) as error:
            logger.warning("%s does not answer: %s", self.name, error)
            raise self._unavailable("it does not answer") from error
        if not isinstance(found, dict):
            raise self._unavailable("it answers no JSON object")
        return answer.status_code, found

    def _secret(self) -> str:
        if not self.settings.client_secret_file:
            return ""
        try:
            return Path(self.settings.client_secret_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Invalid(
                f"The secret of the provider {self.name} cannot be read.",
                code="parties.provider_secret_missing",
                hint="Put it into the file that client_secret_file names, readable for the node's user.",
            ) from error

    def _unavailable(self, why: str) -> Unavailable:
        return Unavailable(
            f"The provider {self.name} cannot be used: {why}.",
            code="parties.provider_unavailable",
            hint="Sign in another way, or try again later.",
            retry_after_s=10.0,
        )


def _safe(address: object) -> bool:
    """Whether an endpoint is reached over TLS, or on this machine."""
    if not isinstance(address, str):
        return False
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
