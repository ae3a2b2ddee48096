"""The role ``vehicles``: terminals and platforms of GB/T 32960 in, durable frames out."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from millwright.app.disk import DiskWatch
from millwright.app.intake import guarded
from millwright.app.limits import QuotaDoor, QuotaEnforcer, RatePacer
from millwright.app.node import Composition, Node, secrets_of
from millwright.app.refusals import RecordedAuthenticator
from millwright.app.stats import figures
from millwright.app.tls import NodeTls, listening
from millwright.devices import EVERY, Access, Changes, DeviceStore
from millwright.devices.credentials import CredentialStore
from millwright.devices.mqtt import JetStreamIntake, ListenerTls
from millwright.devices.vehicles.forwarding import ForwardedIntake, Forwarder, ForwardTrimmer, spec_of, targets_of
from millwright.devices.vehicles.links import LinkDesk, Links, forward_of
from millwright.devices.vehicles.server import VehicleServer
from millwright.devices.vehicles.settings import VehiclesSettings
from millwright.kernel import Part, Unsupported
from millwright.ledger import Denials, Recorder
from millwright.metering import Calendar, LimitWatch


def compose(node: Node) -> Composition:
    """The server, and the access check that also ends the connections of what was revoked."""
    settings = node.settings.vehicles
    if not settings.port and not settings.tls_port:
        raise Unsupported(
            "This node takes in no vehicles.",
            code="vehicles.closed",
            hint="Set [vehicles] port (usually 32960) or tls_port and start the node again.",
        )
    web, _ = listening(node.settings, node.folder)
    if not settings.certificate:
        settings = structs.replace(settings, certificate=web.certificate, key=web.key)
    listener_id = f"{node.settings.node.name}-vehicles"
    changes = Changes(node.records, node.bus)

    def ask_again(device_id: str) -> None:
        server.run(server.reauthenticate(None if device_id == EVERY else device_id))

    access = Access(
        CredentialStore(node.records), DeviceStore(node.records), changes, node.bus, node.clock, on_change=ask_again
    )
    disk = DiskWatch(
        node.folder.root,
        low_mb=node.settings.node.disk_low_mb,
        stop_mb=node.settings.node.disk_stop_mb,
        clock=node.clock,
    )
    stream = JetStreamIntake(node.bus, listener_id)
    recorder = Recorder(node.bus)
    denials = Denials(recorder, node.clock, interval_s=node.settings.ledger.repeats_every_s)
    metering = node.settings.metering
    limits = LimitWatch(
        node.records,
        Calendar(metering.utc_offset_h),
        node.clock,
        metering.watch_s,
        on_look=lambda: enforcer.look(),
    )
    door = RecordedAuthenticator(QuotaDoor(access, lambda: limits.ceilings), denials, node.clock, "vehicles")
    tls, secured = _tls(node, settings, recorder) if settings.tls_port else (None, [])
    intake, stamps = guarded(node, stream, disk, listener_id)
    forwarders, upward = _upward(node, settings)
    server = VehicleServer(
        settings,
        door,
        ForwardedIntake(intake, node.bus) if upward else intake,
        node.bus,
        node.clock,
        listener_id=listener_id,
        tls=tls,
        pacer=RatePacer(lambda: limits.ceilings, node.clock),
    )
    enforcer = QuotaEnforcer(lambda: limits.ceilings, server.disconnect_where, node.clock, metering.quota_grace_s)
    node.stats.sources += [lambda: figures(**server.stats()), disk.figures]
    desk = LinkDesk(node.bus, node.settings.node.name, lambda wanted: _told(node, server, forwarders, wanted))
    parts: list[Part] = [disk, recorder, denials, *secured, stream, *stamps, *upward, limits, server, access, desk]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.host, settings.host)
    return Composition(parts, f"gbt32960://{host}:{settings.port or settings.tls_port}")


def _told(node: Node, server: VehicleServer, forwarders: Sequence[Forwarder], wanted: Sequence[str]) -> Links:
    """Who is connected, and how forwarding does."""
    found = server.links(wanted)
    found.forwards = [
        forward_of(each.target.name, secured=each.target.secured, clock=node.clock, found=each.figures())
        for each in forwarders
    ]
    return found


def _upward(node: Node, settings: VehiclesSettings) -> tuple[list[Forwarder], list[Part]]:
    """What forwards to public platforms; the first of it makes the stream that the intake needs."""
    spec = spec_of(settings.forward_days, settings.forward_mb)
    forwarders = [Forwarder(each, node.bus, node.clock, spec) for each in targets_of(settings.forward)]
    if not forwarders:
        return [], []
    trimmer = ForwardTrimmer(forwarders, node.bus)
    node.stats.sources.append(lambda: figures(**trimmer.stats()))
    return forwarders, [*forwarders, trimmer]


def _tls(node: Node, settings: VehiclesSettings, recorder: Recorder) -> tuple[ListenerTls, list[Part]]:
    """What TLS rests on, and the parts that keep it valid, to be started before the server."""
    from millwright.certificates import CertificateAuthority

    authority = CertificateAuthority(node.records, secrets_of(node), node.clock, node.settings.certificates)
    tls = ListenerTls(settings.certificate, settings.key)
    own = NodeTls(node, authority, recorder, settings.certificate, settings.key)
    node.stats.sources.append(own.figures)
    return tls, [own, tls]
