"""A session with an S7 controller."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from millwright.kernel import Denied, Unavailable

from ..contract import BAD, Deliver, Identity, NodePage, Point, Sample, Session, Value
from . import jobs, plan
from .address import Address, parse
from .browsing import Browser
from .jobs import Answer, Block, Malformed, Refused
from .settings import S7Settings

if TYPE_CHECKING:
    from snap7.async_client import AsyncClient

BLOCKS_ASKED = 200
"""Data blocks whose size and date go into the fingerprint."""


class S7Session(Session):
    """See :class:`millwright.devices.connectors.contract.Session`."""

    def __init__(self, client: AsyncClient, settings: S7Settings) -> None:
        self._client, self._settings = client, settings
        self._number = 0x4000
        self._exchanging = asyncio.Lock()
        self._delivering = asyncio.Lock()
        self._alone: frozenset[Address] = frozenset()
        self.jobs_sent = 0

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """Poll the points, each group at its interval; see the contract."""
        groups: dict[int, list[tuple[Point, Address]]] = {}
        for point in points:
            groups.setdefault(point.interval_ms, []).append((point, parse(point.address)))
        if not groups:
            await asyncio.Event().wait()
        tasks = [asyncio.create_task(self._poll(ms / 1000, group, deliver)) for ms, group in groups.items()]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self, every_s: float, group: list[tuple[Point, Address]], deliver: Deliver) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        last: dict[str, Sample] = {}
        while True:
            taken = await self._values([address for _, address in group])
            samples = []
            for point, address in group:
                value, note = taken[address]
                sample = Sample(point.id, value, None, BAD, note) if note else Sample(point.id, value)
                if point.deadband and _within(last.get(point.id), sample, point.deadband):
                    continue
                last[point.id] = sample
                samples.append(sample)
            if samples:
                async with self._delivering:
                    await deliver(samples)
            # Cycles that were missed are left out, not caught up.
            due = max(due + every_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """Values now; see the contract."""
        parsed = [parse(text) for text in addresses]
        taken = await self._values(parsed)
        return [
            Sample(text, taken[one][0], None, BAD, taken[one][1]) if taken[one][1] else Sample(text, taken[one][0])
            for text, one in zip(addresses, parsed, strict=True)
        ]

    async def _values(self, addresses: Sequence[Address]) -> dict[Address, tuple[Value, str]]:
        """Each address's value, or why there is none."""
        made = plan.readings(addresses, self._settings.gap_bytes, self._client.pdu_length, self._alone)
        taken: dict[Address, tuple[Value, str]] = {}
        again: list[plan.Reading] = []
        for reading, answer in await self._blocks(made):
            if answer.code != jobs.GOOD and not answer.refusal and len(reading.addresses) > 1:
                # One of them, or the gap between them, is not there: from now on each is read by itself.
                self._alone |= frozenset(reading.addresses)
                again += [
                    plan.Reading(Block(one.area, one.db, one.start, one.size), [one]) for one in reading.addresses
                ]
            else:
                taken |= self._decoded(reading, answer)
        for reading, answer in await self._blocks(again):
            taken |= self._decoded(reading, answer)
        return taken

    def _decoded(self, reading: plan.Reading, answer: Answer) -> dict[Address, tuple[Value, str]]:
        if answer.code != jobs.GOOD:
            return dict.fromkeys(reading.addresses, (None, answer.words))
        decoded: dict[Address, tuple[Value, str]] = {}
        for one in reading.addresses:
            value = one.read(reading.octets(one, answer.octets), self._settings.encoding)
            decoded[one] = (value, f"holds no {one.kind}" if value is None else "")
        return decoded

    async def _blocks(self, made: list[plan.Reading]) -> list[tuple[plan.Reading, Answer]]:
        parts = [(reading, piece) for reading in made for piece in plan.pieces(reading.block, self._client.pdu_length)]
        answers: list[Answer] = []
        for blocks in plan.jobs([piece for _, piece in parts], self._client.pdu_length):
            answers += await self._read(blocks)
        whole: dict[int, Answer] = {}
        for (reading, _), answer in zip(parts, answers, strict=True):
            before = whole.get(id(reading))
            if before is None:
                whole[id(reading)] = answer
            elif before.code == jobs.GOOD:
                octets = before.octets + answer.octets
                whole[id(reading)] = Answer(jobs.GOOD, octets) if answer.code == jobs.GOOD else answer
        return [(reading, whole[id(reading)]) for reading in made]

    async def _read_all(self, blocks: list[Block]) -> list[Answer]:
        """What became of each of ``blocks``, in as many jobs as they need."""
        return [answer for some in plan.jobs(blocks, self._client.pdu_length) for answer in await self._read([*some])]

    async def _read(self, blocks: list[Block]) -> list[Answer]:
        number = self._next()
        try:
            return jobs.read_answer(number, blocks, await self._exchange(number, jobs.read_job(number, blocks)))
        except Refused as error:
            return [Answer(0, refusal=str(error))] * len(blocks)
        except Malformed as error:
            raise self._malformed(error) from error

    async def write(self, address: str, value: Value) -> None:
        """Set a value; see the contract."""
        parsed = parse(address)
        octets = parsed.write(value, self._settings.encoding)
        number = self._next()
        block = Block(parsed.area, parsed.db, parsed.start, len(octets))
        if len(octets) > jobs.longest_write(self._client.pdu_length):
            raise Denied(
                f"{len(octets)} bytes are more than the CPU takes at once.",
                code="s7.refused",
                hint=f"Write at most {jobs.longest_write(self._client.pdu_length)} bytes.",
            )
        try:
            pdu = await self._exchange(number, jobs.write_job(number, block, octets, parsed.bit))
            words = jobs.write_answer(number, pdu).words
        except Refused as error:
            words = str(error)
        except Malformed as error:
            raise self._malformed(error) from error
        if words:
            raise Denied(
                f"The controller refused to write {address}: {words}.",
                code="s7.refused",
                hint="Permit PUT/GET communication in the CPU's protection settings, use data blocks without optimised "
                "access, and check that the address exists.",
            )

    def _next(self) -> int:
        self._number = 0x4000 + (self._number - 0x3FFF) % 0x8000
        return self._number

    async def _exchange(self, number: int, pdu: bytes) -> bytes:
        """Send a job and take its answer; answers of jobs that were given up are skipped."""
        from snap7.error import S7Error

        async with self._exchanging:
            connection = self._client.connection
            if connection is None:
                raise self._lost("it was closed")
            try:
                async with asyncio.timeout(self._settings.timeout_s):
                    await connection.send_data(pdu)
                    self.jobs_sent += 1
                    while not jobs.is_answer(number, answer := await connection.receive_data()):
                        if len(answer) < 12 or answer[0] != 0x32:
                            raise Malformed(f"an answer that begins with {answer[:12].hex(' ')}")
                    return answer
            except TimeoutError:
                raise self._lost("no answer in time") from None
            except (S7Error, OSError) as error:
                raise self._lost(str(error)) from error

    async def identify(self) -> Identity:
        """Order number, firmware, serial number and state, as far as the CPU tells them."""
        async with self._exchanging:
            order = await self._ask(self._client.get_order_code())
            cpu = await self._ask(self._client.get_cpu_info())
            state = await self._ask(self._client.get_cpu_state())
            blocks = await self._block_list()
        product = _text(order and order.OrderCode) or _text(cpu and cpu.ModuleTypeName)
        version = f"{order.V1}.{order.V2}.{order.V3}" if order else ""
        serial = _text(cpu and cpu.SerialNumber)
        notes = [_text(cpu and cpu.ModuleTypeName), _text(cpu and cpu.ASName), _STATES.get(str(state), "")]
        known = "\n".join((product, version, serial, _text(cpu and cpu.ASName), *blocks))
        return Identity(
            vendor="Siemens",
            product=product,
            version=version,
            serial=serial,
            fingerprint=hashlib.sha256(known.encode()).hexdigest()[:16] if known.strip() else "",
            note=", ".join(dict.fromkeys(note for note in notes if note)),
        )

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """Areas, data blocks with their sizes, and values by offset and type; see :mod:`.browsing`."""
        return await Browser(self._read_all, self._data_blocks, self._settings.encoding).page(parent, cursor)

    async def _data_blocks(self) -> Sequence[int]:
        """The numbers of the data blocks; none where the CPU does not tell."""
        from snap7.type import Block as BlockType

        async with self._exchanging:
            return await self._ask(self._client.list_blocks_of_type(BlockType.DB, 65535)) or ()

    async def _block_list(self) -> list[str]:
        """Numbers of the program's blocks, and size and dates of data blocks; nothing where the CPU does not tell."""
        from snap7.type import Block as BlockType

        lines = []
        for kind in (BlockType.OB, BlockType.FB, BlockType.FC, BlockType.DB):
            numbers = await self._ask(self._client.list_blocks_of_type(kind, 65535))
            lines.append(f"{kind.name}: {sorted(numbers or ())}" if numbers else "")
            if kind is not BlockType.DB:
                continue
            for number in sorted(numbers or ())[:BLOCKS_ASKED]:
                info = await self._ask(self._client.get_block_info(kind, number))
                if info is None:
                    break
                lines.append(f"{number}: {info.MC7Size} {info.CheckSum} {info.CodeDate!r} {info.IntfDate!r}")
        return lines

    async def _ask(self, question: Any) -> Any:
        """What the library answers; ``None`` where the CPU does not tell. Raises ``Unavailable`` when it is lost."""
        from snap7.error import S7ConnectionError, S7Error, S7TimeoutError

        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await question
        except (TimeoutError, S7TimeoutError, S7ConnectionError, OSError) as error:
            raise self._lost(str(error) or "no answer in time") from error
        except (S7Error, RuntimeError, ValueError, IndexError, KeyError):
            return None

    async def close(self) -> None:
        """Let go of the connection."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                await self._client.disconnect()

    def _lost(self, why: str) -> Unavailable:
        return Unavailable(
            f"The connection to {self._settings.host} is lost: {why}.",
            code="s7.connection_lost",
            hint="It is opened again by itself.",
        )

    def _malformed(self, error: Malformed) -> Unavailable:
        return Unavailable(
            f"{self._settings.host} sent {error}.",
            code="s7.answer_malformed",
            hint="Check that an S7 controller answers there.",
        )


_STATES = {"S7CpuStatusRun": "running", "S7CpuStatusStop": "stopped"}


def _within(last: Sample | None, now: Sample, deadband: float) -> bool:
    if last is None or last.quality != now.quality or isinstance(now.value, bool):
        return False
    if not isinstance(last.value, int | float) or not isinstance(now.value, int | float):
        return False
    return abs(now.value - last.value) < deadband


def _text(octets: object) -> str:
    return octets.decode("latin-1").strip("\0 ") if isinstance(octets, bytes) else ""
