"""Settings: one ``millwright.toml``, each key overridable by the environment.

A domain declares its section as a frozen :class:`msgspec.Struct` in its ``settings.py`` with a default and a
description for every key; the composition root joins the sections into one struct and calls :func:`load`.
``[historian] flush_rows`` is overridden by ``MILLWRIGHT_HISTORIAN_FLUSH_ROWS``; a list is given as ``a, b``. A key
nobody declared is an error that names the nearest one that exists.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from millwright.kernel.errors import Invalid

PREFIX = "MILLWRIGHT_"
"""Every environment override starts with this."""

# The environment may carry these for the command line itself; they are no settings.
_RESERVED = frozenset(
    {"MILLWRIGHT_CONFIG", "MILLWRIGHT_URL", "MILLWRIGHT_TOKEN", "MILLWRIGHT_CA", "MILLWRIGHT_CONSOLE"}
)

_LISTS = (
    msgspec.inspect.VarTupleType,
    msgspec.inspect.ListType,
    msgspec.inspect.SetType,
    msgspec.inspect.FrozenSetType,
)

T = TypeVar("T", bound=msgspec.Struct)


def load(
    kind: type[T], path: Path | None = None, environ: Mapping[str, str] | None = None, *, partial: bool = False
) -> T:
    """Read ``kind`` from the file at ``path`` (when given) and from the environment.

    ``partial``: other sections than those of ``kind`` belong to someone else and are passed over. Raises
    :class:`Invalid` with code ``settings.unknown_key``, ``settings.invalid_value``, ``settings.unreadable`` or
    ``settings.missing_file``.
    """
    data: dict[str, Any] = {}
    if path is not None:
        data = read(path)
        if partial:
            data = {name: section for name, section in data.items() if name in kind.__struct_fields__}
        _refuse_unknown(kind, data, str(path))
    _overlay(kind, data, os.environ if environ is None else environ, partial=partial)
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(
            f"A setting has a wrong value: {error}",
            code="settings.invalid_value",
            hint="Correct it in millwright.toml or in the environment; `millwright settings list` shows every key.",
        ) from error


def read(path: Path) -> dict[str, Any]:
    """The file as nested tables. Raises :class:`Invalid` (``settings.missing_file``, ``settings.unreadable``)."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Invalid(
            f"There is no settings file {path}.",
            code="settings.missing_file",
            hint="Create it, or leave --config and MILLWRIGHT_CONFIG unset to run with defaults.",
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(
            f"The settings file {path} cannot be read: {error}",
            code="settings.unreadable",
            hint="Mend the file at the line named; it must be TOML in UTF-8.",
        ) from error


def keys(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, msgspec.inspect.Field, str]]:
    """Every setting below ``kind``: dotted name, its field, its environment variable."""
    hints = get_type_hints(kind)
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        name = f"{prefix}{field.name}"
        inner = hints[field.name]
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            yield from keys(inner, f"{name}.")
        else:
            yield name, field, PREFIX + name.upper().replace(".", "_")


def _refuse_unknown(kind: type[msgspec.Struct], data: dict[str, Any], where: str) -> None:
    known = {name for name, _, _ in keys(kind)}
    sections = {name.rpartition(".")[0] for name in known}
    for name in flatten(data):
        if name in known or any(name.startswith(f"{k}.") for k in known):
            continue
        if name in sections and _is_empty(data, name):  # a heading over nothing but comments
            continue
        _raise_unknown(name, known, where)


def _is_empty(data: Mapping[str, Any], name: str) -> bool:
    found: Any = data
    for part in name.split("."):
        found = found[part]
    return bool(found == {})


def flatten(data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted names of every value in nested tables."""
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _overlay(
    kind: type[msgspec.Struct], data: dict[str, Any], environ: Mapping[str, str], *, partial: bool = False
) -> None:
    by_variable = {variable: (name, field) for name, field, variable in keys(kind)}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in _RESERVED:
            continue
        known = by_variable.get(variable)
        if known is None:
            if partial and not variable.startswith(tuple(f"{PREFIX}{s.upper()}_" for s in kind.__struct_fields__)):
                continue
            _raise_unknown(variable, set(by_variable), "the environment")
            continue
        name, field = known
        *sections, last = name.split(".")
        table = data
        for section in sections:
            table = table.setdefault(section, {})
        table[last] = _parts(value) if _is_list(field.type) else value


def _is_list(kind: msgspec.inspect.Type) -> bool:
    return isinstance(kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind, _LISTS)


def _parts(value: str) -> list[str]:
    """The elements of a list that a variable gives as ``a, b``."""
    return [part.strip() for part in value.split(",") if part.strip()]


def _raise_unknown(name: str, known: set[str], where: str) -> None:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    raise Invalid(
        f"Unknown setting {name} in {where}.",
        code="settings.unknown_key",
        hint=f"Did you mean {nearest[0]}?" if nearest else "`millwright settings list` shows every key.",
        detail={"key": name, "nearest": nearest[0] if nearest else None},
    )
