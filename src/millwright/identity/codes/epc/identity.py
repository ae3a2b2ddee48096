"""Pure identities, classes and patterns of identities as URIs (Tag Data Standard, clauses 6 to 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, NoReturn

from millwright.identity.codes.epc.components import escape, unescape
from millwright.identity.codes.epc.schemes import LGTIN, SCHEMES, Scheme, identity_pattern, pattern_of
from millwright.identity.codes.errors import bad_code

ID = "urn:epc:id:"
CLASS = "urn:epc:class:"
IDPAT = "urn:epc:idpat:"

Form = Literal["id", "class", "idpat"]


class Identity(NamedTuple):
    """An identity: the values of its scheme's fields without escapes; ``*`` in a pattern stands for any."""

    scheme: Scheme
    values: tuple[str, ...]
    form: Form = "id"
    places: tuple[int, ...] = ()

    def uri(self) -> str:
        """As a URI, with escapes in capitals."""
        start = {"id": ID, "class": CLASS, "idpat": IDPAT}[self.form]
        return f"{start}{self.scheme.name}:{'.'.join(escape(value) for value in self.values)}"

    def value(self, name: str) -> str:
        """The value of the field ``name``."""
        return self.values[[field.name for field in self.scheme.fields].index(name)]


def read_identity(text: str) -> Identity:
    """The identity that a URI names; raises ``Invalid`` with the character that is wrong."""
    form: Form
    if text.startswith(ID):
        start, form = len(ID), "id"
    elif text.startswith(CLASS):
        start, form = len(CLASS), "class"
    elif text.startswith(IDPAT):
        start, form = len(IDPAT), "idpat"
    else:
        raise bad_code(
            text,
            0,
            "an EPC begins with urn:epc:id:, urn:epc:class: or urn:epc:idpat:.",
            why_zh="EPC 以 urn:epc: 开头。",
        )
    name, colon, body = text[start:].partition(":")
    scheme = LGTIN if form == "class" and name == "lgtin" else SCHEMES.get(name) if form != "class" else None
    if scheme is None or not colon:
        raise bad_code(text, start, f"there is no EPC scheme {name[:20]!r}.", why_zh=f"没有 EPC 方案 {name[:20]!r}。")
    at = start + len(name) + 1
    if form == "idpat" and "*" in body:
        return _read_pattern(text, scheme, body, at)
    return read_fields(text, scheme, body, at)._replace(form=form)


def read_fields(text: str, scheme: Scheme, body: str, at: int) -> Identity:
    """The identity whose fields ``body`` holds, which stands in ``text`` from ``at``."""
    found = identity_pattern(scheme).fullmatch(body)
    if found is None:
        _misformed(text, scheme, body, at)
    places = tuple(at + found.start(index) for index in range(1, len(scheme.fields) + 1))
    raw = found.groups()
    values = tuple(unescape(one) for one in raw) if "%" in body else raw
    check_values(text, scheme, values, places)
    return Identity(scheme, values, "id", places)


def _misformed(text: str, scheme: Scheme, body: str, at: int) -> NoReturn:
    words = body.split(".")
    for index, field in enumerate(scheme.fields):
        # Only the last field's own text may hold points.
        last = index == len(scheme.fields) - 1
        word = ".".join(words[index:]) if last else words[index] if index < len(words) else ""
        if index >= len(words):
            raise bad_code(text, len(text), f"the {field.label} is missing.", why_zh=f"缺少{field.label_zh}。")
        found = pattern_of(field).match(word)
        good = found.end() if found else len(word) - len(word.lstrip("0123456789"))
        if good < len(word) or not found:
            raise bad_code(
                text,
                at + good,
                f"the {field.label} is wrong from here on: {word[good : good + 8]!r}.",
                why_zh=f"{field.label_zh}自此处起有误：{word[good : good + 8]!r}。",
            )
        at += len(word) + 1
    raise bad_code(text, at, f"this is no {scheme.name}.", why_zh=f"这不是 {scheme.name}。")


def check_values(text: str, scheme: Scheme, values: Sequence[str], places: Sequence[int]) -> None:
    """The rules that hold between fields and within numbers; raises ``Invalid``.

    Of a pattern only the first fields are given, and rules about others do not apply.
    """
    if len(values) < min(2, len(scheme.fields)) and scheme.name != "gid":
        return
    if scheme.digits:
        total = len(values[0]) + len(values[1])
        if total != scheme.digits:
            raise bad_code(
                text,
                places[1],
                f"company prefix and {scheme.fields[1].label} have {scheme.digits} digits together, here {total}.",
                why_zh=f"厂商识别代码与{scheme.fields[1].label_zh}合计应为 {scheme.digits} 位，此处为 {total} 位。",
            )
        if scheme.name == "itip" and len(values) > 2:
            _check_piece(text, values, places)
    elif scheme.key:
        if len(values[0]) + len(values[1]) > 30:
            raise bad_code(
                text,
                places[1],
                "company prefix and reference have at most 30 characters together.",
                why_zh="厂商识别代码与参考代码合计不超过 30 个字符。",
            )
    elif rule := _RULES.get(scheme.name):
        rule(text, values, places)


def _check_piece(text: str, values: Sequence[str], places: Sequence[int]) -> None:
    piece, total = int(values[2]), int(values[3]) if len(values) > 3 else 99
    if piece == 0 or piece > total:
        raise bad_code(
            text, places[2], f"piece {piece} of {total} cannot be.", why_zh=f"组件序号 {piece}/{total} 不成立。"
        )


def _check_gid(text: str, values: Sequence[str], places: Sequence[int]) -> None:
    for value, bits, at in zip(values, (28, 24, 36), places, strict=False):
        if int(value) >> bits:
            raise bad_code(text, at, f"the number is at most {2**bits - 1}.", why_zh=f"数值不超过 {2**bits - 1}。")


def _check_usdod(text: str, values: Sequence[str], places: Sequence[int]) -> None:
    if int(values[1]) >> 36:
        raise bad_code(text, places[1], f"the number is at most {2**36 - 1}.", why_zh=f"数值不超过 {2**36 - 1}。")


def _check_bic(text: str, values: Sequence[str], places: Sequence[int]) -> None:
    right = container_check_digit(values[0][:10])
    if values[0][10] != right:
        raise bad_code(
            text,
            places[0] + 10,
            f"the check digit is {values[0][10]} but should be {right}.",
            why_zh=f"校验位是 {values[0][10]}，应为 {right}。",
        )


def _check_imovn(text: str, values: Sequence[str], places: Sequence[int]) -> None:
    digits = values[0]
    right = str(sum(int(digit) * weight for digit, weight in zip(digits[:6], range(7, 1, -1), strict=True)) % 10)
    if digits[6] != right:
        raise bad_code(
            text,
            places[0] + 6,
            f"the check digit is {digits[6]} but should be {right}.",
            why_zh=f"校验位是 {digits[6]}，应为 {right}。",
        )


def container_check_digit(code: str) -> str:
    """The check digit of ten characters of a container's code (ISO 6346, annex A)."""
    total = 0
    for place, character in enumerate(code):
        value = int(character, 36)
        # Letters leave out the multiples of 11: 10, 12 to 21, 23 to 32, 34 to 38.
        value += (value > 10) + (value > 20) + (value > 30)
        total += value << place
    return str(total % 11 % 10)


_RULES = {"gid": _check_gid, "usdod": _check_usdod, "bic": _check_bic, "imovn": _check_imovn}


def _read_pattern(text: str, scheme: Scheme, body: str, at: int) -> Identity:
    """A pattern: from some field on, all are ``*`` (clause 8)."""
    words = body.split(".")
    count = len(scheme.fields)
    if len(words) != count:
        raise bad_code(
            text,
            at,
            f"a {scheme.name} has {count} fields, here are {len(words)}.",
            why_zh=f"{scheme.name} 应有 {count} 个字段，此处为 {len(words)} 个。",
        )
    fixed = words.index("*")
    places = []
    for index, (word, field) in enumerate(zip(words, scheme.fields, strict=True)):
        places.append(at)
        if index >= fixed:
            if word != "*":
                raise bad_code(text, at, "after * only * may follow.", why_zh="* 之后只可为 *。")
        elif pattern_of(field).fullmatch(word) is None:
            raise bad_code(
                text, at, f"the {field.label} is wrong: {word[:20]!r}.", why_zh=f"{field.label_zh}有误：{word[:20]!r}。"
            )
        at += len(word) + 1
    values = tuple(unescape(word) for word in words)
    check_values(text, scheme, values[:fixed], places)
    return Identity(scheme, values, "idpat", tuple(places))
