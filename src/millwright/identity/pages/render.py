"""A view as HTML: everything that came from outside is escaped here, and nowhere else is HTML made of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

import msgspec

from millwright.identity.codes.parsing import system_named
from millwright.identity.digital_link.links import safe_href
from millwright.identity.pages.view import Field, NoCode, Notice, PageView
from millwright.identity.pages.words import FORMS, TYPES, signature_words, word
from millwright.identity.resolution.html import Page, page
from millwright.kernel import Invalid


def address_of(text: str) -> str:
    """The path of the page about an identifier."""
    return "/id/" + quote(text, safe="/:;@!$&'()*+,=~-._")


def render(view: PageView, site: str, language: str) -> Page:
    """The page about an identifier."""
    code = view.code
    zh = language == "zh"
    label = view.system_label_zh if zh else view.system_label
    title = next((str(each.data["value"]) for each in view.fields if each.type.upper() in _TITLES), "")
    parts = [
        _head(site, language, address_of(code.text)),
        *(_notice(each, language) for each in view.notices),
        f"<h1>{escape(title or _shown(view))}</h1>",
        f'<p class="code">{escape(_shown(view))}</p>' if title else "",
    ]
    if not view.registered and view.status != 410:
        parts.append(_missing(view, language))
    if code.parts:
        rows = [
            (part.label_zh if zh else part.label, part.value, (part.meaning_zh if zh else part.meaning) or "")
            for part in code.parts
        ]
        body = "".join(
            f'<tr><th>{escape(name)}</th><td><span class="code">{escape(value)}</span>'
            f"{f' <small>{escape(meaning)}</small>' if meaning and meaning != value else ''}</td></tr>"
            for name, value, meaning in rows
        )
        parts.append(f"<h2>{word('parts', language)}</h2><table>{body}</table>")
    if view.fields:
        body = "".join(_field(each, language) for each in view.fields)
        parts.append(f"<h2>{word('values', language)}</h2><table>{body}</table>")
    elif view.registered and not view.links:
        parts.append(f'<p class="box">{word("no_public", language)}</p>')
    if view.links:
        items = "".join(_link(each.href, each.title, [each.curie, *each.hreflang]) for each in view.links)
        parts.append(f"<h2>{word('links', language)}</h2><ul>{items}</ul>")
    parts.append(_about(view, label, language))
    parts.append(_ask("", language))
    return page(f"{title or _shown(view)} – {site}", "".join(parts), language)


_TITLES = ("NAME", "TITLE", "GS1.DESCRIPTION", "DESCRIPTION")


def _shown(view: PageView) -> str:
    if view.code.system == "handle":
        return view.code.text
    return view.forms.get("element_string", view.code.canonical)


def render_no_code(view: NoCode, site: str, language: str) -> Page:
    """The page about a text that is no identifier, with the place at which it fails."""
    zh = language == "zh"
    parts = [_head(site, language, address_of(view.text)), f"<h1>{word('invalid', language)}</h1>"]
    at = view.at
    if at is not None and 0 <= at <= len(view.text):
        before, bad, after = view.text[:at], view.text[at : at + 1] or "␣", view.text[at + 1 :]
        parts.append(f'<p class="box code">{escape(before)}<span class="bad">{escape(bad)}</span>{escape(after)}</p>')
        why = (view.why_zh if zh else "") or view.why
        parts.append(f"<p>{escape(word('at', language, at=at + 1, why=why))}</p>")
    else:
        parts.append(f'<p class="box code">{escape(view.text)}</p><p>{escape(view.why)}</p>')
    if view.system:
        parts.append(f"<p>{escape(word('nearest', language, system=_system(view.system, language)))}</p>")
    others = [each for each in view.tried if each.system != view.system]
    if others:
        items = "".join(
            f"<li>{escape(_system(each.system, language))}: "
            f"{escape(word('at', language, at=each.at + 1, why=(each.why_zh if zh else '') or each.why))}</li>"
            for each in others
        )
        parts.append(f"<h2>{word('tried', language)}</h2><ul>{items}</ul>")
    parts.append(_ask(view.text, language))
    return page(f"{word('invalid', language)} – {site}", "".join(parts), language)


def render_start(site: str, language: str) -> Page:
    """The page that asks for an identifier."""
    inside = f"{_head(site, language, '/id')}<h1>{word('start', language)}</h1>{_ask('', language)}"
    return page(f"{word('start', language)} – {site}", inside, language)


def _head(site: str, language: str, address: str) -> str:
    other = "en" if language == "zh" else "zh"
    link = f'<a href="{escape(address)}?lang={other}" hreflang="{other}">{word("other_language", language)}</a>'
    return f'<header><a href="/id">{escape(site)}</a>{link}</header>'


def _ask(text: str, language: str) -> str:
    return (
        f'<form action="/id" method="get"><input name="q" value="{escape(text)}" required maxlength="2000" '
        f'aria-label="{word("search", language)}" placeholder="{escape(word("hint", language))}">'
        f"<button>{word('search', language)}</button></form>"
    )


def _notice(notice: Notice, language: str) -> str:
    """A notice, in the reader's language where there is a text in it."""
    said = (notice.text_zh or notice.text) if language == "zh" else (notice.text or notice.text_zh)
    head = word(notice.kind if notice.kind == "suspend" else notice.severity, language)
    lines = [f"<strong>{head}</strong>"]
    if said:
        lines.append(escape(said).replace("\n", "<br>"))
    if notice.href:
        lines.append(_anchor(notice.href, word("read_more", language)))
    when = [word("since", language, at=_minute(notice.since_ms))]
    if notice.until_ms is not None:
        when.append(word("until", language, at=_minute(notice.until_ms)))
    lines.append(f"<small>{' · '.join(when)}</small>")
    kind = "danger" if notice.kind == "suspend" else notice.severity
    return f'<section role="alert" class="notice {kind}">{"<br>".join(lines)}</section>'


def _minute(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _missing(view: PageView, language: str) -> str:
    if view.signature is not None:
        why = signature_words(view.signature.state, view.signature.reason, language)
        told = f"{escape(why)}<br>{word('refused_hint', language)}"
        return f'<p class="box"><strong>{word("refused", language)}</strong><br>{told}</p>'
    if view.prefix_state == "here":
        more = word("prefix_here", language)
    elif view.prefix_state == "elsewhere":
        more = word("prefix_elsewhere", language)
    else:
        return f'<p class="box">{word("closed", language)}: {escape(view.prefix_state)}</p>'
    prefix = f' <span class="code">{escape(view.prefix)}</span>' if view.prefix else ""
    return f'<p class="box"><strong>{word("unknown", language)}</strong><br>{more}{prefix}</p>'


def _about(view: PageView, label: str, language: str) -> str:
    rows: list[tuple[str, str]] = [(word("system", language), escape(label))]
    if view.prefix and view.registered:
        rows.append((word("prefix", language), f'<span class="code">{escape(view.prefix)}</span>'))
    if view.responsible:
        rows.append((word("responsible", language), escape(view.responsible)))
    if view.changed:
        rows.append(
            (
                word("changed", language),
                f'<time datetime="{view.changed}">{view.changed[:16].replace("T", " ")} UTC</time>',
            )
        )
    if view.signature is not None and view.registered:
        told = escape(signature_words(view.signature.state, view.signature.reason, language))
        if view.signature.signer:
            told += f"<br><small>{escape(word('signed_by', language, signer=view.signature.signer))}</small>"
        rows.append((word("signature", language), told))
    if view.registered:
        link = f'<a href="/api/handles/{quote(view.name)}?pretty">{escape(view.name)}</a>'
        rows.append((word("name", language), link))
    rows += [(word("notes", language), escape(note)) for note in view.code.notes]
    if view.code.certainty == "recalled":
        rows.append((word("notes", language), word("unchecked", language)))
    about = word("about" if view.registered else "system", language)
    forms = [
        (FORMS[form][language == "zh"] if form in FORMS else escape(form), f'<span class="code">{escape(text)}</span>')
        for form, text in view.forms.items()
    ]
    more = f"<details><summary>{word('forms', language)}</summary><table>{_rows(forms)}</table></details>"
    return f"<h2>{about}</h2><table>{_rows(rows)}</table>{more if forms else ''}"


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)


def _field(field: Field, language: str) -> str:
    zh = language == "zh"
    known = TYPES.get(field.type.upper())
    name = (field.label_zh if zh else field.label) or (known[zh] if known else field.type)
    meaning = field.meaning_zh if zh else field.meaning
    shown = escape(meaning) if meaning else _data(field.data, language)
    return f"<tr><th>{escape(name)}</th><td>{shown}</td></tr>"


def _data(data: Any, language: str) -> str:
    form, value = data["format"], data["value"]
    if form == "string":
        href = safe_href(value)
        return _anchor(href, value) if href else escape(value).replace("\n", "<br>")
    if form == "base64":
        return f"<small>{word('binary', language, size=len(value) * 3 // 4)}</small>"
    text = msgspec.json.format(msgspec.json.encode(value), indent=1).decode()
    return f'<small class="code">{escape(text)}</small>'


def _link(href: str, title: str, about: list[str]) -> str:
    return f"<li>{_anchor(href, title)} <small>{escape(' · '.join(about))}</small></li>"


def _anchor(href: str, text: str) -> str:
    return f'<a href="{escape(href)}" rel="noopener noreferrer nofollow">{escape(text)}</a>'


def _system(name: str, language: str) -> str:
    try:
        system = system_named(name)
    except Invalid:
        return name
    return system.label_zh if language == "zh" else system.label
