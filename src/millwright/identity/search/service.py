"""Searching and listing what one may see. No HTTP."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Final

from millwright.identity.handle.naming import fold
from millwright.identity.records import Records
from millwright.identity.registration.reading import is_suspended
from millwright.identity.registration.service import Registration
from millwright.identity.registration.values import Reader
from millwright.identity.search.index import SearchIndex
from millwright.identity.search.model import MOST_COUNTED, Among, IdentifierItem, IdentifierPage, SearchLag
from millwright.identity.search.tokens import asked, asked_of
from millwright.kernel import Clock, Invalid, MillwrightError

_MOST_PAGE: Final = 200
_FRESH_S: Final = 0.5
_LITTLE_LAG: Final = 5
_MOST_WORDS: Final = 40


class Search:
    """Finds in the index, and shows what the register says now."""

    def __init__(self, index: SearchIndex, register: Records, registration: Registration, clock: Clock) -> None:
        self._index, self._register, self._registration, self._clock = index, register, registration, clock

    async def find(
        self,
        reader: Reader,
        text: str = "",
        fields: Mapping[str, str] | None = None,
        *,
        among: Among = "all",
        prefix: str | None = None,
        template_id: str | None = None,
        since_ms: int | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> IdentifierPage:
        """Identifiers that have all words of ``text`` and the words of each field, those changed last first.

        Raises ``Invalid`` (``search.bad_cursor``, ``search.too_many_words``), ``Unavailable`` (``search.not_there``).
        """
        return await asyncio.to_thread(
            self._find, reader, text, fields or {}, among, prefix, template_id, since_ms, cursor, min(limit, _MOST_PAGE)
        )

    def _find(
        self,
        reader: Reader,
        text: str,
        fields: Mapping[str, str],
        among: Among,
        prefix: str | None,
        template_id: str | None,
        since_ms: int | None,
        cursor: str | None,
        limit: int,
    ) -> IdentifierPage:
        self._wait_a_little()
        match = question(text, fields)
        if match is None and (text.strip() or any(each.strip() for each in fields.values())):
            return IdentifierPage(items=[], next=None, total=0, or_more=False, lag=self.lag())
        chosen = {
            "among": among, "prefix": None if prefix is None else fold(prefix.encode()),
            "template": template_id, "since_ms": since_ms,
        }  # fmt: skip
        before = None if cursor is None else self._read_cursor(cursor)
        rows = self._index.find(match, reader.own, before=before, limit=limit + 1, **chosen)  # type: ignore[arg-type]
        total = self._index.count(match, reader.own, most=MOST_COUNTED, **chosen)
        more = len(rows) > limit
        rows = rows[:limit]
        return IdentifierPage(
            items=self._items(rows, reader),
            next=self._write_cursor(rows[-1][0]) if more else None,
            total=total, or_more=total >= MOST_COUNTED, lag=self.lag(),
        )  # fmt: skip

    def _items(self, rows: list[tuple[int, bytes, int]], reader: Reader) -> list[IdentifierItem]:
        """What the register says of them now; what is gone since, or is not to be seen any more, is left out."""
        found = []
        with self._register.view() as view:
            for _, key, changed_ms in rows:
                held = view.at_key(key)
                owner = None if held is None else view.authority(held[0].handle)
                if held is None or owner is None:
                    continue
                record, version = held
                if owner.organisation_id not in reader.own and is_suspended(view, record.handle):
                    continue
                shown = self._registration.shown(record, owner, reader, version)
                if not shown.own and not (shown.fields or shown.links or shown.values):
                    continue
                names = IdentifierItem.__struct_fields__
                same = {name: getattr(shown, name) for name in names if name != "changed_ms"}
                found.append(IdentifierItem(**same, changed_ms=changed_ms))
        return found

    def lag(self) -> SearchLag:
        """How far the index is behind the register."""
        try:
            position, whole = self._index.state()
        except MillwrightError:
            return SearchLag(behind_ms=0, building=True)
        behind_ms = 0
        if position < self._register.position:
            with self._register.view() as view:
                made_ms = view.made_ms(position + 1)
            behind_ms = max(1, self._clock.now_ms() - made_ms) if made_ms else 1
        return SearchLag(behind_ms=behind_ms, building=not whole)

    def _wait_a_little(self) -> None:
        """Who has just registered something looks for it: it is indexed within a moment."""
        until_s = time.monotonic() + _FRESH_S
        wanted = self._register.position
        while time.monotonic() < until_s:
            try:
                position, whole = self._index.state()
            except MillwrightError:
                position, whole = 0, False
            if (whole and position >= wanted) or wanted - position > _LITTLE_LAG:
                return
            time.sleep(0.02)

    # --- cursors -----------------------------------------------------------------------------------------------------

    def _write_cursor(self, row: int) -> str:
        nonce = secrets.token_bytes(6)
        hidden = bytes(a ^ b for a, b in zip(row.to_bytes(8, "big"), self._stream(nonce), strict=True))
        tag = hmac.digest(self._index.secret(), nonce + hidden, "sha256")[:6]
        return base64.urlsafe_b64encode(nonce + hidden + tag).decode().rstrip("=")

    def _read_cursor(self, cursor: str) -> int:
        try:
            data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            data = b""
        nonce, hidden, tag = data[:6], data[6:14], data[14:]
        good = hmac.digest(self._index.secret(), nonce + hidden, "sha256")[:6]
        if len(data) != 20 or not hmac.compare_digest(tag, good):
            raise Invalid(
                "This cursor was not made by this list.", code="search.bad_cursor",
                hint="Use `next` of the page before, unchanged; begin anew when the index was made anew.",
            )  # fmt: skip
        return int.from_bytes(bytes(a ^ b for a, b in zip(hidden, self._stream(nonce), strict=True)), "big")

    def _stream(self, nonce: bytes) -> bytes:
        return hashlib.blake2b(nonce, key=self._index.secret(), digest_size=8).digest()


def question(text: str, fields: Mapping[str, str]) -> tuple[str, str] | None:
    """The question in the language of FTS5: to all words, and to public words alone. ``None``: no word is asked for.

    Raises ``Invalid`` (``search.too_many_words``).
    """
    parts = [f'"{word}" *' if begins else f'"{word}"' for word, begins in asked(text)]
    for field, value in fields.items():
        parts += [f'"{word}"' for word in asked_of(field, value)]
    if not parts:
        return None
    if len(parts) > _MOST_WORDS:
        raise Invalid(
            f"More than {_MOST_WORDS} words are asked for.", code="search.too_many_words", hint="Ask for fewer."
        )
    said = " AND ".join(parts)
    return f"{{public own}} : ({said})", f"{{public}} : ({said})"
