"""The sections every process of a node needs, importable without any domain: ``[node]`` and ``[nats]``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from msgspec import Meta, Struct, field

from millwright.app.folder import DataFolder
from millwright.engines.nats import NatsServer, NatsSettings
from millwright.kernel import settings as kernel_settings

if TYPE_CHECKING:
    from millwright.engines.nats import NatsConnection

DEFAULT_FILE = "millwright.toml"


class NodeSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[node]``: this node as a whole."""

    name: Annotated[
        str,
        Meta(
            description="Name of this node, shown in the console, in logs and on the bus.",
            pattern="^[A-Za-z0-9_-]{1,64}$",
        ),
    ] = "millwright"
    data: Annotated[str, Meta(description="Folder that holds everything the node keeps.", min_length=1)] = (
        "millwright-data"
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least severe message that is logged.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "human", "json"],
        Meta(description="`json`: one object a line; `human`: text; `auto`: text on a terminal, JSON elsewhere."),
    ] = "auto"
    log_file_mb: Annotated[
        int, Meta(description="Size at which a role's log file is rotated, in megabytes; five are kept.", ge=1)
    ] = 10
    disk_low_mb: Annotated[
        int, Meta(description="Free disk space below which the node reports a problem, in megabytes.", ge=0)
    ] = 2048
    disk_stop_mb: Annotated[
        int, Meta(description="Free disk space below which intake stops until there is more, in megabytes.", ge=0)
    ] = 256
    stop_timeout_s: Annotated[
        float, Meta(description="How long a role may take to flush and stop before it is killed, in seconds.", gt=0)
    ] = 15.0


class ProcessSettings(Struct, frozen=True):
    """What the supervisor and the command line need; a role adds the sections of its domains."""

    node: NodeSection = field(default_factory=NodeSection)
    nats: NatsSettings = field(default_factory=NatsSettings)


S = TypeVar("S", bound=ProcessSettings)


def settings_file(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Path | None:
    """The settings file to read: ``path``, else ``MILLWRIGHT_CONFIG``, else ``millwright.toml`` here if it exists."""
    if path is not None:
        return path
    named = (os.environ if environ is None else environ).get("MILLWRIGHT_CONFIG")
    if named:
        return Path(named)
    here = Path(DEFAULT_FILE)
    return here if here.exists() else None


def load_sections(kind: type[S], path: Path | None = None, environ: Mapping[str, str] | None = None) -> S:
    """Read only the sections that ``kind`` declares; whether the others are right is for who owns them to say.

    Raises :class:`~millwright.kernel.Invalid` (codes ``settings.…``).
    """
    return kernel_settings.load(kind, settings_file(path, environ), environ, partial=True)


def folder_of(settings: ProcessSettings) -> DataFolder:
    """The data folder, as an absolute path."""
    return DataFolder(Path(settings.node.data).expanduser().absolute())


def nats_url(settings: ProcessSettings) -> str:
    """Where the broker is: the configured one, or the one inside this node. Carries its token: never log it."""
    return settings.nats.url or NatsServer(settings.nats, folder_of(settings).nats).url


def broker_of(settings: ProcessSettings, name: str, instance: str = "") -> NatsConnection:
    """A connection to the broker of this node, not opened yet; ``instance`` (the node's name) and ``name`` are what
    the broker calls it."""
    from millwright.engines.nats import NatsConnection, tls_context

    return NatsConnection(
        nats_url(settings),
        f"{instance or settings.node.name}/{name}",
        tls_context(settings.nats),
        replicas=settings.nats.replicas,
    )
