"""What a node does by itself, told to the ledger."""

from __future__ import annotations

from millwright.kernel import Clock, new_id
from millwright.ledger.model import Actor, Draft, Sealed, Target
from millwright.ledger.record.act import Act
from millwright.ledger.record.drafting import entries_of
from millwright.ledger.record.recorder import Recorder


class OwnActs:
    """Acts that nobody asked for, by ``actor``. What the ledger does not take now is told it again, once each.

    What was not told when the process ends is lost: call :meth:`tell` again at the stop. Or write :attr:`untold` to a
    file before telling it, and :meth:`take_up` that at the next start: the ledger keeps one entry of an id.
    """

    def __init__(self, recorder: Recorder, clock: Clock, actor: Actor) -> None:
        self._recorder, self._clock, self._actor = recorder, clock, actor
        self._untold: list[list[Sealed]] = []

    @property
    def untold(self) -> list[list[Sealed]]:
        """The entries of every act that is not told yet."""
        return list(self._untold)

    def take_up(self, untold: list[list[Sealed]]) -> None:
        """Acts of an earlier process, of which nobody knows whether it has told them."""
        self._untold[:0] = untold

    def keep(self, act: Act, action: str, target: Target) -> None:
        """An act that is done, with what was noted in it. Does no I/O."""
        draft = Draft(
            id=new_id("led"),
            at_ms=self._clock.now_ms(),
            actor=self._actor,
            action=action,
            target=target,
            outcome="done",
        )
        self._untold.append(entries_of(act, draft))

    async def tell(self) -> bool:
        """Return when everything kept is durable; whether there was anything.

        Raises ``Unavailable`` (``ledger.unavailable``); it is kept then.
        """
        told = bool(self._untold)
        while self._untold:
            # Act by act: the stream knows a batch by its first entry, so what is sent again must not have grown.
            await self._recorder.record(self._untold[0])
            del self._untold[0]
        return told
