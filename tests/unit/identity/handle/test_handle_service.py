"""What a Handle service answers, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from millwright.identity.handle import HandleService, HandleSettings, LmdbRecords
from millwright.identity.handle.dialogue import Peer
from millwright.identity.handle.resolution import refer
from millwright.identity.handle.wire.codes import Flag, Op, Rc
from millwright.identity.handle.wire.message import (
    ENVELOPE_BYTES,
    Message,
    decode_envelope,
    decode_message,
    encode_message,
    frame,
)
from millwright.identity.handle.wire.requests import Resolve, encode_request
from millwright.kernel import ManualClock
from support.handle import fill, site_for


@pytest.fixture
def records(tmp_path: Path) -> Iterator[LmdbRecords]:
    made = LmdbRecords(tmp_path, durable=False)
    fill(made)
    yield made
    made.close()


def service_over(records: LmdbRecords, *, primary: bool = True) -> HandleService:
    return HandleService(records, replace(site_for(1), primary=primary), HandleSettings(), ManualClock())


@pytest.mark.parametrize("primary", [True, False])
@pytest.mark.parametrize("version", [(2, 0), (2, 1), (2, 3), (2, 7), (2, 11)])
@pytest.mark.parametrize("flags", [Flag.PUBLIC_ONLY, Flag.PUBLIC_ONLY | Flag.REQUEST_DIGEST, Flag.DO_NOT_REFER, 0])
async def test_the_quick_answer_is_that_of_the_service(
    records: LmdbRecords, primary: bool, version: tuple[int, int], flags: int
) -> None:
    service = service_over(records, primary=primary)
    message = Message(op=Op.RESOLUTION, flags=flags, body=encode_request(Resolve(b"86.1000.1/product-1")))
    asked = frame(version, 0, 7, encode_message(message, version))
    with records.view() as view:
        quick = service.answer_quickly(view, asked)
    if quick is None:
        assert version < (2, 1)
        assert flags & Flag.REQUEST_DIGEST
        return
    assert service.responses[Rc.SUCCESS] == 1
    ((head, data),) = await service.process(
        Peer("192.0.2.1", "tcp"), decode_envelope(asked[:20]), asked[ENVELOPE_BYTES:]
    )
    assert (head.version, head.request_id, data) == quick
    assert bool(decode_message(data).flags & Flag.AUTHORITATIVE) == primary
    assert service.responses[Rc.SUCCESS] == 2


def test_a_derived_prefix_is_not_followed_without_end() -> None:
    class Counting:
        searched = 0

        def find(self, handle: bytes) -> None:
            self.searched += 1

        def responsible(self, prefix: bytes) -> bool:
            return False

    view = Counting()
    code, _ = refer(view, b"1" + b".1" * 1000 + b"/x", 0) or (0, b"")  # type: ignore[arg-type] # what it uses of one
    assert code == Rc.SERVER_NOT_RESPONSIBLE
    assert view.searched <= 20
