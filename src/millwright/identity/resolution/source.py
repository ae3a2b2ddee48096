"""Where answers over HTTP come from: the register, and for who may ask so what is kept elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from millwright.identity.handle.elsewhere import Fetched
from millwright.identity.handle.records import HandleRecords, RecordsView


class ManyFetched(Protocol):
    """Who asks on behalf of others (:class:`millwright.identity.recursion.Recursor`)."""

    def admits(self, address: str) -> bool:
        """Whether this address may have its questions answered from elsewhere. Cheap."""

    def find_quickly(self, view: RecordsView, name: bytes, now_s: int) -> Fetched | None:
        """A record that is at hand and fresh, of a name that is not kept here."""

    async def view(self, address: str, *names: bytes) -> AbstractContextManager[RecordsView]:
        """A view in which these names are found, wherever they are kept. Raises ``Unavailable``."""


class Source:
    """The register, and ``recursion`` where there is one."""

    def __init__(self, records: HandleRecords, recursion: ManyFetched | None = None) -> None:
        self.records, self.recursion = records, recursion

    async def view(self, address: str, *names: bytes) -> AbstractContextManager[RecordsView]:
        """A view in which these names are found as far as ``address`` may know. Raises ``Unavailable``
        (``recursion.no_answer``, ``recursion.busy``)."""
        if self.recursion is None:
            return self.records.view()
        return await self.recursion.view(address, *names)
