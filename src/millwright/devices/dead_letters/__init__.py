"""Dead letters: messages that could not be read, kept whole until somebody mends the cause and replays them.

Nothing unreadable blocks the intake, and nothing vanishes: a message is either readings or a dead letter.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.dead_letters.model import DEAD_LETTERS, DeadLetter
    from millwright.devices.dead_letters.service import DeadLetters, Summary
    from millwright.devices.dead_letters.stream import DeadLetterStream, StoredLetter

__getattr__ = exports(__name__)

__all__ = ["DEAD_LETTERS", "DeadLetter", "DeadLetterStream", "DeadLetters", "StoredLetter", "Summary"]
