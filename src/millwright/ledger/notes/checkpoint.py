"""A checkpoint, or signed tree head: how long a log is and what its root is (C2SP tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from millwright.kernel import Invalid


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``origin`` names the log among all logs; ``size`` counts its entries; ``root`` is the hash over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note. Raises ``Invalid`` (``ledger.checkpoint_broken``)."""
        lines = text.split("\n")
        try:
            origin, said, encoded = lines[:3]
            root = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise _broken() from error
        written_plainly = said.isascii() and said.isdigit() and (said == "0" or not said.startswith("0"))
        if not origin or not written_plainly or len(said) > 19 or len(root) != 32:
            raise _broken()
        return cls(origin, int(said), root)


def _broken() -> Invalid:
    return Invalid("This is no checkpoint.", code="ledger.checkpoint_broken", hint="Take it again from its source.")
