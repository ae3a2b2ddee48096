"""Signing in through an OpenID Connect provider (OpenID Connect Core 1.0): authorization code with PKCE (RFC 7636).

An *identity* is an issuer and a subject; it belongs to one person here. It is linked by that person while signed in, or
makes a new account where the settings allow; an e-mail address or a name never links anything. What a token says is
believed after its signature, issuer, audience, nonce and times were checked, and nothing of its header but the name of
one of the allowed algorithms and of one of the provider's own keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.parties.oidc.service import Oidc

__getattr__ = exports(__name__)

__all__ = ["Oidc"]
