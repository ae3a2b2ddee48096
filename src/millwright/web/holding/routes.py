"""The operations that can take a second person: every changing route that states a permission.

What is guarded by being signed in alone is somebody's own account, session or request, and nobody else's to approve.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from litestar._kwargs import KwargsModel
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from millwright.approvals import Catalogue
from millwright.parties import Permission
from millwright.web.audit import describe

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DECIDING = "/api/v1/approvals/"
"""Deciding about requests is no operation that waits for a decision."""


@dataclass(frozen=True, slots=True)
class Nameable:
    """A route that a policy can name; ``fields`` are those of its body."""

    action: str
    method: str
    path: str
    summary: str
    permission: Permission
    handler: HTTPRouteHandler
    parameters: KwargsModel
    fields: frozenset[str]


def nameable_routes(app: Litestar) -> Iterator[Nameable]:
    """Every nameable route of the application."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for method, (handler, parameters) in route.route_handler_map.items():
            permission = permission_of(handler)
            if method in SAFE or handler.opt.get("reads") or permission is None or route.path.startswith(_DECIDING):
                continue
            action, _ = describe(method, route.path_format, route.path_format)
            yield Nameable(
                action,
                method,
                route.path_format,
                handler.summary or action,
                permission,
                handler,
                parameters,
                _fields(handler),
            )


def fill(catalogue: Catalogue, app: Litestar) -> dict[tuple[str, str], Nameable]:
    """Name them all; returns them by method and path."""
    found = {(each.method, each.path): each for each in nameable_routes(app)}
    for each in found.values():
        catalogue.add(each.action, each.summary, f"{each.method} {each.path}")
    return found


def permission_of(handler: HTTPRouteHandler) -> Permission | None:
    """The permission a route states."""
    named: list[Any] = [guard for guard in handler.resolve_guards() if getattr(guard, "permission", None)]
    return named[0].permission if named else None


def _fields(handler: HTTPRouteHandler) -> frozenset[str]:
    body = handler.parsed_data_field
    kinds = [body.annotation, *typing.get_args(body.annotation)] if body is not None else []
    return frozenset(name for kind in kinds for name in getattr(kind, "__struct_fields__", ()))
