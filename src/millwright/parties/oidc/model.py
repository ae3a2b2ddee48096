"""Identities of other providers, and the way to them and back. Times are UTC milliseconds."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Purpose: TypeAlias = Literal["sign_in", "link", "prove"]
"""Why a browser is sent to a provider."""


class Provider(Struct, frozen=True):
    """A provider as the sign-in page shows it."""

    name: str
    title: str


class Identity(Struct, frozen=True):
    """Somebody at a provider, who is this person here. ``label`` is what the provider calls them."""

    id: str
    provider: str
    label: str
    created_ms: int
    last_used_ms: int | None


class Departure(Struct, frozen=True):
    """Where the browser goes."""

    url: str
