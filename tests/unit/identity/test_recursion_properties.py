"""Whatever servers answer: a walk ends, says one thing about the one name, and remembers only what lies above it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.identity.handle.model import HandleValue, encode_value
from millwright.identity.handle.naming import fold, prefix_of
from millwright.identity.handle.site import encode_site
from millwright.identity.handle.transport import Address, Exchange
from millwright.identity.handle.wire.codes import LATEST, Op, Rc
from millwright.identity.handle.wire.message import Envelope, Message
from millwright.identity.handle.wire.responses import encode_resolved
from millwright.identity.records.authority import candidates
from millwright.identity.recursion.authorities import Asked, Authorities, Budget, Target
from millwright.identity.recursion.errors import NotResolved
from millwright.identity.recursion.walk import MAX_QUESTIONS, Delegations, Walker
from support.handle import site_for

NAMES = [b"88.118.8/x", b"0.NA/88.118.8", b"GS1/01/09506000134352/21/7", b"OID/1.2.156.3"]
handles = st.sampled_from(
    [*NAMES, b"0.NA/88", b"0.NA/88.118", b"0.NA/88.118.8", b"0.na/99", b"0.NA/0.NA", b"0.NA/", b"0.NA/GS1:9506000",
     b"0.NA/OID:1.2", b"88.1/service", b"", b"/"]
)  # fmt: skip
kinds = st.sampled_from([b"HS_SITE", b"HS_SITE.PREFIX", b"HS_SERV", b"HS_SERV.PREFIX", b"URL"])
data = st.one_of(st.integers(1, 65_535).map(lambda port: encode_site(site_for(port))), handles, st.binary(max_size=40))
values = st.builds(
    HandleValue,
    index=st.integers(1, 5),
    type=kinds,
    data=data,
    permissions=st.integers(0, 15),
    ttl=st.integers(0, 2**32 - 1),
    ttl_type=st.integers(0, 1),
)
bodies = st.one_of(
    st.tuples(handles, st.lists(values, max_size=3)).map(
        lambda pair: encode_resolved(pair[0], b"".join(map(encode_value, pair[1])), len(pair[1]))
    ),
    st.binary(max_size=60),
    handles.map(lambda handle: len(handle).to_bytes(4, "big") + handle),
)
codes = st.sampled_from(
    [Rc.SUCCESS, Rc.HANDLE_NOT_FOUND, Rc.VALUE_NOT_FOUND, Rc.SERVER_NOT_RESPONSIBLE, Rc.SERVICE_REFERRAL,
     Rc.SERVICE_REFERRAL, Rc.PREFIX_REFERRAL]
)  # fmt: skip


class Liars(Authorities):
    """Servers that answer as a test wants, the last answer again and again."""

    def __init__(self, answers: list[tuple[int, bytes]]) -> None:
        super().__init__((), lambda _host, _port: False, 1.0)
        self._answers: Iterator[tuple[int, bytes]] = iter([*answers, *answers[-1:] * 100])
        self.asked = 0

    async def ask(self, targets: Any, name: bytes, types: tuple[bytes, ...], budget: Budget) -> Asked:
        if not targets:
            raise NotResolved("no_server", "nobody")
        budget.take()
        self.asked += 1
        code, body = next(self._answers)
        message = Message(op=Op.RESOLUTION, response_code=code, body=body)
        return Asked(Exchange(Envelope(LATEST, 0, LATEST, 0, 1, 0, 0), message, body, 0), targets[0])


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(NAMES), st.lists(st.tuples(codes, bodies), min_size=1, max_size=12))
def test_a_walk_ends_and_believes_only_what_leads_down(name: bytes, answers: list[tuple[int, bytes]]) -> None:
    liars = Liars(answers)
    delegations = Delegations(3600, lambda: 1_800_000_000.0)
    walker = Walker([Target(Address("192.0.2.1", 2641, 2641))], liars, delegations, 5.0)
    try:
        said = asyncio.run(walker.resolve(name))
    except NotResolved:
        pass
    else:
        assert all(each.public for each in said.values)
        if said.code == Rc.SUCCESS:
            assert fold(said.handle) == fold(name)
        else:
            assert not said.values
    assert liars.asked <= MAX_QUESTIONS
    # A service handle may have been resolved on the way; its own prefixes are all else that can be remembered.
    above = {*candidates(fold(name))}.union(*(candidates(fold(each)) for each in SERVICES))
    for zone in delegations._zones.values():
        assert zone.prefix in above
        assert zone.targets
        assert zone.expires_s <= 1_800_000_000 + 3600
        assert zone.below or zone.prefix in {fold(prefix_of(each)) for each in (*NAMES, *SERVICES)}


SERVICES = [*NAMES, b"88.1/service", b"0.NA/88", b"0.NA/88.118", b"0.NA/99", b"0.NA/0.NA", b"0.NA/GS1:9506000",
            b"0.NA/OID:1.2"]  # fmt: skip
