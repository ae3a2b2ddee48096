"""What every connector must pass, against a live peer. For pytest or alone; a failed check is an ``AssertionError``.

    async def test_conformance() -> None:
        async with my_peer() as peer:
            await check(MyConnector(), {"host": "127.0.0.1", "port": peer.port}, addresses=["a", "b"],
                        bad_address="nowhere", kill=peer.stop)

``addresses`` can be read on the peer; ``bad_address`` is well formed and leads nowhere; ``kill`` ends the peer for good
and comes last; ``malformed`` is no address at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from millwright.devices.connectors.contract import BAD, GOOD, Connector, NodePage, Point, Sample, Session
from millwright.devices.connectors.forms import fields_of
from millwright.kernel import Invalid, MillwrightError, Unavailable, Unsupported

_SOON_S: Final = 15.0
_AT_ONCE_S: Final = 2.0
_CLOSE_S: Final = 8.0
_LOST_S: Final = 40.0


async def check(
    connector: Connector[Any],
    settings: Mapping[str, Any],
    *,
    addresses: Sequence[str],
    bad_address: str | None = None,
    malformed: str = "\x00 is no address",
    interval_ms: int = 100,
    kill: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Every check, in order."""
    check_kind(connector)
    check_settings(connector)
    check_addresses(connector, addresses, malformed)
    await check_read(connector, settings, addresses, bad_address)
    await check_run(connector, settings, addresses, interval_ms)
    if bad_address is not None:
        await check_bad_point(connector, settings, addresses, bad_address, interval_ms)
    await check_cancel(connector, settings, addresses, interval_ms)
    await check_back_pressure(connector, settings, addresses, interval_ms)
    await check_identity(connector, settings)
    await check_browse(connector, settings)
    await check_seek(connector)
    await check_close(connector, settings)
    if kill is not None:
        await check_loss(connector, settings, addresses, interval_ms, kill)


def check_kind(connector: Connector[Any]) -> None:
    """The kind is complete, in both languages."""
    kind = connector.kind
    msgspec.convert(msgspec.to_builtins(kind), type(kind))  # the key has its form
    for name in ("title", "summary", "address_hint", "does_not"):
        word = getattr(kind, name)
        assert word.en.strip(), f"kind.{name} has no English text"
        assert word.zh.strip(), f"kind.{name} has no Chinese text"


def check_settings(connector: Connector[Any]) -> None:
    """Settings are a frozen struct that forbids unknown fields; each field says what it is, ``timeout_s`` is there."""
    kind = connector.settings
    assert issubclass(kind, msgspec.Struct), "settings are no msgspec Struct"
    config = kind.__struct_config__
    assert config.frozen, "settings are not frozen"
    assert config.forbid_unknown_fields, "settings do not forbid unknown fields"
    fields = {field.name: field for field in fields_of(kind)}
    assert "timeout_s" in fields, "settings have no timeout_s"
    for name, field in fields.items():
        assert field.description, f"the setting {name} has no description"
        assert not (field.secret and field.type != "string"), f"the secret setting {name} is no text"
        hinted = any(word in name for word in ("password", "secret", "token")) or name.endswith("_key")
        assert field.secret or not hinted or field.type != "string", f"the setting {name} is not marked as secret"


def check_addresses(connector: Connector[Any], addresses: Sequence[str], malformed: str) -> None:
    """Right addresses are taken; what is none is refused with a hint that shows one."""
    assert addresses, "the suite needs addresses"
    for address in addresses:
        connector.check_address(address)
    try:
        connector.check_address(malformed)
    except Invalid as error:
        _complete(error)
    else:
        raise AssertionError(f"{malformed!r} was taken for an address")


async def check_read(
    connector: Connector[Any], settings: Mapping[str, Any], addresses: Sequence[str], bad_address: str | None
) -> None:
    """Values come in the order of the addresses; one that leads nowhere is bad and takes no other with it."""
    session = await _open(connector, settings)
    try:
        wanted = [addresses[0], *addresses, *([bad_address] if bad_address else [])]
        found = list(await asyncio.wait_for(session.read(wanted), _SOON_S))
        assert [each.point_id for each in found] == wanted, "samples are not in the order of the addresses"
        for sample in found:
            if sample.point_id == bad_address:
                assert sample.quality < GOOD, "an address that leads nowhere was good"
                assert sample.value is None, "an address that leads nowhere had a value"
            else:
                assert sample.quality == GOOD, f"{sample.point_id} is not good: {sample.note}"
                assert sample.value is not None, f"{sample.point_id} has no value"
            _check_sample(sample)
    finally:
        await session.close()


async def check_run(
    connector: Connector[Any], settings: Mapping[str, Any], addresses: Sequence[str], interval_ms: int
) -> None:
    """Each point is delivered once soon, under its own id, while other questions are answered."""
    session = await _open(connector, settings)
    collected = _Collected()
    points = _points(addresses, interval_ms)
    running = asyncio.create_task(session.run(points, collected))
    try:
        await collected.until(lambda: {point.id for point in points} <= collected.ids, running)
        assert await asyncio.wait_for(session.read([addresses[0]]), _SOON_S), "reading while running gave nothing"
        for sample in collected.samples:
            _check_sample(sample)
            assert sample.quality == GOOD, f"{sample.point_id} is not good: {sample.note}"
    finally:
        await _cancel(running)
        await session.close()


async def check_bad_point(
    connector: Connector[Any],
    settings: Mapping[str, Any],
    addresses: Sequence[str],
    bad_address: str,
    interval_ms: int,
) -> None:
    """A point that is not there is delivered as bad, and the others go on."""
    session = await _open(connector, settings)
    collected = _Collected()
    points = _points([bad_address, *addresses], interval_ms)
    running = asyncio.create_task(session.run(points, collected))
    try:
        await collected.until(lambda: {point.id for point in points} <= collected.ids, running)
        bad = [each for each in collected.samples if each.point_id == points[0].id]
        assert all(each.quality == BAD and each.value is None for each in bad), "a point that is not there is not bad"
        assert any(each.quality == GOOD for each in collected.samples), "a bad point took the others with it"
    finally:
        await _cancel(running)
        await session.close()


async def check_cancel(
    connector: Connector[Any], settings: Mapping[str, Any], addresses: Sequence[str], interval_ms: int
) -> None:
    """Being cancelled ends a run at once; after closing nothing is left running; a session runs again after it."""
    before = asyncio.all_tasks()
    session = await _open(connector, settings)
    for _ in range(2):
        collected = _Collected()
        running = asyncio.create_task(session.run(_points(addresses, interval_ms), collected))
        await collected.until(lambda: bool(collected.samples), running)  # noqa: B023 - awaited within the turn
        await _cancel(running)
    await asyncio.wait_for(session.close(), _CLOSE_S)
    left = asyncio.all_tasks() - before
    if left:  # those that were told to end may need a turn of the loop to do so
        _, left = await asyncio.wait(left, timeout=_AT_ONCE_S)
    assert not left, f"left running: {left}"


async def check_back_pressure(
    connector: Connector[Any], settings: Mapping[str, Any], addresses: Sequence[str], interval_ms: int
) -> None:
    """A receiver that takes its time is waited for, and a run in that wait can be cancelled."""
    session = await _open(connector, settings)
    inside = 0
    most = 0
    entered = asyncio.Event()

    async def slow(_: Sequence[Sample]) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        entered.set()
        try:
            await asyncio.sleep(3600)
        finally:
            inside -= 1

    running = asyncio.create_task(session.run(_points(addresses, interval_ms), slow))
    try:
        await asyncio.wait_for(entered.wait(), _SOON_S)
        await asyncio.sleep(5 * interval_ms / 1000)
        assert most == 1, f"{most} deliveries were under way at once"
    finally:
        await _cancel(running)
        await session.close()


async def check_identity(connector: Connector[Any], settings: Mapping[str, Any]) -> None:
    """The other side says the same of itself twice."""
    session = await _open(connector, settings)
    try:
        first = await asyncio.wait_for(session.identify(), _SOON_S)
        second = await asyncio.wait_for(session.identify(), _SOON_S)
        assert first.fingerprint == second.fingerprint, "the fingerprint changes by itself"
    except Unsupported as error:
        _complete(error)
    finally:
        await session.close()


async def check_browse(connector: Connector[Any], settings: Mapping[str, Any]) -> None:
    """Browsing works where the kind says so, and is ``Unsupported`` elsewhere."""
    session = await _open(connector, settings)
    try:
        if "browse" not in connector.kind.capabilities:
            try:
                await asyncio.wait_for(session.browse(), _SOON_S)
            except Unsupported as error:
                _complete(error)
            else:
                raise AssertionError("browsing works, and the kind does not say so")
            return
        page = await asyncio.wait_for(session.browse(), _SOON_S)
        assert page.items, "there is nothing at the top"
        _check_page(connector, page)
        for node in [node for node in page.items if node.has_children][:3]:
            _check_page(connector, await asyncio.wait_for(session.browse(node.address), _SOON_S))
        if page.next is not None:
            _check_page(connector, await asyncio.wait_for(session.browse(None, page.next), _SOON_S))
    finally:
        await session.close()


async def check_seek(connector: Connector[Any]) -> None:
    """What is no address is refused where the kind says that it seeks; elsewhere seeking is ``Unsupported``."""
    expected = Invalid if "seek" in connector.kind.capabilities else Unsupported
    try:
        await asyncio.wait_for(connector.seek("\x00 no address", 1.0), _SOON_S)
    except expected as error:
        _complete(error)
    else:
        raise AssertionError("something that is no address was sought at")


def _check_page(connector: Connector[Any], page: NodePage) -> None:
    for node in page.items:
        assert node.address, f"a node has no address: {node}"
        assert node.name, f"a node has no name: {node}"
        if node.kind == "variable":
            connector.check_address(node.address)
    assert len({node.address for node in page.items}) == len(page.items), "two nodes of a page have one address"
    if page.share is not None:
        assert 0 <= page.share <= 1, f"{page.share} is no share of a search"


async def check_close(connector: Connector[Any], settings: Mapping[str, Any]) -> None:
    """Closing is possible at any time and any number of times."""
    session = await _open(connector, settings)
    for _ in range(3):
        await asyncio.wait_for(session.close(), _CLOSE_S)


async def check_loss(
    connector: Connector[Any],
    settings: Mapping[str, Any],
    addresses: Sequence[str],
    interval_ms: int,
    kill: Callable[[], Awaitable[None]],
) -> None:
    """A peer that dies ends the run with ``Unavailable``; opening raises it too; closing works all the same."""
    session = await _open(connector, settings)
    collected = _Collected()
    running = asyncio.create_task(session.run(_points(addresses, interval_ms), collected))
    try:
        await collected.until(lambda: bool(collected.samples), running)
        await kill()
        await asyncio.wait((running,), timeout=_LOST_S)
        assert running.done(), f"a dead peer was not noticed within {_LOST_S:g} s"
        error = running.exception()
        assert isinstance(error, Unavailable), f"a dead peer was told as {error!r}"
        _complete(error)
    finally:
        await _cancel(running)
        await asyncio.wait_for(session.close(), _CLOSE_S)
    try:
        late = await asyncio.wait_for(connector.open(msgspec.convert(dict(settings), connector.settings)), _LOST_S)
    except Unavailable as error:
        _complete(error)
    else:
        await late.close()
        raise AssertionError("a dead peer was connected to")


class _Collected:
    """Takes what is delivered."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._news = asyncio.Event()

    @property
    def ids(self) -> set[str]:
        return {each.point_id for each in self.samples}

    async def __call__(self, samples: Sequence[Sample]) -> None:
        self.samples.extend(samples)
        self._news.set()

    async def until(self, condition: Callable[[], bool], running: asyncio.Task[None]) -> None:
        deadline = time.monotonic() + _SOON_S
        while not condition():
            if running.done():
                running.result()
                raise AssertionError("the run ended by itself")
            left_s = deadline - time.monotonic()
            assert left_s > 0, f"not delivered within {_SOON_S:g} s; came: {sorted(self.ids)}"
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), min(left_s, 0.5))
            except TimeoutError:
                continue


async def _open(connector: Connector[Any], settings: Mapping[str, Any]) -> Session:
    """Open a session; a peer that serves one at a time may need a moment after the one before."""
    made = msgspec.convert(dict(settings), connector.settings)
    deadline = time.monotonic() + _SOON_S
    while True:
        try:
            return await asyncio.wait_for(connector.open(made), _SOON_S)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def _cancel(task: asyncio.Task[None]) -> None:
    if task.done():
        return
    began = time.monotonic()
    task.cancel()
    await asyncio.wait((task,), timeout=_SOON_S)
    assert task.done(), "a run does not end when it is cancelled"
    assert time.monotonic() - began < _AT_ONCE_S, "a run took long to end when it was cancelled"
    assert task.cancelled(), "a run that was cancelled says otherwise"


def _points(addresses: Sequence[str], interval_ms: int) -> list[Point]:
    return [Point(id=f"p{number}", address=each, interval_ms=interval_ms) for number, each in enumerate(addresses)]


def _check_sample(sample: Sample) -> None:
    assert isinstance(sample.value, float | int | bool | str | None), f"{sample.value!r} is no value"
    assert sample.quality in (0, 64, 192), f"{sample.quality} is no quality"
    if sample.time_ms is not None:
        assert isinstance(sample.time_ms, int), "a time is no whole number"
        assert abs(sample.time_ms / 1000 - time.time()) < 10 * 365 * 86_400, f"{sample.time_ms} are no milliseconds"


def _complete(error: MillwrightError) -> None:
    assert error.message.strip(), "an error has no message"
    assert "." in error.code, f"the code {error.code!r} has no dot"
    assert error.hint.strip(), f"{error.code} says not what to do"
