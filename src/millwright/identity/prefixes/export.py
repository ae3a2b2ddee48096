"""The filing document (备案) as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import msgspec

from millwright.identity.prefixes.model import FilingDocument
from millwright.kernel import to_iso
from millwright.kernel.spreadsheet import safe_cell

CSV = "text/csv; charset=utf-8"
JSON = "application/json"


def json_of(document: FilingDocument) -> bytes:
    """The document as JSON, indented for people."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def csv_of(document: FilingDocument) -> bytes:
    """One line for each field, named in English and Chinese; UTF-8 with a byte order mark, for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["field", "字段", "value"])
    for row in _rows(document):
        writer.writerow([safe_cell(cell) for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _rows(document: FilingDocument) -> Iterator[tuple[str, str, str]]:
    yield "schema", "格式", document.schema
    yield "made_at", "生成时间", to_iso(document.at_ms)
    yield "prefix", "标识前缀", document.prefix
    yield "system", "编码体系", document.system
    yield "state", "状态", document.state
    yield "parent", "上级前缀", document.parent or ""
    yield "granted_at", "启用时间", _time(document.granted_ms)
    yield "valid_until", "有效期至", _time(document.until_ms)
    yield "organisation", "企业名称", document.organisation_name
    yield "organisation_id", "组织编号", document.organisation_id
    yield "credit_code", "统一社会信用代码", document.credit_code
    yield "contact", "联系人", document.contact.name
    yield "telephone", "联系电话", document.contact.telephone
    yield "email", "邮箱", document.contact.email
    yield "industry", "所属行业", document.industry
    yield "use", "用途", document.use
    yield "registrar", "审核组织", document.registrar_name or ""
    certification = document.certification
    yield "certified_by", "认证机构", certification.certified_by if certification else ""
    yield "certification_number", "认证编号", certification.number if certification else ""
    yield "certified_until", "认证有效期至", _time(certification.until_ms) if certification else ""
    for each in document.documents:
        yield "document", "附件", f"{each.name} ({each.size} B, SHA-256 {each.digest})"
    for filing in document.filings:
        words = [filing.node, filing.number, filing.state, _time(filing.filed_ms), _time(filing.answered_ms)]
        yield "filing", "备案记录", " | ".join(words)


def _time(at_ms: int | None) -> str:
    return "" if at_ms is None else to_iso(at_ms)
