"""Errors of prefixes: one function for each, so that code, words and hint are in one place.

Those that a person who applies meets carry the same words in Chinese (``detail["why_zh"]``).
"""

from __future__ import annotations

from typing import Any

from millwright.kernel import Conflict, Invalid, LimitExceeded, NotFound, Outdated


def unknown(prefix_id: str) -> NotFound:
    """There is no such prefix, or not for this person."""
    return NotFound(
        f"There is no prefix {prefix_id[:64]}.",
        code="prefixes.unknown",
        hint="GET /api/v1/prefixes lists those you may see.",
        detail={"why_zh": "没有这个标识前缀"},
    )


def part_unknown(what: str, key: str) -> NotFound:
    """A document or filing that is not there."""
    return NotFound(
        f"There is no {what} {key[:64]} of this prefix.",
        code="prefixes.part_unknown",
        hint="GET /api/v1/prefixes/{id} lists what belongs to it.",
        detail={"why_zh": "该前缀没有这个附件或备案记录"},
    )


def organisation_unknown(organisation_id: str) -> NotFound:
    """An organisation that is not there for this person."""
    return NotFound(
        f"There is no organisation {organisation_id[:64]} here.",
        code="prefixes.organisation_unknown",
        hint="Name an organisation for which you may do this.",
        detail={"pointer": "/organisation_id", "why_zh": "没有这个组织"},
    )


def prefix_invalid(system: str, text: str, at: int, why: str, why_zh: str) -> Invalid:
    """The prefix breaks a rule of its system at character ``at`` (from 0)."""
    return Invalid(
        f"At character {at + 1} of the prefix: {why}",
        code="prefixes.prefix_invalid",
        hint="Compare it with the letter by which it was assigned to you.",
        detail={
            "pointer": "/prefix", "system": system, "text": text[:200], "at": at, "why": why, "why_zh": why_zh,
        },
    )  # fmt: skip


def form_incomplete(missing: list[tuple[str, str, str]]) -> Invalid:
    """Something is missing that a submitted form has: (pointer, English, Chinese) each."""
    return Invalid(
        f"The form lacks {', '.join(name for _, name, _ in missing)}.",
        code="prefixes.form_incomplete",
        hint="Fill it in and submit again.",
        detail={
            "pointer": missing[0][0],
            "missing": [{"pointer": pointer, "why": name, "why_zh": zh} for pointer, name, zh in missing],
            "why_zh": f"申请表缺少：{'、'.join(zh for _, _, zh in missing)}",
        },
    )


def names_left(prefix: str, count: int) -> Conflict:
    """A former holder has left names below it, and nobody has said what becomes of them."""
    return Conflict(
        f"Another organisation has left {count:,} identifiers below {prefix}.",
        code="prefixes.names_left",
        hint="Approve with former = discard (they are removed) or pass_on (what is public of them is kept).",
        detail={
            "pointer": "/former",
            "names": count,
            "why_zh": f"前持有者在 {prefix} 下留有 {count:,} 个标识，请选择清除或仅保留公开部分后再批准",
        },
    )


def form_invalid(pointer: str, why: str, why_zh: str) -> Invalid:
    """A value of the form is wrong."""
    detail = {"pointer": pointer, "why_zh": why_zh}
    return Invalid(why, code="prefixes.form_invalid", hint=f"Correct the value at {pointer}.", detail=detail)


def not_editable(state: str) -> Conflict:
    """The form is fixed in this state."""
    return Conflict(
        f"The form cannot be changed in the state {state}.",
        code="prefixes.not_editable",
        hint="It can while it is a draft, or was returned for correction.",
        detail={"state": state, "why_zh": "只有草稿或被退回的申请可以修改"},
    )


def stale(prefix_id: str, revision: int) -> Outdated:
    """Somebody was faster."""
    return Outdated(
        "The prefix was changed meanwhile.",
        code="prefixes.revision_stale",
        hint="Read it again and decide anew.",
        detail={"id": prefix_id, "revision": revision, "why_zh": "该前缀已被他人修改，请重新读取"},
    )


def taken(prefix: str) -> Conflict:
    """Another organisation holds it, or something below it."""
    return Conflict(
        f"{prefix} is held by another organisation, or has prefixes of others below it.",
        code="prefixes.taken",
        hint="Ask for another; what lies below somebody's prefix is delegated by that one.",
        detail={
            "pointer": "/prefix",
            "prefix": prefix,
            "why_zh": "该前缀或其下级前缀已由其他组织持有",
        },
    )


def already_applied(prefix: str, prefix_id: str) -> Conflict:
    """The same organisation holds it, or asked for it."""
    return Conflict(
        f"There is an application of this organisation for {prefix} already.",
        code="prefixes.already_applied",
        hint="Go on with that one, or withdraw it.",
        detail={"pointer": "/prefix", "id": prefix_id, "why_zh": "本组织已申请或持有该前缀"},
    )


def parent_inactive(prefix: str, state: str) -> Conflict:
    """What it would be derived from is not active."""
    return Conflict(
        f"It lies below {prefix}, which is {state}.",
        code="prefixes.parent_inactive",
        hint="A prefix is derived from an active one only.",
        detail={"pointer": "/prefix", "parent": prefix, "state": state, "why_zh": "上级前缀未处于启用状态，不能派生"},
    )


def registrar_changed() -> Conflict:
    """Since it was submitted, the parent prefix passed to somebody else."""
    return Conflict(
        "The prefix above it belongs to another organisation by now, which has to decide.",
        code="prefixes.registrar_changed",
        hint="Return it; when it is submitted again it goes to that organisation.",
        detail={"why_zh": "上级前缀已转移给其他组织，应由该组织审核"},
    )


def has_derived(prefix: str, count: int) -> Conflict:
    """Others hold prefixes below it."""
    return Conflict(
        f"{count} prefixes of other organisations lie below {prefix}.",
        code="prefixes.has_derived",
        hint="Withdraw or transfer those first.",
        detail={"count": count, "why_zh": "其下级前缀仍由其他组织持有"},
    )


def certification_missing() -> Conflict:
    """The applicant is not certified."""
    return Conflict(
        "The applicant is not certified, or the certification has ended.",
        code="prefixes.certification_missing",
        hint="Record the certification first; [prefixes] require_certification = false does without.",
        detail={"why_zh": "申请企业尚未认证或认证已过期"},
    )


def until_invalid() -> Invalid:
    """A date that is over."""
    return Invalid(
        "The prefix would have ended already.",
        code="prefixes.until_invalid",
        hint="Choose a time to come.",
        detail={"pointer": "/until_ms", "why_zh": "有效期必须晚于当前时间"},
    )


def document_too_large(limit_kb: int) -> LimitExceeded:
    """A file is too large."""
    return LimitExceeded(
        f"A document has at most {limit_kb} KB.",
        code="prefixes.document_too_large",
        hint="Make it smaller, or raise [prefixes] max_document_kb.",
        detail={"limit_kb": limit_kb, "why_zh": f"单个附件不得超过 {limit_kb} KB"},
    )


def too_many_documents(limit: int) -> LimitExceeded:
    """There are too many files."""
    return LimitExceeded(
        f"A prefix has at most {limit} documents.",
        code="prefixes.too_many_documents",
        hint="Remove one first, or put several into one file.",
        detail={"limit": limit, "why_zh": f"附件不得超过 {limit} 个"},
    )


def document_in_use(document_id: str) -> Conflict:
    """A document is what something rests on."""
    return Conflict(
        "The document is the evidence of the certification.",
        code="prefixes.document_in_use",
        hint="Change the certification first.",
        detail={"id": document_id, "why_zh": "该附件是认证依据，不能删除"},
    )


def document_empty() -> Invalid:
    """Nothing was sent."""
    detail: dict[str, Any] = {"why_zh": "附件为空"}
    return Invalid("The document is empty.", code="prefixes.document_empty", hint="Send the file.", detail=detail)


def keys_not_here(prefix: str) -> Conflict:
    """The prefix has no keys that could be managed here."""
    return Conflict(
        f"{prefix} has no Handle administrators here.",
        code="prefixes.keys_not_here",
        hint="It must be a prefix of the Handle System that is active and resolved by this node.",
        detail={"why_zh": "只有由本节点解析、处于启用状态的 Handle 前缀才能管理密钥"},
    )


def key_invalid(why: str, why_zh: str, hint: str = "") -> Invalid:
    """A key that cannot be taken."""
    return Invalid(
        f"The key is not taken: {why}.",
        code="prefixes.key_invalid",
        hint=hint or "Give a public key of RSA or DSA with 2048 bits or more, or of P-256, as PEM or as SSH writes it.",
        detail={"pointer": "/public_key", "why": why, "why_zh": why_zh},
    )


def key_known() -> Conflict:
    """The key is there."""
    return Conflict(
        "This key is an administrator's of the prefix already.",
        code="prefixes.key_known",
        hint="Remove it first to change what it may do.",
        detail={"pointer": "/public_key", "why_zh": "该公钥已是此前缀的管理员密钥"},
    )


def key_index_taken(index: int) -> Conflict:
    """The index is another value's."""
    return Conflict(
        f"There is a value with index {index} already.",
        code="prefixes.key_index_taken",
        hint="Leave the index out, or remove that key first.",
        detail={"pointer": "/index", "index": index, "why_zh": f"索引 {index} 已被占用"},
    )


def key_unknown(index: int) -> NotFound:
    """There is no such key."""
    return NotFound(
        f"The prefix has no key with index {index}.",
        code="prefixes.key_unknown",
        hint="GET /api/v1/prefixes/{id}/handle-keys lists them.",
        detail={"index": index, "why_zh": f"该前缀没有索引为 {index} 的密钥"},
    )


def too_many_keys(limit: int) -> LimitExceeded:
    """Every index was used."""
    return LimitExceeded(
        f"A prefix has at most {limit} keys, each of a number that was never used.",
        code="prefixes.too_many_keys",
        hint="Name the index of a key that was removed; what it registered is the new key's to administer then.",
        detail={"limit": limit, "why_zh": f"每个前缀的密钥索引至多 {limit} 个，可指定已移除密钥的索引"},
    )
