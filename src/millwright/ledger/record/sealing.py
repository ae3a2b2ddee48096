"""Sealing an entry: personal values leave it, and a commitment to each stays.

A commitment is HMAC-SHA-256 over the field's name and its canonical JSON under a random salt of the entry and the
subject. Whoever has value and salt can check it; when both are deleted nobody can, and the entry's hash is the same.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from millwright.kernel import ROOT
from millwright.ledger.model import FORMAT, Actor, Change, Disclosure, Draft, Entry, Sealed, Target
from millwright.ledger.record.documents import canonical, differences, digest, document, replace_at

_MOST_CHANGES_BYTES = 32_768


def commitment(salt: str, field: str, value: Any) -> str:
    """The commitment to ``value`` as the field ``field``, in hex; ``salt`` is hex."""
    message = field.encode() + b"\0" + canonical(value)
    return hmac.new(bytes.fromhex(salt), message, hashlib.sha256).hexdigest()


def described(
    before: Any, after: Any, ignore: tuple[str, ...], personal: tuple[str, ...]
) -> tuple[str, str, tuple[Change, ...]]:
    """The digests of two states of an object, and what differs.

    The digests are over documents whose personal values are left out, so that nobody can find a name by trying.
    """
    was = None if before is None else document(before, ignore)
    now = None if after is None else document(after, ignore)

    def hidden(pointer: str, _value: Any) -> str:
        return f"personal:{pointer}"

    changes = differences(was, now)
    while len(canonical(msgspec.to_builtins(changes))) > _MOST_CHANGES_BYTES:  # an entry has at most 64 KB
        changes = changes[: len(changes) // 2]
    return (
        digest(None if was is None else replace_at(was, personal, hidden)),
        digest(None if now is None else replace_at(now, personal, hidden)),
        tuple(changes),
    )


def seal(draft: Draft, *, named: bool = False) -> Sealed:
    """The entry and its disclosures. ``named``: the object's name is personal data of the object."""
    actor_subject = draft.actor.id or draft.id
    apart: dict[str, dict[str, Any]] = {}

    def put(subject: str, field: str, value: Any) -> None:
        if value not in (None, ""):
            apart.setdefault(subject, {})[field] = value

    put(actor_subject, "actor.name", draft.actor.name)
    put(actor_subject, "address", draft.address)
    put(actor_subject, "agent", draft.agent)
    if draft.on_behalf is not None:
        put(draft.on_behalf.id or draft.id, "on_behalf.name", draft.on_behalf.name)
    if draft.approved_by is not None:
        put(draft.approved_by.id or draft.id, "approved_by.name", draft.approved_by.name)
    target_subject = draft.target.id or draft.id
    if named:
        put(target_subject, "target.name", draft.target.name)
    changes = []
    for change in draft.changes:
        if change.path in draft.personal:
            put(target_subject, f"changes{change.path}", [change.before, change.after])
            changes.append({"path": change.path})
        else:
            changes.append(msgspec.to_builtins(change))
    disclosures = [Disclosure(draft.id, subject, secrets.token_hex(16), values) for subject, values in apart.items()]
    entry: dict[str, Any] = {
        "format": FORMAT,
        "id": draft.id,
        "at_ms": draft.at_ms,
        "actor": _without_name(draft.actor),
        "action": draft.action,
        "target": _without_name(draft.target) if named else msgspec.to_builtins(draft.target),
        "outcome": draft.outcome,
        "error": draft.error,
        "before": draft.before,
        "after": draft.after,
        "changes": changes,
        "request_id": draft.request_id,
        "on_behalf": None if draft.on_behalf is None else _without_name(draft.on_behalf),
        "approved_by": None if draft.approved_by is None else _without_name(draft.approved_by),
        "grant": draft.grant,
        "organisation": draft.organisation,
        "count": draft.count,
        "personal": [
            {
                "subject": each.subject,
                "fields": {field: commitment(each.salt, field, value) for field, value in each.values.items()},
            }
            for each in disclosures
        ],
    }
    kept = {key: value for key, value in entry.items() if value not in ("", None, []) and (key, value) != ("count", 1)}
    return Sealed(kept, tuple(disclosures))


def open_entry(sealed: Mapping[str, Any], disclosures: Iterable[Disclosure]) -> Entry:
    """The entry as people read it, with those personal values that were not erased."""
    known: dict[str, Any] = {}
    for each in disclosures:
        known |= each.values
    wanted = [field for part in sealed.get("personal", ()) for field in part["fields"]]
    changes = []
    for change in sealed.get("changes", ()):
        values = known.get(f"changes{change['path']}")
        changes.append(Change(change["path"], *values) if values is not None else msgspec.convert(change, Change))
    actor = msgspec.convert({**sealed["actor"], "name": known.get("actor.name")}, Actor)
    target = dict(sealed["target"])
    if "target.name" in known:
        target["name"] = known["target.name"]
    behalf, approver = sealed.get("on_behalf"), sealed.get("approved_by")
    return Entry(
        index=sealed["index"],
        id=sealed["id"],
        at_ms=sealed["at_ms"],
        actor=actor,
        action=sealed["action"],
        target=msgspec.convert(target, Target),
        outcome=sealed["outcome"],
        error=sealed.get("error", ""),
        before=sealed.get("before", ""),
        after=sealed.get("after", ""),
        changes=changes,
        address=known.get("address"),
        agent=known.get("agent"),
        request_id=sealed.get("request_id", ""),
        on_behalf=None if behalf is None else msgspec.convert({**behalf, "name": known.get("on_behalf.name")}, Actor),
        approved_by=(
            None if approver is None else msgspec.convert({**approver, "name": known.get("approved_by.name")}, Actor)
        ),
        grant=sealed.get("grant", ""),
        organisation=sealed.get("organisation", ROOT),
        count=sealed.get("count", 1),
        erased=[field for field in wanted if field not in known],
    )


def _without_name(who: Actor | Target) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(who)
    return {key: value for key, value in plain.items() if key != "name"}
