"""Definitions of tags as pycomm3 keeps them: what they say for browsing and writing. No I/O."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from millwright.kernel import Invalid

from ..contract import Node, NodePage, Value
from .address import RANGES, TYPES

PAGE: Final = 500
_BITS: Final = {"SINT": 8, "INT": 16, "DINT": 32, "LINT": 64}
_ELEMENT = re.compile(r"\[[^\]]*\]")

Definition = Mapping[str, Any]


def declared(tag: str, kind: str, *, is_array: bool) -> dict[str, Any]:
    """The definition of an elementary tag whose type the address names."""
    from pycomm3 import Array, DataTypes

    element = DataTypes.get(kind)  # type: ignore[no-untyped-call]
    return {
        "tag_name": tag,
        "dim": int(is_array),
        "dimensions": [0, 0, 0],
        "instance_id": None,
        "alias": False,
        "tag_type": "atomic",
        "data_type": kind,
        "data_type_name": kind,
        "type_class": Array(length_=0xFFFF, element_type_=element) if is_array else element,
        "external_access": "Read/Write",
    }


def encode(definition: Definition, value: Value) -> bytes:
    """A value that :func:`check` let pass, as the controller keeps it."""
    from pycomm3 import DataTypes

    if definition["tag_type"] == "struct":
        encoded: bytes = definition["data_type"]["type_class"].encode(value)
    else:
        encoded = DataTypes.get(definition["data_type_name"]).encode(value)  # type: ignore[no-untyped-call]
    return encoded


def find(tags: Mapping[str, Definition], name: str) -> Definition | None:
    """The definition of a tag or a member of one; ``None`` where there is none."""
    parts = name.split(".")
    if parts[0].startswith("Program:") and len(parts) > 1:
        parts[:2] = [".".join(parts[:2])]
    definition = tags.get(_ELEMENT.sub("", parts[0]))
    for part in parts[1:]:
        if definition is None or definition.get("tag_type") != "struct":
            return None
        definition = definition["data_type"]["internal_tags"].get(_ELEMENT.sub("", part))
    return definition


def page(tags: Mapping[str, Definition], parent: str | None, begin: int) -> NodePage:
    """What is below a tag, a program (``Program:Main``) or, without ``parent``, the controller."""
    if parent is None:
        nodes = list(_top(tags))
    elif parent.startswith("Program:") and "." not in parent:
        inside = f"{parent}."
        nodes = [_node(name, name[len(inside) :], tags[name]) for name in sorted(tags) if name.startswith(inside)]
    else:
        definition = find(tags, parent)
        if definition is None:
            raise Invalid(
                f"There is no tag {parent!r}.",
                code="ethernet_ip.address_invalid",
                hint="Browse from the top: programs and tags have other names after a download.",
            )
        nodes = list(_below(parent, definition, begin))
        more = _length(definition) if not parent.endswith("]") else 0
        return NodePage(items=nodes, next=str(begin + PAGE) if more > begin + PAGE else None)
    return NodePage(items=nodes[begin : begin + PAGE], next=str(begin + PAGE) if len(nodes) > begin + PAGE else None)


def _top(tags: Mapping[str, Definition]) -> Iterator[Node]:
    programs = sorted({name.split(".")[0] for name in tags if name.startswith("Program:")})
    for program in programs:
        yield Node(address=program, name=program.removeprefix("Program:"), kind="folder", has_children=True)
    for name in sorted(tags):
        if not name.startswith("Program:"):
            yield _node(name, name, tags[name])


def _below(parent: str, definition: Definition, begin: int) -> Iterator[Node]:
    length = _length(definition)
    if length and not parent.endswith("]"):
        element = {**definition, "dim": 0, "array": 0}
        for index in range(begin, min(length, begin + PAGE)):
            yield _node(f"{parent}[{index}]", f"[{index}]", element)
    elif definition.get("tag_type") == "struct":
        kind = definition["data_type"]
        for member in kind["attributes"]:
            yield _node(f"{parent}.{member}", member, kind["internal_tags"][member])


def _node(address: str, name: str, definition: Definition) -> Node:
    kind = str(definition["data_type_name"])
    is_text = definition["tag_type"] == "struct" and "string" in definition["data_type"]
    length = _length(definition)
    has_children = bool(length) or (definition["tag_type"] == "struct" and not is_text)
    known = "string" if is_text else TYPES.get("BOOL" if kind == "DWORD" else kind)
    return Node(
        address=address,
        name=name,
        kind="folder" if has_children else "variable",
        has_children=has_children,
        type=None if has_children else known,
        writable=not has_children and definition.get("external_access") in (None, "Read/Write"),
        description=f"{kind}[{length}]" if length else kind,
    )


def _length(definition: Definition) -> int:
    """Elements of an array of one dimension; 0 of anything else. Packed bits come as DWORDs of 32."""
    length = 0
    if definition.get("dim") == 1:
        length = int(definition["dimensions"][0])
    elif "dim" not in definition:
        length = int(definition.get("array") or 0)
    return length * 32 if definition["data_type_name"] == "DWORD" else length


def fingerprint(tags: Mapping[str, Definition], *more: str) -> str:
    """Changes when names, types or lengths of tags do."""
    lines = [
        f"{name}:{definition['data_type_name']}{list(definition.get('dimensions') or ())}"
        for name, definition in sorted(tags.items())
    ]
    return hashlib.sha256("\n".join((*more, *lines)).encode()).hexdigest()[:16]


def to_value(value: object) -> Value:
    """A value as ours: numbers that are none become ``None``; arrays and structures are JSON texts."""
    if isinstance(value, bool | str | int) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping | Sequence):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def check(tag: str, definition: Definition, value: Value) -> Value:
    """The value to write. Raises ``Invalid`` (``ethernet_ip.value_invalid``)."""
    kind = str(definition["data_type_name"])
    if definition["tag_type"] == "struct":
        if "string" not in definition["data_type"]:
            raise _wrong(tag, value, "one of its members: it is a structure")
        kind = "STRING"
    is_bit = tag.rpartition(".")[2].isdigit()
    if kind == "BOOL" or is_bit:
        if isinstance(value, int | float) and value in (0, 1):
            return bool(value)
        raise _wrong(tag, value, "true or false")
    if kind == "DWORD":
        raise _wrong(tag, value, "nothing: the controller writes packed bits 32 at a time only")
    if kind == "STRING":
        if isinstance(value, str) and len(value.encode()) <= int(_text_length(definition)):
            return value
        raise _wrong(tag, value, f"a text of at most {_text_length(definition)} bytes")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(tag, value, "a number")
    if kind in RANGES:
        low, high = RANGES[kind]
        if value != int(value) or not low <= value <= high:
            raise _wrong(tag, value, f"a whole number from {low} to {high}")
        return int(value)
    if kind == "REAL" and abs(value) > 3.4028234e38:
        raise _wrong(tag, value, "a number within single precision")
    return float(value)


def _text_length(definition: Definition) -> int:
    return int(definition["data_type"]["string"]) if definition["tag_type"] == "struct" else 82


def _wrong(tag: str, value: Value, wanted: str) -> Invalid:
    return Invalid(
        f"{value!r} does not fit: {tag} takes {wanted}.", code="ethernet_ip.value_invalid", hint=f"Give {wanted}."
    )
