"""Sending a log's tree heads to its witnesses, and keeping what they sign."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from millwright.kernel import Clock, Invalid, MillwrightError, end
from millwright.ledger.log import LogReader
from millwright.ledger.notes import COSIGNATURE, Checkpoint, Note, Verifier, find_cosigned_s

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

_TIMEOUT_S = 10.0
_ATTEMPTS = 3


@dataclass(slots=True)
class WitnessLink:
    """A witness: the address that ``add-checkpoint`` is below, its key, and the size it co-signed last."""

    url: str
    key: Verifier
    size: int = 0
    seen_root: bytes = b""
    lost_ms: int = 0
    problem: str = field(default="")

    @classmethod
    def parse(cls, text: str) -> WitnessLink:
        """``ADDRESS KEY``, as in the settings. Raises ``Invalid`` (``ledger.witness_invalid``)."""
        url, _, key = text.strip().partition(" ")
        try:
            verifier = Verifier.parse(key)
        except Invalid as error:
            raise _invalid(text) from error
        if verifier.kind != COSIGNATURE or not url.startswith(("http://", "https://")):
            raise _invalid(text)
        return cls(url.rstrip("/"), verifier)


class WitnessFeed:
    """Sends the newest tree head whenever it changed. A :class:`millwright.kernel.Part` beside the writer.

    ``read`` gives the log's reader (it is made when the writer starts); ``attach`` keeps signature lines with a size.
    """

    def __init__(
        self,
        links: Sequence[WitnessLink],
        read: Callable[[], LogReader],
        attach: Callable[[str, int], Awaitable[None]],
        clock: Clock,
        *,
        every_s: float = 10.0,
    ) -> None:
        self.links = list(links)
        self._read, self._attach, self._clock, self._every_s = read, attach, clock, every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to send; without witnesses there is nothing to do."""
        if self.links:
            self._task = asyncio.create_task(self._run(), name="ledger-witnesses")

    async def stop(self) -> None:
        """Send no more."""
        task, self._task = self._task, None
        await end(task)

    def problems(self) -> list[dict[str, Any]]:
        """Witnesses that do not co-sign now."""
        return [
            {
                "code": "ledger.witness_lost",
                "message": f"The witness {link.key.name} does not co-sign: {link.problem}",
                "hint": "Entries are kept meanwhile. If it refuses the proof, compare what it saw last with this log.",
                "since_ms": link.lost_ms,
            }
            for link in self.links
            if link.problem
        ]

    async def _run(self) -> None:
        import httpx  # nodes without witnesses save its memory

        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as http:
            while True:
                for link in self.links:
                    await self._tell(http, link)
                await asyncio.sleep(self._every_s)

    async def _tell(self, http: httpx.AsyncClient, link: WitnessLink) -> None:
        from httpx import HTTPError

        try:
            reader = self._read()
            if not await asyncio.to_thread(_exists, reader):
                return
            await self.submit(http, link, reader)
        except (MillwrightError, HTTPError, OSError) as error:
            self._lost(link, str(error) or type(error).__name__)
        except Exception as error:
            logger.exception("a tree head could not be sent to %s", link.key.name)
            self._lost(link, repr(error))

    async def submit(self, http: httpx.AsyncClient, link: WitnessLink, reader: LogReader) -> None:
        """Send the newest tree head to one witness; learns from a 409 where the witness stands."""
        for _ in range(_ATTEMPTS):
            note = await asyncio.to_thread(reader.note)
            head = Checkpoint.parse(note.text)
            if head.root == link.seen_root:
                return
            known = link.size if link.size <= head.size else 0
            proof = await asyncio.to_thread(reader.consistency, known, head.size)
            reply = await http.post(f"{link.url}/add-checkpoint", content=_request(known, proof, note))
            if reply.status_code == 200:
                await self._accept(link, note, head, reply.text)
                return
            said = reply.text.strip()
            if reply.status_code == 409 and said.isdigit() and int(said) not in (known, head.size + 1):
                if int(said) > head.size:
                    self._lost(link, f"it has co-signed {said} entries, and this log has {head.size}")
                    return
                link.size = int(said)
                continue
            self._lost(link, f"it answered {reply.status_code} {said[:200]}")
            return

    async def _accept(self, link: WitnessLink, note: Note, head: Checkpoint, lines: str) -> None:
        signed = Note(note.text).with_signatures(lines)
        ours = Note(note.text, tuple(each for each in signed.signatures if each[0] == link.key.name))
        if find_cosigned_s(ours, link.key) is None:
            self._lost(link, "its signature does not fit its key")
            return
        await self._attach(ours.signature_lines(), head.size)
        if link.problem:
            logger.info("the witness %s co-signs again", link.key.name)
        link.size, link.seen_root, link.problem = head.size, head.root, ""

    def _lost(self, link: WitnessLink, why: str) -> None:
        if not link.problem:
            logger.warning("the witness %s does not co-sign: %s", link.key.name, why)
            link.lost_ms = self._clock.now_ms()
        link.problem = why


def _exists(reader: LogReader) -> bool:
    try:
        return reader.checkpoint().size > 0
    except MillwrightError:
        return False


def _request(old: int, proof: Sequence[bytes], note: Note) -> bytes:
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof)]
    return ("\n".join(lines) + f"\n\n{note}").encode()


def _invalid(text: str) -> Invalid:
    return Invalid(
        f"{text!r} names no witness.",
        code="ledger.witness_invalid",
        hint="Write `https://witness.example name+hash+key`; `millwright ledger witness` prints its key.",
    )
