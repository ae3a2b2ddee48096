"""What a form says of a setting, in both languages."""

from __future__ import annotations

from typing import Any

from msgspec import Meta


def said(title: str, title_zh: str, description: str, zh: str, **extra: Any) -> Meta:
    """A title and a description in English and Chinese; ``extra`` as ``secret=True``, ``advanced=True``, and
    ``when={"transport": ["tcp"]}`` for what means something only with such a value of another setting."""
    return Meta(description=description, extra={"title": title, "title_zh": title_zh, "zh": zh, **extra})


__all__ = ["said"]
