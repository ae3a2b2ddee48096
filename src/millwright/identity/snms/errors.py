"""Errors of this interface: one function for each, with the words that are sent."""

from __future__ import annotations

from millwright.identity.snms.facts import DOCUMENTED, FORMAT, MOST, RESERVED_INDEX
from millwright.kernel import Conflict, Denied, Invalid, NotFound


def handle_missing() -> Invalid:
    """There is no handle in the question."""
    return Invalid(
        "The parameter handle is missing.",
        code="snms.handle_missing",
        hint="GET …/identityv2/data/detail?handle=88.118.8/pump-7",
        detail={"pointer": "/handle", "why_zh": DOCUMENTED["handle_missing"]},
    )


def credentials_wrong() -> Denied:
    """No account of this name has this token."""
    return Denied(
        "No account of this name has this API token.",
        code="snms.credentials_wrong",
        hint="username is the name of the account, password one of its API tokens (mwt_…).",
        detail={"why_zh": DOCUMENTED["credentials_wrong"]},
    )


def too_many(count: int) -> Invalid:
    """More identifiers than one request may name."""
    return Invalid(
        f"{count} identifiers in one request; {MOST} are the most.",
        code="snms.too_many",
        hint="Send them in several requests, of 100 to 1500 each.",
        detail={"why_zh": f"批量操作最多支持{MOST}条，本次为{count}条"},
    )


def template_unknown(name: str) -> NotFound:
    """The holder of the prefix has no template of this name that is published and not retired."""
    return NotFound(
        f"There is no template named {name[:128]} to register by.",
        code="snms.template_unknown",
        hint="templateVersion is the name of a published template of the prefix's holder.",
        detail={"pointer": "/templateVersion", "why_zh": f"数据模板{name[:128]}不存在"},
    )


def index_reserved() -> Invalid:
    """Index 1001 is not taken."""
    return Invalid(
        f"The index {RESERVED_INDEX} is reserved.",
        code="snms.index_reserved",
        hint="Give the fields of the template numbers from 1000, which are indexes from 2000.",
        detail={"pointer": "/value", "why_zh": f"索引{RESERVED_INDEX}为预留索引，不能使用"},
    )


def index_unknown(index: int) -> Invalid:
    """The template has no field of this index."""
    return Invalid(
        f"The template has no field of the index {index}.",
        code="snms.index_unknown",
        hint="The index of a field is 1000 and its number.",
        detail={"pointer": "/value", "why_zh": DOCUMENTED["index_unknown"].format(index=index)},
    )


def index_twice(index: int) -> Invalid:
    """An index occurs twice."""
    return Invalid(
        f"The index {index} occurs twice.",
        code="snms.index_twice",
        hint="Each attribute has an index of its own.",
        detail={"pointer": "/value", "why_zh": f"索引{index}重复"},
    )


def type_differs(index: int, given: str, wanted: str) -> Invalid:
    """The type is not that of the template."""
    return Invalid(
        f"The attribute {index} is of the type {wanted} by the template, not {given[:128]}.",
        code="snms.type_differs",
        hint="Index and type are those of the template.",
        detail={"pointer": "/value", "why_zh": f"索引{index}的类型应为{wanted}，与模板不一致"},
    )


def format_unknown(index: int, given: str) -> Invalid:
    """The format is none that is taken."""
    return Invalid(
        f"The attribute {index} has the format {given[:40]}; {FORMAT} is the only one.",
        code="snms.format_unknown",
        hint=f'Send "format": "{FORMAT}".',
        detail={"pointer": "/value", "why_zh": f"索引{index}的内容格式只支持{FORMAT}"},
    )


def value_refused(index: int, why: str, why_zh: str) -> Invalid:
    """The value is none that the field takes."""
    return Invalid(
        f"The attribute {index}: {why}.",
        code="snms.value_invalid",
        hint="Correct it and send it again.",
        detail={"pointer": "/value", "why_zh": f"索引{index}的值不符合要求：{why_zh}"},
    )


def template_item(what: str, why: str, why_zh: str) -> Invalid:
    """An item of a template is none that can be kept."""
    return Invalid(
        f"{what[:128]} {why}.",
        code="snms.template_item",
        hint="idType has letters, digits, dots, lines; indexes begin at 2000; metadata.type is string.",
        detail={"pointer": "/items", "why_zh": f"模板属性{what[:128]}{why_zh}"},
    )


def prefix_unknown(prefix: str) -> NotFound:
    """It is no prefix of this caller's organisations."""
    return NotFound(
        f"{prefix[:200]} is no prefix of your organisations.",
        code="snms.prefix_unknown",
        hint="GET /api/v1/prefixes lists your prefixes.",
        detail={"pointer": "/prefix", "why_zh": f"前缀{prefix[:200]}不存在或不属于您"},
    )


def template_draft(name: str) -> Conflict:
    """Somebody is at work on the template."""
    return Conflict(
        f"The template {name[:128]} has a draft that is not published.",
        code="snms.template_draft",
        hint="Publish or discard the draft first.",
        detail={"why_zh": f"数据模板{name[:128]}有未发布的草稿，请先发布或放弃"},
    )
