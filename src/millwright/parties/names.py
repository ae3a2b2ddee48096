"""Names as they are shown and as they are compared."""

from __future__ import annotations

import unicodedata

from millwright.kernel import Invalid


def clean_name(name: str, most: int = 64) -> str:
    """A name as it is shown. Raises ``Invalid`` (``parties.name_invalid``)."""
    shown = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(shown) <= most or not shown.isprintable():
        raise Invalid(
            f"A name has 1 to {most} printable characters.", code="parties.name_invalid", hint="Leave out line breaks."
        )
    return shown


def name_key(name: str) -> str:
    """A name as it is compared: ``Ａnna `` and ``anna`` are one person."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return key.replace("\0", "").strip()[:128]
