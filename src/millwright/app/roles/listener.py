"""The role ``listener``: MQTT in, durable frames out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from millwright.app.disk import DiskWatch
from millwright.app.intake import guarded
from millwright.app.limits import QuotaDoor, QuotaEnforcer, RatePacer
from millwright.app.node import Composition, Node, secrets_of
from millwright.app.refusals import RecordedAuthenticator
from millwright.app.stats import figures
from millwright.app.tls import NodeTls, listening
from millwright.devices import EVERY, Access, Changes, DeviceStore
from millwright.devices.credentials import CredentialStore
from millwright.devices.mqtt import JetStreamIntake, JetStreamJournal, ListenerTls, MqttListener, MqttSettings
from millwright.kernel import Invalid, Part
from millwright.ledger import Denials, Recorder
from millwright.metering import Calendar, LimitWatch

if TYPE_CHECKING:
    from millwright.devices.mqtt.shards import Shards


def compose(node: Node) -> Composition:
    """The listener, and the access check that also ends the connections of revoked devices."""
    _, settings = listening(node.settings, node.folder)
    listener_id = node.instance
    changes = Changes(node.records, node.bus)
    devices = DeviceStore(node.records)

    def ask_again(device_id: str) -> None:
        listener.run(review(None if device_id == EVERY else device_id))

    async def review(device_id: str | None) -> None:
        await listener.reauthenticate(device_id)
        await listener.forget_removed(device_id)

    access = Access(CredentialStore(node.records), devices, changes, node.bus, node.clock, on_change=ask_again)
    disk = DiskWatch(
        node.folder.root,
        low_mb=node.settings.node.disk_low_mb,
        stop_mb=node.settings.node.disk_stop_mb,
        clock=node.clock,
    )
    stream = JetStreamIntake(node.bus, listener_id, settings.max_packet_bytes)
    recorder = Recorder(node.bus)
    denials = Denials(recorder, node.clock, interval_s=node.settings.ledger.repeats_every_s)
    chosen = node.settings.metering
    limits = LimitWatch(
        node.records,
        Calendar(chosen.utc_offset_h),
        node.clock,
        chosen.watch_s,
        on_look=lambda: enforcer.look(),
    )
    door = RecordedAuthenticator(QuotaDoor(access, lambda: limits.ceilings), denials, node.clock)
    pacer = RatePacer(lambda: limits.ceilings, node.clock)
    tls, secured = _tls(node, settings, recorder) if settings.tls_port else (None, [])
    intake, stamps = guarded(node, stream, disk, listener_id)
    listener = MqttListener(
        settings,
        door,
        intake,
        JetStreamJournal(node.bus),
        node.bus,
        node.clock,
        listener_id=listener_id,
        tls=tls,
        certificates=door,
        pacer=pacer,
        shards=_shards(node, settings, pacer),
        knows=lambda device_ids: asyncio.to_thread(devices.enabled, device_ids),
        registered=lambda device_ids: asyncio.to_thread(devices.registered, device_ids),
    )
    enforcer = QuotaEnforcer(lambda: limits.ceilings, listener.disconnect_where, node.clock, chosen.quota_grace_s)
    node.stats.sources += [lambda: figures(**listener.stats()), disk.figures]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.host, settings.host)
    address = f"mqtt://{host}:{settings.port}" if settings.port else f"mqtts://{host}:{settings.tls_port}"
    return Composition([disk, recorder, denials, *secured, stream, *stamps, limits, listener, access], address)


def _shards(node: Node, settings: MqttSettings, rates: RatePacer) -> Shards | None:
    """What makes this process one of several on the same ports."""
    if settings.processes == 1:
        return None
    from millwright.devices.mqtt.shards import Shards, SlotFolder
    from millwright.devices.mqtt.shards.inbox import JetStreamInbox

    if node.number > settings.processes:
        raise Invalid(
            f"There is no process {node.number} of the listener: [mqtt] processes is {settings.processes}.",
            code="listener.no_such_process",
            hint="Give --process a number up to [mqtt] processes, or raise that for every process of the listener.",
        )
    rates.shared = True
    folder = SlotFolder(node.folder.listener)
    return Shards(node.number, settings.processes, folder, JetStreamInbox(node.bus), rates=rates)


def _tls(node: Node, settings: MqttSettings, recorder: Recorder) -> tuple[ListenerTls, list[Part]]:
    """What TLS rests on, and the parts that keep it valid, to be started before the listener."""
    from millwright.certificates import CertificateAuthority  # a listener without TLS does without cryptography

    authority = CertificateAuthority(node.records, secrets_of(node), node.clock, node.settings.certificates)
    tls = ListenerTls(
        settings.certificate,
        settings.key,
        mode=settings.client_certificates,
        trust=lambda: "".join(authority.trusted()),
        client_ca=settings.client_ca,
    )
    own = NodeTls(node, authority, recorder, settings.certificate, settings.key)
    node.stats.sources.append(own.figures)
    return tls, [own, tls]
