"""All settings of a node: the sections of every domain in one struct, read from one file and the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import field

from millwright.app.logs import hide_secrets
from millwright.app.sections import ProcessSettings, settings_file
from millwright.approvals.settings import ApprovalsSettings
from millwright.certificates.settings import CertificatesSettings, TlsSettings
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.connectors.settings import ConnectorsSettings
from millwright.devices.device_http.settings import DeviceHttpSettings
from millwright.devices.edge.settings import EdgeSettings, EdgesSettings
from millwright.devices.location.settings import LocationSettings
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.network.settings import NetworkSettings
from millwright.devices.settings import DevicesSettings
from millwright.devices.sparkplug.settings import SparkplugSettings
from millwright.devices.telemetry.settings import TelemetrySettings
from millwright.devices.vehicles.settings import VehiclesSettings
from millwright.engines.clickhouse.settings import ClickHouseSettings
from millwright.engines.secrets.settings import SecretsSettings
from millwright.engines.sql.settings import SqlSettings
from millwright.historian.settings import HistorianSettings
from millwright.identity.filing.settings import FilingSettings
from millwright.identity.handle.settings import HandleSettings
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.prefixes.settings import PrefixesSettings
from millwright.identity.recursion.settings import RecursionSettings
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.identity.settings import IdentitySettings
from millwright.kernel import settings as kernel_settings
from millwright.ledger.settings import LedgerSettings
from millwright.metering.settings import MeteringSettings
from millwright.operations.settings import OperationsSettings
from millwright.parties.settings import SignInSettings
from millwright.web.settings import WebSettings


class NodeSettings(ProcessSettings, frozen=True, forbid_unknown_fields=True):
    """Every setting of a node, by section."""

    sql: SqlSettings = field(default_factory=SqlSettings)
    secrets: SecretsSettings = field(default_factory=SecretsSettings)
    clickhouse: ClickHouseSettings = field(default_factory=ClickHouseSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    certificates: CertificatesSettings = field(default_factory=CertificatesSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    device_http: DeviceHttpSettings = field(default_factory=DeviceHttpSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    sparkplug: SparkplugSettings = field(default_factory=SparkplugSettings)
    devices: DevicesSettings = field(default_factory=DevicesSettings)
    connectors: ConnectorsSettings = field(default_factory=ConnectorsSettings)
    commands: CommandsSettings = field(default_factory=CommandsSettings)
    location: LocationSettings = field(default_factory=LocationSettings)
    edges: EdgesSettings = field(default_factory=EdgesSettings)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    vehicles: VehiclesSettings = field(default_factory=VehiclesSettings)
    historian: HistorianSettings = field(default_factory=HistorianSettings)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    handle: HandleSettings = field(default_factory=HandleSettings)
    resolution: ResolutionSettings = field(default_factory=ResolutionSettings)
    recursion: RecursionSettings = field(default_factory=RecursionSettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    operations: OperationsSettings = field(default_factory=OperationsSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    approvals: ApprovalsSettings = field(default_factory=ApprovalsSettings)
    prefixes: PrefixesSettings = field(default_factory=PrefixesSettings)
    filing: FilingSettings = field(default_factory=FilingSettings)
    metering: MeteringSettings = field(default_factory=MeteringSettings)
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    web: WebSettings = field(default_factory=WebSettings)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is in force: its value, where that came from, and what it means."""

    key: str
    value: Any
    default: Any
    origin: str
    variable: str
    description: str
    secret: bool


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> NodeSettings:
    """Read the settings of this node. Raises :class:`~millwright.kernel.Invalid` (codes ``settings.…``)."""
    return kernel_settings.load(NodeSettings, settings_file(path, environ), environ)


def describe(
    settings: NodeSettings, path: Path | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Setting]:
    """Every setting in force, in order of declaration; secret values are not shown."""
    environ = os.environ if environ is None else environ
    file = settings_file(path, environ)
    stored = _file_keys(file)
    for key, info, variable in kernel_settings.keys(NodeSettings):
        value: Any = settings
        for part in key.split("."):
            value = getattr(value, part)
        default = _default(info)
        secret = key.endswith(("password", "secret", "token", "secret_key", "secret_keys"))
        origin = f"environment {variable}" if variable in environ else str(file) if key in stored else "default"
        shown = "********" if secret and value else _without_password(value)
        yield Setting(key, shown, default, origin, variable, _description(info), secret)


def _default(info: msgspec.inspect.Field) -> Any:
    if info.default is not msgspec.NODEFAULT:
        return info.default
    return info.default_factory() if info.default_factory is not msgspec.NODEFAULT else None


def _description(info: msgspec.inspect.Field) -> str:
    extra = getattr(info.type, "extra_json_schema", None) or {}
    return str(extra.get("description", ""))


def _file_keys(file: Path | None) -> set[str]:
    if file is None:
        return set()
    return set(kernel_settings.flatten(kernel_settings.read(file)))


def _without_password(value: Any) -> Any:
    """A URL without the password or token in it."""
    return hide_secrets(value) if isinstance(value, str) else value
