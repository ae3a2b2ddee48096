"""The components of EPC URIs: which characters, how escaped (Tag Data Standard, clauses 5.4 and 6.3)."""

from __future__ import annotations

import re

COMPONENT = "(?:[A-Za-z0-9!'()*+,\\-.:;=_]|%(?:22|25|26|2[Ff]|3[CcEeFf]))"
"""One character of GS1's character set 82 in a URI: seven of them are escaped."""

CPI_COMPONENT = "(?:[A-Z0-9\\-]|%23|%2[Ff])"
"""One character of a component or part number, or of an aviation part: character set 39."""

_ESCAPED = {'"': "%22", "%": "%25", "&": "%26", "/": "%2F", "<": "%3C", ">": "%3E", "?": "%3F", "#": "%23"}
_TO_ESCAPE = re.compile('["%&/<>?#]')
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")


def escape(text: str) -> str:
    """Characters as they stand in a component of a URI."""
    if _TO_ESCAPE.search(text) is None:
        return text
    return _TO_ESCAPE.sub(lambda found: _ESCAPED[found[0]], text)


def unescape(component: str) -> str:
    """What a component of a URI says."""
    if "%" not in component:
        return component
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), component)
