"""Errors of registration: one function for each. Those that people meet carry the same words in Chinese."""

from __future__ import annotations

from millwright.kernel import Conflict, Corrupt, Invalid, NotFound, Outdated, Unsupported


def unknown(text: str) -> NotFound:
    """There is no such identifier, or nothing of it may be seen by this person."""
    return NotFound(
        f"Nothing is registered here under {text[:200]}.",
        code="identifiers.unknown",
        hint="GET /api/v1/identifiers lists your own, GET /api/v1/identifiers/search what you may see.",
        detail={"why_zh": "没有登记这个标识"},
    )


def removed(text: str, version: int) -> NotFound:
    """It was registered once."""
    return NotFound(
        f"{text[:200]} was removed.",
        code="identifiers.removed",
        hint="Its versions are kept; restore one of them to bring it back.",
        detail={"version": version, "why_zh": "该标识已被删除，历史版本仍保留"},
    )


def once_removed(text: str, version: int) -> Conflict:
    """A name that was removed is not given again."""
    return Conflict(
        f"{text[:200]} was registered before and removed.",
        code="identifiers.name_used",
        hint="An identifier names one thing for ever: restore a version of it, or register another.",
        detail={
            "pointer": "/identifier",
            "version": version,
            "why_zh": "该标识曾登记后删除，不能重新分配，请恢复其历史版本",
        },
    )


def exists(text: str) -> Conflict:
    """It is registered already."""
    return Conflict(
        f"{text[:200]} is registered already.",
        code="identifiers.exists",
        hint="Change it instead, or register another.",
        detail={"pointer": "/identifier", "why_zh": "该标识已登记"},
    )


def not_yours(text: str) -> NotFound:
    """It stands under no prefix of this person's organisations."""
    return NotFound(
        f"{text[:200]} stands under no prefix for which you may register.",
        code="identifiers.no_prefix",
        hint="GET /api/v1/prefixes lists your prefixes; apply for one that this identifier stands under.",
        detail={"pointer": "/identifier", "why_zh": "该标识不在您可登记的任何前缀之下"},
    )


def prefix_closed(prefix: str, state: str) -> Conflict:
    """The prefix is not in force."""
    detail = {"prefix": prefix, "state": state}
    if state == "suspended":
        return Conflict(
            f"The prefix {prefix} is suspended: nothing below it resolves, is registered or changed.",
            code="identifiers.prefix_suspended",
            hint="GET /api/v1/prefixes says why; ask who decides on the prefix.",
            detail=detail | {"why_zh": f"前缀 {prefix} 已停用，其下的标识暂不能登记或变更"},
        )
    return Conflict(
        f"The prefix {prefix} has expired: nothing below it resolves, is registered or changed.",
        code="identifiers.prefix_expired",
        hint="Ask for a renewal: POST /api/v1/prefixes/{id}/renewal-request.",
        detail=detail | {"why_zh": f"前缀 {prefix} 已到期，其下的标识暂不能登记或变更"},
    )


def suspended(text: str) -> Conflict:
    """It does not resolve at present."""
    return Conflict(
        f"{text[:200]} is suspended.",
        code="identifiers.suspended",
        hint="Whoever answers for it has ordered so; ask again later.",
        detail={"why_zh": "该标识已暂停解析"},
    )


def kept_elsewhere(prefix: str) -> Conflict:
    """The names of the prefix are kept by another node."""
    return Conflict(
        f"Identifiers of the prefix {prefix} are kept by another node.",
        code="identifiers.kept_elsewhere",
        hint="Register at the service that the prefix names.",
        detail={"prefix": prefix, "why_zh": f"前缀 {prefix} 的标识由其他节点登记"},
    )


def invalid(pointer: str, why: str, why_zh: str, hint: str = "Correct it and send it again.") -> Invalid:
    """A value of the request breaks a rule at ``pointer`` (RFC 6901)."""
    detail = {"pointer": pointer, "why": why, "why_zh": why_zh}
    return Invalid(f"{why}.", code="identifiers.invalid", hint=hint, detail=detail)


def no_generator(kind: str, system: str) -> Unsupported:
    """This kind of suffix is not made for this code system."""
    return Unsupported(
        f"A suffix of the kind {kind} is not made for {system} here.",
        code="identifiers.no_generator",
        hint="Give the whole identifier.",
        detail={"pointer": "/suffix/kind", "why_zh": "该编码体系不支持自动生成，请给出完整标识"},
    )


def all_taken(prefix: str) -> Conflict:
    """So many numbers in a row are taken that something is wrong."""
    return Conflict(
        f"The next numbers below {prefix} are taken already.",
        code="identifiers.serials_taken",
        hint="Try again, or begin with other characters.",
        detail={"pointer": "/suffix", "why_zh": "接下来的若干序列号均已被占用"},
    )


def stale(text: str, version: int) -> Outdated:
    """Somebody was faster."""
    return Outdated(
        f"{text[:200]} was changed meanwhile.",
        code="identifiers.revision_stale",
        hint="Read it again and decide anew.",
        detail={"version": version, "why_zh": "该标识已被他人修改，请重新读取"},
    )


def version_unknown(text: str, version: int) -> NotFound:
    """There is no such version with a record."""
    return NotFound(
        f"{text[:200]} has no version {version} to restore.",
        code="identifiers.version_unknown",
        hint="GET /api/v1/identifiers/record/versions lists them; a removal is none that can be restored.",
        detail={"version": version, "why_zh": "没有可恢复的该版本"},
    )


def template_elsewhere(template_id: str) -> Invalid:
    """The template belongs to another organisation than those that the prefix's holder is part of."""
    return Invalid(
        f"The template {template_id[:64]} is not one of the prefix's holder.",
        code="identifiers.template_elsewhere",
        hint="Use a template of the organisation whose prefix it is, or of one above it.",
        detail={"pointer": "/template_id", "why_zh": "该模板不属于前缀持有者"},
    )


def unsealable(name: str) -> Corrupt:
    """A sealed value cannot be opened."""
    return Corrupt(
        f"A sealed value of {name[:200]} cannot be opened.",
        code="identifiers.sealed_unreadable",
        hint="Its key was removed, or it was changed outside of this node.",
        detail={"why_zh": "加密数据无法解密"},
    )
