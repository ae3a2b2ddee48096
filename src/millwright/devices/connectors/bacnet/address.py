"""Addresses: ``analog-input:1`` (or ``AI:1``), ``analog-value:3.high-limit``, ``analog-output:1@8``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from millwright.kernel import Invalid

from ..contract import ValueType

SHORT: Final = {
    "AI": "analog-input",
    "AO": "analog-output",
    "AV": "analog-value",
    "BI": "binary-input",
    "BO": "binary-output",
    "BV": "binary-value",
    "MI": "multi-state-input",
    "MO": "multi-state-output",
    "MV": "multi-state-value",
}
VALUES: Final[dict[str, ValueType]] = {
    **dict.fromkeys(("analog-input", "analog-output", "analog-value", "large-analog-value"), "number"),
    **dict.fromkeys(("binary-input", "binary-output", "binary-value"), "boolean"),
    **dict.fromkeys(("multi-state-input", "multi-state-output", "multi-state-value"), "integer"),
    **dict.fromkeys(("integer-value", "positive-integer-value", "accumulator"), "integer"),
    "characterstring-value": "string",
}
"""Types of objects whose present value we know the type of."""

WRITABLE: Final = frozenset(one for one in VALUES if one.endswith(("-output", "-value")))
PRESENT_VALUE: Final = "present-value"
_ADDRESS = re.compile(
    r"(?P<type>[A-Z]{2}|[a-z]+(?:-[a-z]+)*|[0-9]{1,4}):(?P<instance>[0-9]{1,7})"
    r"(?:\.(?P<property>[a-z]+(?:-[a-z]+)*|[0-9]{1,7})(?:\[(?P<index>[0-9]{1,5})\])?)?(?:@(?P<priority>[0-9]{1,2}))?"
)
HINT = (
    "Write TYPE:INSTANCE for the present value, as in analog-input:1 or AI:1, a property as in "
    "analog-value:3.high-limit, and a priority to write with as in analog-output:1@8."
)


@dataclass(frozen=True, slots=True)
class Address:
    """A property of an object; ``priority`` is ``None`` where the settings decide."""

    type: str
    instance: int
    prop: str = PRESENT_VALUE
    index: int | None = None
    priority: int | None = None

    @property
    def object(self) -> str:
        """The object as bacpypes3 writes it."""
        return f"{self.type},{self.instance}"

    @property
    def is_present_value(self) -> bool:
        """Whether quality and changes come with it."""
        return self.prop == PRESENT_VALUE and self.index is None

    @property
    def key(self) -> str:
        """The property with its index."""
        return self.prop if self.index is None else f"{self.prop}[{self.index}]"

    @property
    def value_type(self) -> ValueType | None:
        """The type of the values, where it is known."""
        return VALUES.get(self.type) if self.is_present_value else None


def parse(text: str) -> Address:
    """The address that ``text`` names. Raises ``Invalid`` (``bacnet.address_invalid``)."""
    found = _ADDRESS.fullmatch(text)
    if not found:
        raise _wrong(text, "is not an address of BACnet")
    kind = found["type"]
    if kind.isupper() and kind not in SHORT:
        raise _wrong(text, f"has the type {kind}; short ones are {', '.join(SHORT)}")
    if int(found["instance"]) > 4_194_302:
        raise _wrong(text, "has an instance above 4194302")
    priority = int(found["priority"]) if found["priority"] else None
    if priority is not None and not 1 <= priority <= 16:
        raise _wrong(text, "has a priority that is not 1 to 16")
    return Address(
        SHORT.get(kind, kind),
        int(found["instance"]),
        found["property"] or PRESENT_VALUE,
        int(found["index"]) if found["index"] else None,
        priority,
    )


def _wrong(text: str, what: str) -> Invalid:
    return Invalid(f"{text!r} {what}.", code="bacnet.address_invalid", hint=HINT)
