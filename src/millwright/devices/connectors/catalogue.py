"""Which connectors are installed: found by entry points, loaded when asked for. A broken one is told, not fatal."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from millwright.devices.connectors.contract import ENTRY_POINTS, Connector, Word
from millwright.devices.connectors.errors import kind_broken, kind_unknown, settings_invalid
from millwright.devices.connectors.forms import FormField, fields_of, secret_fields
from millwright.kernel import MillwrightError

logger = logging.getLogger(__name__)

_PATH = re.compile(r" - at `\$(.*)`\Z")


class KindView(Struct, frozen=True, kw_only=True):
    """A protocol, for lists and forms."""

    key: str
    title: Word
    summary: Word
    capabilities: Sequence[str]
    address_hint: Word
    does_not: Word
    standard: str
    fields: Sequence[FormField]
    package: str


class BrokenKind(Struct, frozen=True, kw_only=True):
    """A package that offers a connector and cannot be loaded."""

    key: str
    package: str
    error: str


class Kinds(Struct, frozen=True, kw_only=True):
    """Every connector installed."""

    kinds: Sequence[KindView]
    broken: Sequence[BrokenKind]


def _installed() -> Iterable[EntryPoint]:
    return entry_points(group=ENTRY_POINTS)


class Catalogue:
    """The connectors of this installation. One instance of each connector is made and kept; they are stateless.

    ``folder`` is where each may have a folder of its own, by its kind.
    """

    def __init__(self, find: Callable[[], Iterable[EntryPoint]] = _installed, *, folder: Path | None = None) -> None:
        self._find, self._folder = find, folder
        self._points: dict[str, EntryPoint] | None = None
        self._loaded: dict[str, Connector[Any]] = {}
        self._broken: dict[str, str] = {}

    def list(self) -> Kinds:
        """Every connector, by key; loads all of them, so it blocks a little the first time."""
        kinds = []
        for key in sorted(self._known()):
            try:
                kinds.append(self._view(key, self.get(key)))
            except MillwrightError:
                continue
            except Exception as error:  # a kind that cannot be shown must not hide the others
                self._broken[key] = repr(error)
        broken = [
            BrokenKind(key=key, package=_package(self._known()[key]), error=why)
            for key, why in sorted(self._broken.items())
        ]
        return Kinds(kinds=kinds, broken=broken)

    def get(self, kind: str) -> Connector[Any]:
        """The connector of a kind. Raises ``NotFound`` (``connectors.kind_unknown``) or ``Unavailable``
        (``connectors.kind_broken``)."""
        found = self._loaded.get(kind)
        if found is not None:
            return found
        point = self._known().get(kind)
        if point is None:
            raise kind_unknown(kind, self._known())
        if kind in self._broken:
            raise kind_broken(kind, self._broken[kind])
        try:
            made = point.load()()
            if not isinstance(made, Connector):
                raise TypeError(f"{point.value} is no Connector")
            if made.kind.key != kind:
                raise ValueError(f"the entry point is called {kind!r} and its kind {made.kind.key!r}")
        except Exception as error:
            logger.warning("the connector %s of %s cannot be loaded: %r", kind, _package(point), error)
            self._broken[kind] = f"{type(error).__name__}: {error}"[:500]
            raise kind_broken(kind, self._broken[kind]) from error
        if self._folder is not None:
            made.folder = self._folder / kind
        self._loaded[kind] = made
        return made

    def secrets(self, kind: str) -> frozenset[str]:
        """The names of the kind's settings that must be sealed."""
        return secret_fields(self.get(kind).settings)

    def convert(self, kind: str, settings: Mapping[str, Any]) -> Struct:
        """The settings as the connector takes them. Raises ``Invalid`` (``connectors.settings_invalid``)."""
        connector = self.get(kind)
        try:
            made: Struct = msgspec.convert(dict(settings), connector.settings)
        except msgspec.ValidationError as error:
            text = str(error)
            found = _PATH.search(text)
            pointer = re.sub(r"[.\[]", "/", found.group(1)).replace("]", "") if found else ""
            raise settings_invalid(kind, _PATH.sub("", text), pointer) from error
        return made

    def _known(self) -> dict[str, EntryPoint]:
        if self._points is None:
            self._points = {}
            for point in self._find():
                first = self._points.setdefault(point.name, point)
                if first is not point and first.value != point.value:
                    logger.warning("two packages offer the connector %s; %s is used", point.name, _package(first))
        return self._points

    def _view(self, key: str, connector: Connector[Any]) -> KindView:
        kind = connector.kind
        return KindView(
            key=key,
            title=kind.title,
            summary=kind.summary,
            capabilities=sorted(kind.capabilities),
            address_hint=kind.address_hint,
            does_not=kind.does_not,
            standard=kind.standard,
            fields=fields_of(connector.settings),
            package=_package(self._known()[key]),
        )


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else ""
