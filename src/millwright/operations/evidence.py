"""The readings kept with an alarm: what led up to it, frozen soon after it was raised, and what followed."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Any, Protocol

import pyarrow as pa

from millwright.cases import Cases
from millwright.historian import TEXT, Range, RawQuery, series_id
from millwright.kernel import Clock, MillwrightError, Unavailable
from millwright.operations.settings import OperationsSettings

logger = logging.getLogger(__name__)

_STORED_MS = 3000
"""By then a reading is in the historian's tables and not only in its buffer."""

_BEFORE_LIMIT, _AFTER_LIMIT = 4000, 1000
_PAUSE_S = 0.02
_AT_ONCE = 500


class ReadingSource(Protocol):
    """Where history is read: the historian's client."""

    async def raw(self, query: RawQuery) -> tuple[pa.Table, int | None]:
        """Readings in order (``time_ms, number, received_ms, kind, quality, text``) and where the next page begins."""
        ...


class EvidenceCollector:
    """Completes evidence that waits, also what a former run left; at most some fifty queries a second."""

    def __init__(self, cases: Cases, source: ReadingSource, clock: Clock, settings: OperationsSettings) -> None:
        self._cases = cases
        self._source = source
        self._clock = clock
        self._before_ms = round(settings.evidence_before_s * 1000)
        self._after_ms = round(settings.evidence_after_s * 1000)

    async def run(self) -> None:
        """Collect until cancelled."""
        while True:
            try:
                await self.collect()
            except Unavailable as error:
                logger.debug("evidence waits: %s", error.message)
            except Exception:
                logger.exception("collecting evidence failed")
            await asyncio.sleep(1.0)

    async def collect(self) -> int:
        """Collect what is due now; returns how many alarms it touched. Raises ``Unavailable``."""
        touched = 0
        for case_id, document in await asyncio.to_thread(self._cases.incomplete_evidence, _AT_ONCE):
            age_ms = self._clock.now_ms() - document["recorded_ms"]
            final = age_ms >= self._after_ms + _STORED_MS
            if not final and ("time_ms" in document or age_ms < _STORED_MS):
                continue
            try:
                found = await self._extend(document, final)
            except Unavailable:
                raise
            except MillwrightError as error:
                found, final = document | {"problem": error.message}, True
            await asyncio.to_thread(self._keep, case_id, found, final)
            touched += 1
            await asyncio.sleep(_PAUSE_S)
        return touched

    def _keep(self, case_id: str, document: dict[str, Any], complete: bool) -> None:
        with self._cases.begin() as session:
            session.keep_evidence(case_id, document, complete=complete)

    async def _extend(self, document: dict[str, Any], final: bool) -> dict[str, Any]:
        series = series_id(document["device_id"], document["property"])
        raised_ms = document["raised_ms"]
        from_ms, to_ms = min(raised_ms, document["trigger_ms"]) - self._before_ms, raised_ms + self._after_ms
        found = dict(document)
        if "time_ms" not in found:
            before = RawQuery(series, Range(from_ms, raised_ms + 1), _BEFORE_LIMIT, descending=True)
            table, _ = await self._source.raw(before)
            found |= _columns(table, reverse=True) | {"from_ms": from_ms, "to_ms": raised_ms}
        if final and self._after_ms:
            table, _ = await self._source.raw(RawQuery(series, Range(raised_ms + 1, to_ms + 1), _AFTER_LIMIT))
            after = _columns(table)
            found |= {name: found[name] + after[name] for name in after} | {"to_ms": to_ms}
        return found


def _columns(table: pa.Table, *, reverse: bool = False) -> dict[str, list[Any]]:
    texts = table.column("text").to_pylist()
    kinds = table.column("kind").to_pylist()
    value = [
        text if kind == TEXT else number if number is not None and math.isfinite(number) else None
        for number, kind, text in zip(table.column("number").to_pylist(), kinds, texts, strict=True)
    ]
    columns = {
        "time_ms": table.column("time_ms").to_pylist(),
        "value": value,
        "quality": table.column("quality").to_pylist(),
    }
    return {name: column[::-1] for name, column in columns.items()} if reverse else columns
