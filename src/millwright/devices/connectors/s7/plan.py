"""Which blocks a set of addresses is read by, and in which jobs. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from .address import Address
from .jobs import Block, fits, longest


@dataclass(slots=True)
class Reading:
    """A block and the addresses that it serves."""

    block: Block
    addresses: list[Address] = field(default_factory=list)

    def octets(self, address: Address, octets: bytes) -> bytes:
        """The bytes of one address within those of the block."""
        begin = address.start - self.block.start
        return octets[begin : begin + address.size]


def readings(addresses: Iterable[Address], gap: int, pdu_length: int, alone: frozenset[Address]) -> list[Reading]:
    """Blocks of addresses at most ``gap`` bytes apart; those in ``alone`` are not joined to others."""
    limit = longest(pdu_length)
    made: list[Reading] = []
    single = []
    wanted = sorted(set(addresses), key=_place)
    for _, group in groupby(wanted, key=lambda one: (one.area, one.db)):
        joined: Reading | None = None
        for one in group:
            if one in alone:
                single.append(Reading(_block(one), [one]))
                continue
            if joined is not None:
                end = max(joined.block.start + joined.block.size, one.start + one.size)
                near = one.start <= joined.block.start + joined.block.size + gap
                if near and end - joined.block.start <= limit:
                    joined.block = Block(one.area, one.db, joined.block.start, end - joined.block.start)
                    joined.addresses.append(one)
                    continue
            joined = Reading(_block(one), [one])
            made.append(joined)
    return made + single


def jobs(blocks: Sequence[Block], pdu_length: int) -> list[list[Block]]:
    """Blocks spread over as few jobs as a greedy choice finds; each fits the negotiated length."""
    made: list[list[Block]] = []
    for block in blocks:
        if made and fits([*made[-1], block], pdu_length):
            made[-1].append(block)
        else:
            made.append([block])
    return made


def pieces(block: Block, pdu_length: int) -> list[Block]:
    """A block as parts that a job can read; the block itself if it can."""
    limit = longest(pdu_length)
    return [
        Block(block.area, block.db, block.start + at, min(limit, block.size - at)) for at in range(0, block.size, limit)
    ]


def _block(one: Address) -> Block:
    return Block(one.area, one.db, one.start, one.size)


def _place(one: Address) -> tuple[int, int, int, int]:
    return one.area, one.db, one.start, one.size
