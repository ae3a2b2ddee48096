"""How handles are compared and divided (RFC 3650, 3; RFC 3651, 2).

A handle is a *prefix* (naming authority), a slash and a *suffix*: ``86.1000.1/product-7``. What is known of a prefix is
the record of its *prefix handle*, ``0.NA/86.1000.1``. A *derived prefix* has more dots than its parent: ``86.1000`` is
the parent of ``86.1000.1``. Handles are bytes in UTF-8, compared without regard to case in ASCII, and only there.
"""

from __future__ import annotations

import re

from millwright.identity.handle.errors import invalid_handle

MAX_HANDLE_BYTES = 2048
PREFIX_HANDLES = b"0.NA"
"""The prefix of all prefix handles."""
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def fold(handle: bytes) -> bytes:
    """A handle in the form by which equal handles are equal: a to z become capitals."""
    return handle.upper()


def prefix_of(handle: bytes) -> bytes:
    """The prefix of a handle; a handle without a slash names a prefix, whose own is ``0.NA``."""
    prefix, slash, _ = handle.partition(b"/")
    return prefix if slash else PREFIX_HANDLES


def prefix_handle(prefix: bytes) -> bytes:
    """The handle that holds what is known of a prefix."""
    return PREFIX_HANDLES + b"/" + prefix


def named_prefix(handle: bytes) -> bytes | None:
    """The prefix that a prefix handle is about, ``None`` for any other handle."""
    prefix, slash, suffix = handle.partition(b"/")
    return suffix if slash and suffix and fold(prefix) == PREFIX_HANDLES else None


def parent_prefix(prefix: bytes) -> bytes | None:
    """The prefix that this one is derived from, if it is a derived one."""
    parent, dot, _ = prefix.rpartition(b".")
    return parent if dot and parent else None


def with_slash(handle: bytes) -> bytes:
    """A prefix that was given alone as its prefix handle; anything else as it is."""
    return handle if b"/" in handle else prefix_handle(handle)


def check_handle(handle: bytes) -> bytes:
    """Return a handle that may be registered. Raises ``Invalid`` (``handle.invalid``)."""
    if not handle or len(handle) > MAX_HANDLE_BYTES:
        raise invalid_handle(handle, f"it has {len(handle)} bytes; 1 to {MAX_HANDLE_BYTES} are allowed")
    try:
        text = handle.decode()
    except UnicodeDecodeError as error:
        raise invalid_handle(handle, "it is not UTF-8") from error
    prefix, slash, suffix = text.partition("/")
    if not slash or not prefix or not suffix:
        raise invalid_handle(handle, "it is not a prefix, a slash and a suffix")
    if _CONTROL.search(text):
        raise invalid_handle(handle, "it has control characters")
    return handle
