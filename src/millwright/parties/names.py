"""Names: as they are shown, as they are compared, and how alike they look.

After Unicode TR 36 and TS 39: a person's name is normalised (NFKC), a word of it keeps to one writing system (those
written together in China, Japan and Korea count as one with Latin), and no two people have names that look the same
although their letters differ, as Latin ``a`` and Cyrillic ``а`` do.
"""

from __future__ import annotations

import re
import unicodedata

from millwright.kernel import Invalid

_EAST_ASIAN = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL"})
_NO_SCRIPT = frozenset({"FULLWIDTH", "HALFWIDTH", "MODIFIER", "COMBINING", "IDEOGRAPHIC"})

# What looks like a Latin letter in the common typefaces, from Cyrillic, Greek, Armenian and Cherokee; lower case.
_LOOKS_LIKE = str.maketrans(
    {
        **dict(zip("асеорхуіјѕһԁԛԝҽвкмнтгпѵӏ", "aceopxyijshdqwebkmhtrnvl", strict=True)),
        **dict(zip("αβγειικνορτυχωςϲϳ", "abyeiiknoptuxwccj", strict=True)),
        **dict(zip("օսոհգցքզ", "ounhqgpq", strict=True)),
        **dict(zip("ꭰꭱꭲꭺꮋꮃꮪꮯ", "deighwsc", strict=True)),
        "ı": "i",
        "ɑ": "a",
        "ɡ": "g",
        "ƍ": "g",
        "ℓ": "l",
    }
)


def clean_name(name: str, most: int = 64) -> str:
    """A name as it is shown. Raises ``Invalid`` (``parties.name_invalid``)."""
    shown = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(shown) <= most or not shown.isprintable():
        raise Invalid(
            f"A name has 1 to {most} printable characters.", code="parties.name_invalid", hint="Leave out line breaks."
        )
    return shown


def clean_person_name(name: str) -> str:
    """A person's name as it is shown. Raises ``Invalid`` (``parties.name_invalid``, ``parties.name_mixed``)."""
    shown = clean_name(unicodedata.normalize("NFKC", name))
    for word in re.split(r"[\W\d_]+", shown):
        scripts = {script for character in word if (script := _script(character))}
        if len(scripts) > 1 and not scripts <= _EAST_ASIAN:
            raise Invalid(
                f"The word {word} mixes writing systems, so that it could pass for another.",
                code="parties.name_mixed",
                hint="Write each word with the letters of one.",
            )
    return shown


def name_key(name: str) -> str:
    """A name as it is compared: ``Ａnna `` and ``anna`` are one person."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return key.replace("\0", "").strip()[:128]


def skeleton(name: str) -> str:
    """What a name looks like: two with the same skeleton are told apart by no eye."""
    plain = unicodedata.normalize("NFKD", name_key(name)).translate(_LOOKS_LIKE)
    return "".join(character for character in plain if not unicodedata.combining(character))


def _script(character: str) -> str | None:
    """The writing system, by the first word of the character's name; ``None`` for what belongs to all of them."""
    if not character.isalpha():
        return None
    first = unicodedata.name(character, "UNKNOWN").partition(" ")[0]
    return None if first in _NO_SCRIPT else first
