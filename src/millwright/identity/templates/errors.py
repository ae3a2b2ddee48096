"""Errors of metadata templates. What is wrong with a value is said in English and Chinese."""

from __future__ import annotations

from msgspec import Struct, to_builtins

from millwright.kernel import Conflict, Corrupt, Invalid, NotFound, Outdated, Unsupported


class FieldProblem(Struct, frozen=True, kw_only=True):
    """What is wrong with the value of a field; ``pointer`` (RFC 6901) is from the fields."""

    field: str
    pointer: str
    why: str
    why_zh: str


def unknown(template_id: str) -> NotFound:
    """There is no such template, or not for this person."""
    return NotFound(
        f"There is no template {template_id[:64]}.",
        code="templates.unknown",
        hint="GET /api/v1/identifier-templates lists those you may use.",
        detail={"why_zh": "没有这个元数据模板"},
    )


def version_unknown(template_id: str, version: int | None) -> NotFound:
    """There is no such version."""
    said = "no published version" if version is None else f"no version {version}"
    return NotFound(
        f"The template {template_id[:64]} has {said}.",
        code="templates.version_unknown",
        hint="GET /api/v1/identifier-templates/{id}/versions lists them.",
        detail={"why_zh": "模板没有这个已发布的版本"},
    )


def no_draft(template_id: str) -> Conflict:
    """There is nothing to publish."""
    return Conflict(
        f"The template {template_id[:64]} has no draft.",
        code="templates.no_draft",
        hint="PUT /api/v1/identifier-templates/{id}/draft makes one.",
        detail={"why_zh": "模板没有待发布的草稿"},
    )


def same_as_published(version: int) -> Conflict:
    """The draft says what the newest version says."""
    return Conflict(
        f"The draft says what version {version} says.",
        code="templates.unchanged",
        hint="Change it, or discard it.",
        detail={"version": version, "why_zh": "草稿与已发布版本没有区别"},
    )


def name_taken(name: str) -> Conflict:
    """Another template of the organisation has the name."""
    return Conflict(
        f"Another template is named {name!r}.",
        code="templates.name_taken",
        hint="Choose another name; names are compared without case.",
        detail={"pointer": "/name", "name": name, "why_zh": "已有同名的模板"},
    )


def in_use(template_id: str) -> Conflict:
    """A published template is kept, for records name it."""
    return Conflict(
        f"The template {template_id[:64]} was published: records may name it.",
        code="templates.published",
        hint="Retire it instead: nothing new is registered by it then.",
        detail={"why_zh": "已发布的模板不能删除，请改为停用"},
    )


def retired(name: str) -> Conflict:
    """Nothing new is registered by it."""
    return Conflict(
        f"The template {name!r} is retired.",
        code="templates.retired",
        hint="Restore it, or use another.",
        detail={"why_zh": "模板已停用"},
    )


def stale(template_id: str, revision: int) -> Outdated:
    """Somebody was faster."""
    return Outdated(
        "The template was changed meanwhile.",
        code="templates.revision_stale",
        hint="Read it again and decide anew.",
        detail={"id": template_id, "revision": revision, "why_zh": "模板已被他人修改，请重新读取"},
    )


def document_invalid(pointer: str, why: str, why_zh: str) -> Invalid:
    """The document of a template breaks a rule at ``pointer`` (RFC 6901)."""
    detail = {"pointer": pointer, "why": why, "why_zh": why_zh}
    return Invalid(why, code="templates.document_invalid", hint=f"Correct the value at {pointer}.", detail=detail)


def number_reused(pointer: str, number: int, version: int) -> Conflict:
    """A number means something else in an earlier version."""
    return Conflict(
        f"The number {number} stands for a field of another type in version {version}.",
        code="templates.number_reused",
        hint="Give the new field a number that was never used.",
        detail={"pointer": pointer, "number": number, "version": version, "why_zh": "该编号在旧版本中代表另一种字段"},
    )


def fields_invalid(problems: list[FieldProblem]) -> Invalid:
    """Values that the template does not take; every one of them is told."""
    first = problems[0]
    more = f" ({len(problems)} fields are wrong.)" if len(problems) > 1 else ""
    return Invalid(
        f"{first.field}: {first.why}.{more}",
        code="templates.fields_invalid",
        hint="`problems` says what is wrong with each field.",
        detail={
            "pointer": f"/fields{first.pointer}",
            "field": first.field,
            "why": first.why,
            "why_zh": first.why_zh,
            "problems": to_builtins(problems),
        },
    )


def value_broken(field: str, index: int, why: str) -> Corrupt:
    """A stored value cannot be read by the template."""
    return Corrupt(
        f"The value {index} is no {field} by the template: {why}.",
        code="templates.value_broken",
        hint="It was changed without the template, or names the wrong version.",
        detail={"field": field, "index": index, "why": why, "why_zh": "存储的值不符合模板"},
    )


def sealing_missing(field: str) -> Unsupported:
    """A sealed field is never written in the clear."""
    return Unsupported(
        f"The field {field} is sealed, and nothing here seals it.",
        code="templates.sealing_missing",
        hint="Register it through the API.",
        detail={"field": field, "why_zh": "该字段须加密保存，此处无法加密"},
    )
