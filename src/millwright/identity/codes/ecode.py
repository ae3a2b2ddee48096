"""Ecode, China's identifier of things (GB/T 31866): version, number system identifier, master data code.

The standard's text was not at hand: lengths and character sets of each version are in a table that says so, and every
parsed Ecode is ``recalled``.
"""

from __future__ import annotations

import re
from typing import Any

from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.model import Code, Part, System
from millwright.identity.codes.tables import by_key
from millwright.identity.codes.text import check_text

_LEADING = re.compile(r"(?:urn:)?ecode:\s*", re.IGNORECASE)


def likely(text: str) -> bool:
    """Whether it says so itself; digits alone are more often something else."""
    return bool(_LEADING.match(text))


def parse(text: str) -> Code:
    """An Ecode as digits, with or without ``ecode:`` before it. Raises ``Invalid``."""
    check_text(text)
    found = _LEADING.match(text)
    start = found.end() if found else 0
    versions = by_key("ecode", "version", "version")
    if start == len(text):
        raise bad_code(text, start, "nothing after ecode:", why_zh="ecode: 之后没有内容")
    row = versions.get(text[start])
    if row is None:
        raise bad_code(
            text,
            start,
            f"no version known here: {', '.join(versions)}",
            why_zh=f"未知的版本（已知：{'、'.join(versions)}）",
        )
    nsi_end = start + 1 + int(row["nsi_digits"])
    for at in range(start + 1, nsi_end):
        if at >= len(text) or text[at] not in "0123456789":
            raise bad_code(
                text, at, f"the number system identifier has {row['nsi_digits']} digits",
                why_zh=f"编码体系标识 NSI 应为 {row['nsi_digits']} 位数字",
            )  # fmt: skip
    _check_master(text, nsi_end, row)
    nsi, master = text[start + 1 : nsi_end], text[nsi_end:]
    return Code(
        system="ecode",
        kind=f"v{row['version']}",
        text=text,
        canonical=text[start:],
        parts=(
            Part(name="version", value=text[start], label="Version (V)", label_zh="版本（V）", at=start,
                 meaning=row["meaning"], meaning_zh=row["meaning_zh"]),
            Part(name="nsi", value=nsi, label="Number system (NSI)", label_zh="编码体系标识（NSI）", at=start + 1),
            Part(name="md", value=master, label="Master data code (MD)", label_zh="主码（MD）", at=nsi_end),
        ),
        certainty="recalled",
        notes=("Lengths and character sets are known from use only; the standard was not at hand.",),
    )  # fmt: skip


def _check_master(text: str, start: int, row: dict[str, Any]) -> None:
    if start == len(text):
        raise bad_code(text, start, "no master data code", why_zh="缺少主码 MD")
    most = int(row["md_most"])
    if most and len(text) - start > most:
        raise bad_code(
            text, start + most, f"the master data code has at most {most} characters", why_zh=f"主码最多 {most} 位"
        )
    allowed = re.compile(str(row["md_characters"]))
    for at in range(start, len(text)):
        if not allowed.fullmatch(text[at]):
            raise bad_code(
                text,
                at,
                f"not allowed in the master data code of version {row['version']}",
                why_zh="主码中不允许的字符",
            )


SYSTEM = System(
    name="ecode",
    label="Ecode",
    label_zh="物品编码 Ecode",
    standard="GB/T 31866-2015 (recalled)",
    example="ecode:100641234567890",
    likely=likely,
    parse=parse,
    conversions={
        "ecode": lambda code: code.canonical,
        "prefixed": lambda code: f"ecode:{code.canonical}",
    },
)
"""Ecodes."""
