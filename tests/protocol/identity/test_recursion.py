"""Recursion over real sockets: down the tree, from the cache, without the authorities, and against those who lie."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from millwright.identity.handle import HandleClient
from millwright.identity.handle.naming import fold
from millwright.identity.handle.site import encode_site
from millwright.identity.handle.wire.codes import Flag, Rc
from millwright.identity.handle.wire.message import Message
from millwright.identity.records import Prefix
from millwright.identity.recursion import RecursionSettings, Recursor
from millwright.kernel import Invalid, ManualClock, NotFound, Unavailable
from support.handle import site_for, value
from support.identifiers import home, open_records, put
from support.recursion import (
    ENTERPRISE,
    SECONDARY,
    delegate,
    delegate_entry,
    record,
    referral,
    running_recursive,
    running_tree,
    scripted,
)

NAME = ENTERPRISE + b"/Pump-1"


async def test_a_name_is_found_down_the_tree_and_kept(tmp_path: Path) -> None:
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots) as (node, recursor):
        client = node.client()
        found = await client.resolve(NAME)
        assert [each.data for each in found] == [b"https://example.com/", b"a@example.com"]
        asked = recursor.counters()["recursion_questions"]
        assert asked == 3  # root, secondary, enterprise
        for spelling in (NAME, NAME.lower(), fold(NAME)):
            assert await client.resolve(spelling) == found
        assert recursor.counters()["recursion_questions"] == asked
        assert (recursor.hits, recursor.misses) == (3, 1)
        # By type and index out of the same record.
        assert [each.index for each in await client.resolve(NAME, types=[b"EMAIL"])] == [2]
        # The next name goes straight to its server.
        put(tree.enterprise.records, (ENTERPRISE + b"/Pump-2", (value(1),)))
        await client.resolve(ENTERPRISE + b"/Pump-2")
        assert recursor.counters()["recursion_questions"] == asked + 1
        assert recursor.gauges()["recursion_delegations"] == 2
        # And what is kept here is not asked for elsewhere.
        assert await client.resolve(b"77.1/own") == (value(1),)
        with pytest.raises(NotFound):
            await client.resolve(b"77.1/none")
        assert recursor.counters()["recursion_questions"] == asked + 1


async def test_both_ways_say_the_same_and_neither_is_authoritative(tmp_path: Path) -> None:
    from millwright.identity.handle.transport import Address, ask
    from millwright.identity.handle.wire.codes import Op
    from millwright.identity.handle.wire.requests import Resolve, encode_request

    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots) as (node, recursor):
        address = Address("127.0.0.1", node.port, node.port)
        wanted = Flag.RECURSIVE | Flag.PUBLIC_ONLY | Flag.REQUEST_DIGEST

        async def asked(flags: int, *, tcp: bool) -> Message:
            message = Message(op=Op.RESOLUTION, flags=flags, body=encode_request(Resolve(NAME)))
            return (await ask(address, message, tcp_only=tcp))[0].message

        slow, quick, tcp = await asked(wanted, tcp=False), await asked(wanted, tcp=False), await asked(wanted, tcp=True)
        assert slow.body == quick.body == tcp.body
        assert recursor.hits == 2
        for each in (slow, quick, tcp):
            assert each.response_code == Rc.SUCCESS
            assert not each.flags & Flag.AUTHORITATIVE
            # It holds no longer than the shortest of its values.
            assert each.expires_s <= int(recursor._now_s()) + 60
        # Who does not ask for recursion, or wants the authority itself, is told where that is.
        for flags in (wanted & ~Flag.RECURSIVE, wanted | Flag.AUTHORITATIVE, wanted & ~Flag.PUBLIC_ONLY):
            assert (await asked(flags, tcp=False)).response_code == Rc.SERVER_NOT_RESPONSIBLE


async def test_what_is_not_there_is_remembered(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots, clock) as (node, recursor):
        name = ENTERPRISE + b"/none"
        for _ in range(3):
            with pytest.raises(NotFound) as error:
                await node.client().resolve(name)
            assert error.value.code == "handle.unknown"
        assert (recursor.misses, recursor.negative_hits) == (1, 2)
        put(tree.enterprise.records, (name, (value(1),)))
        with pytest.raises(NotFound):
            await node.client().resolve(name)
        clock.advance(61)
        assert await node.client().resolve(name) == (value(1),)
        # Nobody has the prefix: no service answers for it.
        with pytest.raises(NotFound) as error:
            await node.client().resolve(b"99.9/x")
        assert error.value.code == "handle.not_responsible"


async def test_the_shortest_time_counts_and_is_bounded(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    async with (
        running_tree(tmp_path) as tree,
        running_recursive(tmp_path, tree.roots, clock, max_ttl_s=30, prefetch_hits=0) as (node, recursor),
    ):
        enterprise = tree.enterprise.records
        put(enterprise, (ENTERPRISE + b"/now", (value(1, ttl=0),)))
        await node.client().resolve(NAME)
        await node.client().resolve(ENTERPRISE + b"/now")
        assert recursor.misses == 2
        put(enterprise, (NAME, (value(1, data=b"new", ttl=300),)), (ENTERPRISE + b"/now", (value(1, data=b"new"),)))
        assert (await node.client().resolve(ENTERPRISE + b"/now"))[0].data == b"new"
        assert (await node.client().resolve(NAME))[0].data != b"new"
        clock.advance(31)
        assert (await node.client().resolve(NAME))[0].data == b"new"


async def test_an_old_answer_is_given_while_nobody_answers(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    async with (
        running_tree(tmp_path) as tree,
        running_recursive(tmp_path, tree.roots, clock, stale_after_s=0.1) as (node, recursor),
    ):
        client = node.client()
        found = await client.resolve(NAME)
        await tree.enterprise.server.stop()
        clock.advance(61)
        assert await client.resolve(NAME) == found
        assert recursor.stale == 1
        with pytest.raises(Unavailable):
            await client.resolve(ENTERPRISE + b"/never-seen")
        assert recursor.counters()["recursion_failures.unreachable"] >= 1
        # After its grace an old answer is none.
        clock.advance(86_400 + 61)
        with pytest.raises(Unavailable):
            await client.resolve(NAME)


async def test_a_second_site_takes_over(tmp_path: Path) -> None:
    async with running_tree(tmp_path) as tree:
        mirror = open_records(tmp_path / "mirror")
        home(mirror, ENTERPRISE)
        put(mirror, (NAME, (value(1, data=b"from the mirror"),)))
        from support.handle import running_handle

        async with (
            running_handle(tmp_path, records=mirror) as second,
            running_recursive(tmp_path, tree.roots) as (node, recursor),
        ):
            records = tree.secondary.records
            # By its prefix handle it has two sites.
            delegate(records, ENTERPRISE, tree.enterprise.site, replace(second.site, primary=False))
            await tree.enterprise.server.stop()
            assert (await node.client().resolve(NAME))[0].data == b"from the mirror"
            assert recursor.gauges()["recursion_servers_down"] == 1
            # From now on the one that is down is asked last.
            began = asyncio.get_running_loop().time()
            put(mirror, (ENTERPRISE + b"/other", (value(1),)))
            await node.client().resolve(ENTERPRISE + b"/other")
            assert asyncio.get_running_loop().time() - began < 0.5


async def test_many_who_ask_at_once_ask_once(tmp_path: Path) -> None:
    async with (
        scripted(lambda handle: record(handle, value(1))) as root,
        running_recursive(tmp_path, [f"127.0.0.1:{root.port}"]) as (node, recursor),
    ):
        await asyncio.gather(*(node.client().resolve(b"88.1/x") for _ in range(50)))
        # Who waits for long sends its packet again: that is one more who shares, and never one more who asks.
        assert set(root.asked) == {b"88.1/x"}
        assert recursor.misses - recursor.shared == 1
        assert recursor.shared + recursor.hits >= 49


async def test_a_name_that_is_asked_for_often_is_fetched_before_its_end(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    async with (
        scripted(lambda handle: record(handle, value(1, ttl=100))) as root,
        running_recursive(tmp_path, [f"127.0.0.1:{root.port}"], clock) as (node, recursor),
    ):
        for name in (b"88.1/hot", b"88.1/cold"):
            await node.client().resolve(name)
        for _ in range(5):
            await node.client().resolve(b"88.1/hot")
        clock.advance(95)
        for name in (b"88.1/hot", b"88.1/cold"):
            await node.client().resolve(name)
        await asyncio.sleep(0.1)
        assert root.asked == [b"88.1/hot", b"88.1/cold", b"88.1/hot"]
        assert (recursor.prefetched, len(root.asked)) == (1, 3)
        clock.advance(10)
        await node.client().resolve(b"88.1/hot")
        assert len(root.asked) == 3


async def test_memory_is_bounded(tmp_path: Path) -> None:
    async with scripted(lambda handle: record(handle, value(1, data=bytes(300)))) as root:
        roots = [f"127.0.0.1:{root.port}"]
        async with running_recursive(tmp_path, roots, max_entries=20, max_mb=0.05) as (node, recursor):
            for number in range(60):
                await node.client().resolve(b"88.1/%d" % number)
            gauges = recursor.gauges()
            assert gauges["recursion_entries"] <= 20
            assert gauges["recursion_bytes"] <= 50_000
            assert recursor.counters()["recursion_evicted"] >= 40


async def test_only_some_may_ask(tmp_path: Path) -> None:
    async with (
        running_tree(tmp_path) as tree,
        running_recursive(tmp_path, tree.roots, networks=["10.0.0.0/8"]) as (node, recursor),
    ):
        with pytest.raises(NotFound) as error:
            await node.client().resolve(NAME)
        assert error.value.code == "handle.not_responsible"
        assert recursor.counters()["recursion_questions"] == 0
        assert recursor.admits("10.1.2.3")
        assert recursor.admits("::ffff:10.1.2.3")
        assert not recursor.admits("11.1.2.3")
        assert not recursor.admits("no address")


async def test_a_name_that_is_kept_here_now_is_not_taken_from_the_cache(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots, clock) as (node, _):
        await node.client().resolve(NAME)
        await node.client().resolve(NAME)
        home(node.records, ENTERPRISE)
        clock.advance(1)
        with pytest.raises(NotFound) as error:
            await node.client().resolve(NAME)
        assert error.value.code == "handle.unknown"
        entry = Prefix(prefix="88.118", organisation_id="x", state="suspended")
        node.records.change_many((), who="test", prefixes=[entry])
        with pytest.raises(NotFound) as error:
            await node.client().resolve(SECONDARY + b"/s-1")
        assert "suspended" in error.value.message


async def test_a_suspended_prefix_ends_to_resolve(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots, clock) as (node, _):
        await node.client().resolve(NAME)
        entry = Prefix(prefix=ENTERPRISE.decode(), organisation_id="x", state="suspended")
        tree.enterprise.records.change_many((), who="test", prefixes=[entry])
        clock.advance(61)
        with pytest.raises(NotFound) as error:
            await node.client().resolve(NAME)
        assert error.value.code == "handle.not_responsible"
        assert "suspended" in error.value.message


async def test_names_of_other_systems_are_found_too(tmp_path: Path) -> None:
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots) as (node, _):
        name = b"GS1/01/09506000134352/21/7"
        delegate_entry(tree.root.records, "GS1:9506000", tree.enterprise.site)
        home(tree.enterprise.records, b"GS1:9506000")
        put(tree.enterprise.records, (name, (value(1),)))
        assert await node.client().resolve(name) == (value(1),)
        assert await node.client().resolve(name) == (value(1),)
        with pytest.raises(NotFound):
            await node.client().resolve(b"GS1/01/04012345123456")


async def test_a_service_handle_is_followed(tmp_path: Path) -> None:
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots) as (node, _):
        records = tree.root.records
        delegate_entry(records, "88.118", tree.secondary.site)
        put(records, (b"0.NA/77.7", (value(1, b"HS_SERV", b"88.118/service"),)))
        put(
            tree.secondary.records,
            (b"88.118/service", (value(1, b"HS_SITE", encode_site(tree.enterprise.site)),)),
        )
        home(tree.enterprise.records, b"77.7")
        put(tree.enterprise.records, (b"77.7/x", (value(1),)))
        assert await node.client().resolve(b"77.7/x") == (value(1),)
        # A service that is to be found through itself.
        put(records, (b"0.NA/77.8", (value(1, b"HS_SERV", b"77.8/service"),)))
        with pytest.raises(Unavailable):
            await node.client().resolve(b"77.8/x")


# --- those who lie ---------------------------------------------------------------------------------------------------


async def fails(node: Any, name: bytes) -> str:
    """The cause for which a name does not resolve."""
    with pytest.raises(Unavailable):
        await node.client().resolve(name)
    recursor = node.server.service.recursion
    causes = [key for key in recursor.counters() if key.startswith("recursion_failures.")]
    assert len(causes) == 1
    return str(causes[0].partition(".")[2])


@pytest.mark.parametrize(
    "prefix",
    [b"0.NA/88.118", b"0.NA/88", b"0.NA/99.1", b"0.NA/88.118.9", b"88.118.8/x", b"0.NA/0.NA", b"0.NA/"],
    ids=lambda each: each.decode(),
)
async def test_a_referral_that_does_not_lead_down_ends_it(tmp_path: Path, prefix: bytes) -> None:
    victim = record(NAME, value(1, data=b"poison"))
    async with (
        scripted(lambda _: victim) as liar,
        scripted(lambda _: referral(prefix, liar.site)) as second,
        scripted(lambda _: referral(b"0.NA/88.118", second.site)) as root,
        running_recursive(tmp_path, [f"127.0.0.1:{root.port}"]) as (node, _),
    ):
        assert await fails(node, NAME) == "upward"
        assert not liar.asked


async def test_an_answer_about_another_name_is_not_taken(tmp_path: Path) -> None:
    async with (
        scripted(lambda _: record(b"88.118.8/other", value(1))) as root,
        running_recursive(tmp_path, [f"127.0.0.1:{root.port}"]) as (node, recursor),
    ):
        assert await fails(node, NAME) == "mismatch"
        assert recursor.gauges()["recursion_entries"] == 1  # that it failed


async def test_values_that_are_not_public_are_left_out(tmp_path: Path) -> None:
    shown, hidden = value(1), value(2, data=b"secret", permissions=0x0C)
    async with (
        scripted(lambda handle: record(handle, shown, hidden)) as root,
        running_recursive(tmp_path, [f"127.0.0.1:{root.port}"]) as (node, _),
    ):
        for _ in range(2):
            assert await node.client().resolve(b"88.1/x") == (shown,)


async def test_a_wrong_digest_or_request_is_not_believed(tmp_path: Path) -> None:
    def flipped(message: Message) -> Message:
        return replace(message, body=message.body[:5] + bytes((message.body[5] ^ 1,)) + message.body[6:])

    async with (
        scripted(lambda handle: record(handle, value(1)), flipped) as root,
        running_recursive(tmp_path, [f"127.0.0.1:{root.port}"]) as (node, _),
    ):
        assert await fails(node, NAME) == "unreachable"


async def test_a_tree_without_an_end_is_left(tmp_path: Path) -> None:
    name = b".".join([b"88", *[b"1"] * 30]) + b"/x"
    depth = 0

    async with running_recursive(tmp_path, []) as (node, _recursor):

        def deeper(_: bytes) -> tuple[int, bytes]:
            nonlocal depth
            depth += 1
            return referral(b"0.NA/" + b".".join([b"88", *[b"1"] * depth]), endless.site)

        async with scripted(deeper) as endless:
            delegate_entry(node.records, "88", endless.site)
            assert await fails(node, name) == "hops"
            assert len(endless.asked) == 10


async def test_this_node_and_forbidden_networks_are_not_asked(tmp_path: Path) -> None:
    async with running_recursive(tmp_path, []) as (node, recursor):
        delegate_entry(node.records, "88.1", node.site)
        assert await fails(node, b"88.1/x") == "own_address"
        delegate_entry(node.records, "88.2", site_for(2641, host="239.1.2.3"))
        with pytest.raises(Unavailable):
            await node.client().resolve(b"88.2/x")
        assert recursor.counters()["recursion_failures.address_refused"] == 1
        assert recursor.counters()["recursion_questions"] == 0


async def test_two_recursive_nodes_do_not_send_each_other_round(tmp_path: Path) -> None:
    async with running_recursive(tmp_path / "a", []) as (a, at_a), running_recursive(tmp_path / "b", []) as (b, at_b):
        delegate_entry(a.records, "88.1", b.site)
        delegate_entry(b.records, "88.1", a.site)
        with pytest.raises((NotFound, Unavailable)):
            await a.client().resolve(b"88.1/x")
        assert at_a.counters()["recursion_questions"] + at_b.counters()["recursion_questions"] <= 2


async def test_asking_is_limited(tmp_path: Path) -> None:
    async with scripted(lambda _: None) as silent:
        roots = [f"127.0.0.1:{silent.port}"]
        async with running_recursive(tmp_path, roots, max_running=3) as (_, recursor):
            waiting = [asyncio.create_task(recursor.look_up(b"88.1/%d" % each, "127.0.0.1")) for each in range(3)]
            await asyncio.sleep(0.1)
            with pytest.raises(Unavailable) as error:
                await recursor.look_up(b"88.1/more", "127.0.0.1")
            assert error.value.code == "recursion.busy"
            for task in waiting:
                task.cancel()


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    records = open_records(tmp_path)
    for text in ("host", "host:0", "host:70000", "::1:2641", "[::1]", "", "a b:1"):
        with pytest.raises(Invalid) as error:
            Recursor(records, RecursionSettings(roots=[text]), ManualClock(0))
        assert error.value.code == "recursion.root_invalid"
    with pytest.raises(Invalid) as error:
        Recursor(records, RecursionSettings(networks=["here"]), ManualClock(0))
    assert error.value.code == "recursion.network_invalid"
    assert Recursor(records, RecursionSettings(roots=["[::1]:2641", "a.example:1"]), ManualClock(0)).roots
    records.close()


async def test_a_client_that_follows_by_itself_still_can(tmp_path: Path) -> None:
    async with running_tree(tmp_path) as tree:
        assert (await HandleClient([tree.root.site]).resolve(NAME))[0].index == 1
