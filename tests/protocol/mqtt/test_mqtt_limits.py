"""Rates and quotas over MQTT with a real client: slower, refused or ended, and nothing that was accepted is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from millwright.app.limits import QUOTA_EXCEEDED, QuotaDoor, QuotaEnforcer, RatePacer
from millwright.devices.mqtt import MqttListener, Principal
from millwright.kernel import SystemClock
from millwright.metering import Ceilings
from millwright.metering.limits import NO_CEILINGS, work_out
from millwright.metering.model import Limits, Quota, RateLimits
from millwright.parties import Node, Tree
from support.intake import stored_payloads
from support.mqtt import OpenDoor, RawClient, connect_bytes, hang_up, running_listener, until
from support.nats import RunningNats

TREE = Tree([Node("org_root", None, "enterprise", "Root")])


def limited(limits: Limits, used: int = 0) -> Ceilings:
    return work_out(TREE, {"org_root": limits}, {"day": {}, "month": {("org_root", "messages"): used}}, {
        "day": 1, "month": round(time.time() * 1000) + 60_000,
    })  # fmt: skip


class Flood:
    """paho with QoS 1, many in flight, as fast as it can."""

    def __init__(self, port: int, device: str, inflight: int) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, device, protocol=paho.MQTTv311)
        self.client.username_pw_set(f"device:{device}")
        self.client.max_inflight_messages_set(inflight)
        self.client.max_queued_messages_set(0)
        self.acknowledged: set[int] = set()
        self.drops = 0
        self.client.on_publish = lambda c, d, mid, r, p: self.acknowledged.add(mid)
        self.client.on_disconnect = self._lost
        self.client.connect("127.0.0.1", port, keepalive=2)
        self.client.loop_start()

    def _lost(self, *_: object) -> None:
        self.drops += 1

    def send(self, payloads: list[bytes]) -> set[int]:
        return {self.client.publish("millwright/v1/telemetry", payload, qos=1).mid for payload in payloads}

    async def finish(self, sent: set[int], timeout_s: float = 30) -> None:
        await until(lambda: sent <= self.acknowledged, timeout_s)

    def close(self) -> None:
        self.client.disconnect()
        hang_up(self.client)


@pytest.mark.alone
@pytest.mark.parametrize("inflight", [20, 1000])
async def test_over_the_rate_a_client_is_read_more_slowly_and_loses_nothing(nats: RunningNats, inflight: int) -> None:
    """The keep-alive is two seconds, and being held is longer: a client that is not read is not taken for dead."""
    ceilings = limited(Limits(rates=RateLimits(device_messages=200)))
    clock = SystemClock()
    async with running_listener(nats.url, pacer=RatePacer(lambda: ceilings, clock)) as listener:
        flood = await asyncio.to_thread(Flood, listener.port, "fast", inflight)
        payloads = [b'{"n": %d, "x": "%s"}' % (number, b"x" * 1000) for number in range(1200)]
        began_s = time.monotonic()
        sent = flood.send(payloads)
        await flood.finish(sent)
        took_s = time.monotonic() - began_s
        assert flood.drops == 0
        await asyncio.to_thread(flood.close)
        stored = await stored_payloads(nats.url)
        assert sorted(stored) == sorted(payloads)
        assert took_s > 1200 / 200 - 1 - 400 / 200  # a second's worth at once, and what one read brings in the end
        assert listener.holds > 0
        await until(lambda: listener.held == 0)


async def test_a_rate_of_the_organisation_is_shared_and_a_quiet_neighbour_is_not_touched(
    nats: RunningNats,
) -> None:
    tree = Tree([Node("org_root", None, "park", "Park"), Node("red", "org_root", "enterprise", "Red")])
    ceilings = work_out(
        tree, {"red": Limits(rates=RateLimits(messages=100))}, {"day": {}, "month": {}}, {"day": 1, "month": 1}
    )
    pacer = RatePacer(lambda: ceilings, SystemClock())
    door = OpenDoor()

    class Door:
        async def authenticate(self, username: str, *rest: object) -> object:
            found = await door.authenticate(username, *rest)  # type: ignore[arg-type]
            found.organisation_id = "red" if "red" in username else "org_root"  # type: ignore[union-attr]
            return found

    async with running_listener(nats.url, door=Door(), pacer=pacer) as listener:
        floods = [await asyncio.to_thread(Flood, listener.port, name, 20) for name in ("red1", "red2", "free")]
        payloads = [b'{"n": %d}' % number for number in range(200)]
        began_s = time.monotonic()
        sent = [flood.send(payloads) for flood in floods]
        await floods[2].finish(sent[2])
        assert time.monotonic() - began_s < 1.5
        for flood, mids in zip(floods, sent, strict=True):
            await flood.finish(mids)
        assert time.monotonic() - began_s > 400 / 100 - 1 - 0.5
        for flood in floods:
            await asyncio.to_thread(flood.close)
    assert len(await stored_payloads(nats.url)) == 600


async def test_over_a_hard_quota_devices_are_refused_and_ended_after_the_grace(nats: RunningNats) -> None:
    state = [NO_CEILINGS]
    hard = Limits([Quota("messages", 10, hard=True)])
    clock = SystemClock()
    async with running_listener(nats.url, door=QuotaDoor(OpenDoor(), lambda: state[0])) as listener:  # type: ignore[arg-type]
        enforcer = QuotaEnforcer(lambda: state[0], listener.disconnect_where, clock, grace_s=0.3)
        flood = await asyncio.to_thread(Flood, listener.port, "worker", 20)
        sent = flood.send([b"{}"] * 10)
        await flood.finish(sent)
        state[0] = limited(hard, used=9)
        enforcer.look()
        assert await connack(listener) == 0
        state[0] = limited(hard, used=10)
        enforcer.look()
        assert await connack(listener) == 3  # server unavailable: "not now", not "not you"
        more = flood.send([b"{}"] * 5)
        await flood.finish(more)  # the grace: what is connected goes on, and is acknowledged
        assert flood.drops == 0
        await asyncio.sleep(0.35)
        enforcer.look()
        await until(lambda: flood.drops > 0)
        assert listener.closed[QUOTA_EXCEEDED] == 1
        assert listener.closed[f"refused_{QUOTA_EXCEEDED}"] >= 1
        late = flood.send([b'{"late": 1}'])
        state[0] = limited(Limits([Quota("messages", 1000, hard=True)]), used=15)
        enforcer.look()
        await flood.finish(late)  # it kept its message, and comes back by itself
        await asyncio.to_thread(flood.close)


async def connack(listener: MqttListener) -> int:
    client = await RawClient.open(listener.port, connect_bytes("probe"))
    code = (await client.packet())[1][1]
    await client.close()
    return code


def test_the_reason_has_a_name_that_is_shown() -> None:
    words = Path(__file__).parents[3] / "console" / "src" / "i18n" / "node.zh.ts"
    assert QUOTA_EXCEEDED in words.read_text(encoding="utf-8")


def test_a_used_up_quota_bars_the_whole_subtree_and_no_neighbour() -> None:
    places = [("org_root", None), ("red", "org_root"), ("shop", "red"), ("blue", "org_root")]
    tree = Tree(Node(place, parent, "site", place) for place, parent in places)
    limits = {"red": Limits([Quota("messages", 10, hard=True)])}
    over = work_out(tree, limits, {"day": {}, "month": {("shop", "messages"): 10}}, {"day": 1, "month": 1})
    barred: list[str] = []

    def disconnect(told: Callable[[Principal], bool], _reason: str) -> int:
        devices = [SimpleNamespace(organisation_id=place) for place, _ in places]
        barred.extend(each.organisation_id for each in devices if told(each))  # type: ignore[arg-type]  # what is asked
        return len(barred)

    QuotaEnforcer(lambda: over, disconnect, SystemClock(), grace_s=0).look()
    assert barred == ["red", "shop"]
