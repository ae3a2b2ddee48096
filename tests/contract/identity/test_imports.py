"""Imports of identifiers over each database: what is registered, what is refused and why, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from millwright.engines import secrets
from millwright.engines.secrets import SecretsSettings, open_secrets
from millwright.engines.sql import Records as Sql
from millwright.identity.handle import Reference
from millwright.identity.handle.records import StoredRecord
from millwright.identity.handle.trust.claims import covered
from millwright.identity.handle.trust.jws import decode_signature
from millwright.identity.handle.trust.signing import Signer, Signers
from millwright.identity.records import Records
from millwright.identity.registration import Registration, ValueSeals
from millwright.identity.registration.bulk.encoding import Names, RowEncoder
from millwright.identity.registration.bulk.model import ImportInfo, ImportSettings, NewImport
from millwright.identity.registration.bulk.service import Imports
from millwright.identity.registration.bulk.store import ImportFiles
from millwright.identity.registration.bulk.worker import ImportWorker
from millwright.identity.registration.naming import read_identifier
from millwright.identity.registration.serials import SerialStore
from millwright.identity.registration.values import assemble, stamped
from millwright.identity.templates import Template, Templates, encode
from millwright.identity.templates.model import TemplateDocument
from millwright.kernel import MillwrightError, SystemClock
from support.identifiers import open_records
from support.prefixes import MIGRATIONS as OTHERS
from support.prefixes import Town
from support.registration import FIELDS, give_prefix

MIGRATIONS = [secrets.MIGRATIONS, *OTHERS]


class Desk:
    """An enterprise that imports."""

    def __init__(self, sql: Sql, folder: Path, **more: Any) -> None:
        self.town, self.clock = Town(sql), SystemClock()
        self.register: Records = open_records(folder, **more)
        self.secrets = open_secrets(SecretsSettings(), sql, folder, self.clock)
        self.secrets.prepare()
        self.templates = Templates(sql, self.clock)
        self.seals = ValueSeals(sql, self.secrets, self.clock)
        serials = SerialStore(sql)
        self.registration = Registration(self.register, self.templates, serials, sql, self.seals, self.clock)
        self.files = ImportFiles(folder / "imports")
        self.imports = Imports(sql, self.register, self.templates, serials, self.files, self.clock)
        self.sql, self.template_id = sql, ""
        give_prefix(self.register, "88.1", "red")

    async def prepare(self) -> None:
        document = msgspec.convert({"name": "Product", "fields": FIELDS}, TemplateDocument)
        with self.town.as_("red", "templates:edit"):
            self.template_id = (await self.templates.create(document, "red")).id
            await self.templates.publish(self.template_id, "red", None)

    async def template(self) -> Template:
        with self.town.as_("red", "templates:read"):
            return await self.templates.version(self.template_id)

    async def send(self, data: bytes, name: str = "things.csv", **settings: Any) -> str:
        with self.town.as_("red", "identifiers:register") as (who, by):
            made = await self.imports.create(by, NewImport(file_name=name))
            half = len(data) // 2
            await self.imports.append(made.id, 0, data[:half])
            await self.imports.append(made.id, half, data[half:])
            await self.imports.begin(who, made.id, ImportSettings(template_id=self.template_id, **settings))
        return made.id

    def worker(self) -> ImportWorker:
        return ImportWorker(self.sql, self.register, self.registration, self.seals, self.files, self.clock, ends=False)

    async def ended(self, import_id: str) -> ImportInfo:
        worker = self.worker()
        while worker._step():
            pass
        await worker.stop()
        with self.town.as_("red", "identifiers:register"):
            return await self.imports.get(import_id)

    async def refused(self, import_id: str) -> list[tuple[int, str, str]]:
        with self.town.as_("red", "identifiers:register"):
            page = await self.imports.refused(import_id, None, 1000)
        return [(each.line, each.field or each.column, each.code) for each in page.items]

    def fields(self, name: str) -> dict[str, Any]:
        with self.register.view() as view:
            record = view.find(name.encode())
            assert record is not None
            owner = view.authority(name.encode())
            assert owner is not None
        from millwright.identity.registration.values import Reader

        return self.registration.shown(record, owner, Reader(frozenset({"red"})), 1).fields


@pytest.fixture
async def desk(records: Sql, tmp_path: Path) -> Desk:
    made = Desk(records, tmp_path)
    await made.prepare()
    return made


def counts(found: ImportInfo) -> tuple[str, int, int, int, int, int]:
    return found.state, found.rows, found.registered, found.changed, found.unchanged, found.refused


async def test_rows_are_registered_and_the_others_told_with_their_reason(desk: Desk) -> None:
    text = (
        "标识,名称,colour,weight,recipe,tags,unused\r\n"
        '88.1/a,Pump 红,red,1.5 t,salt,"x\ny",?\r\n'
        "88.1/b,,red,,,,\r\n"
        "88.2/c,Pump,red,,,,\r\n"
        "nonsense,Pump,red,3 m,,,\r\n"
        "88.1/A,Pump,,,,,\r\n"
        "88.1/d,'=1+1,,,,,\r\n"
    )
    found = await desk.ended(await desk.send(text.encode("gb18030")))
    assert counts(found) == ("done", 6, 2, 0, 0, 4)
    assert await desk.refused(found.id) == [
        (4, "name", "templates.fields_invalid"),
        (5, "", "identifiers.no_prefix"),
        (6, "标识", "identity.code_unknown"),
        (6, "weight", "templates.fields_invalid"),
        (7, "", "identifiers.exists"),
    ]
    assert desk.fields("88.1/a") == {
        "name": "Pump 红", "colour": "red", "weight": {"value": 1.5, "unit": "t"}, "tags": ["x", "y"],
    }  # fmt: skip
    assert desk.fields("88.1/d") == {"name": "=1+1"}
    with desk.town.as_("red", "identifiers:register"):
        report = "".join(await desk.imports.refused_csv(found.id))
    assert report.splitlines()[0] == "\ufeffline,row,identifier,column,field,code,reason,reason_zh"
    assert len(report.splitlines()) == 6


async def test_what_a_row_becomes_is_what_registration_makes(desk: Desk) -> None:
    template = await desk.template()
    fields = {"name": "Pump", "colour": "红", "weight": {"value": 2, "unit": "kg"}, "batch": "b", "tags": ["1", "2"]}
    cells = ["88.1/x", "Pump", "红", "2 kg", "b", "1\n2"]
    columns = ["identifier", "name", "colour", "weight", "batch", "tags"]
    targets = {each: each if each == "identifier" else f"fields.{each}" for each in columns}
    encoder = RowEncoder(template, columns, targets, 1234, desk.seals, lambda _: "red")
    made = encoder.encode("88.1/x", cells)
    values = stamped(assemble(template, fields, []), (), 1234)
    assert made.data == StoredRecord.build(b"88.1/x", values).data
    assert encoder.read(cells) == (fields, [])


async def test_a_kill_anywhere_makes_nothing_twice(desk: Desk) -> None:
    rows = "".join(f"88.1/{number},thing {number},secret {number}\n" for number in range(50))
    whole = f"identifier,name,recipe\n{rows}88.1/7,again,\n".encode()
    import_id = await desk.send(whole, batch_size=8)

    class Killed(BaseException):
        pass

    put = desk.register.batch
    left = 3

    def dying(work: Callable[..., Any], **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            put(work, **more)  # in the log, and nobody wrote down that it is
            raise Killed
        return put(work, **more)

    desk.register.batch = dying  # type: ignore[method-assign]
    worker = desk.worker()
    with pytest.raises(Killed):
        worker._step()
    await worker.stop()
    batches = desk.register.batches
    found = await desk.ended(import_id)
    assert counts(found) == ("done", 51, 50, 0, 0, 1)
    assert desk.register.batches - batches == 4
    for number in range(50):
        assert [each.version for each in desk.register.history(f"88.1/{number}".encode())] == [1]


async def test_existing_ones_are_refused_skipped_or_changed(desk: Desk) -> None:
    await desk.ended(await desk.send(b"identifier,name,colour,recipe\n88.1/a,one,red,salt\n"))
    again = b"identifier,name\n88.1/a,two\n88.1/b,new\n"
    assert counts(await desk.ended(await desk.send(again)))[2:] == (1, 0, 0, 1)
    assert counts(await desk.ended(await desk.send(again, existing="skip")))[2:] == (0, 0, 2, 0)
    assert counts(await desk.ended(await desk.send(again, existing="update")))[2:] == (0, 1, 1, 0)
    assert counts(await desk.ended(await desk.send(again, existing="update")))[2:] == (0, 0, 2, 0)
    assert desk.fields("88.1/a") == {"name": "two", "colour": "red"}
    assert [each.version for each in desk.register.history(b"88.1/a")] == [1, 2]


async def test_a_dry_run_registers_nothing_and_is_followed_by_the_real_one(desk: Desk) -> None:
    data = b"identifier,name\n88.1/a,one\n88.1/b,\n"
    import_id = await desk.send(data, dry_run=True)
    assert counts(await desk.ended(import_id)) == ("done", 2, 1, 0, 0, 1)
    assert desk.register.history(b"88.1/a") == []
    with desk.town.as_("red", "identifiers:register") as (who, _):
        await desk.imports.begin(who, import_id, ImportSettings(template_id=desk.template_id))
        assert counts(await desk.ended(import_id)) == ("done", 2, 1, 0, 0, 1)
        with pytest.raises(MillwrightError) as again:
            await desk.imports.begin(who, import_id, ImportSettings(template_id=desk.template_id))
    assert again.value.code == "identifiers.import_state"
    assert len(desk.register.history(b"88.1/a")) == 1


async def test_whole_batches(desk: Desk) -> None:
    data = b"identifier,name\n88.1/a,1\n88.1/b,\n88.1/c,1\n88.1/d,1\n88.1/e,1\n"
    found = await desk.ended(await desk.send(data, batch_size=2, whole_batches=True))
    assert counts(found) == ("done", 5, 3, 0, 0, 2)
    codes = [code for _, _, code in await desk.refused(found.id)]
    assert codes == ["identifiers.batch_refused", "templates.fields_invalid"]


async def test_identifiers_are_made(desk: Desk) -> None:
    from millwright.identity.registration.model import NewSuffix

    data = b"name\none\ntwo\nthree\n"
    for kind in ("serial", "uuid", "random"):
        suffix = NewSuffix(kind=kind, before=f"{kind}-", digits=12)  # type: ignore[arg-type]
        found = await desk.ended(await desk.send(data, prefix="88.1", suffix=suffix, batch_size=2))
        assert counts(found) == ("done", 3, 3, 0, 0, 0)
    assert desk.fields("88.1/serial-000000000003") == {"name": "three"}
    with desk.register.view() as view:
        assert len(list(view.iter_handles(b"88.1"))) == 9


def tables(folder: Path) -> Iterator[tuple[str, bytes]]:
    table = pa.table({"identifier": ["88.1/a", "88.1/b"], "name": ["红", "two"], "tags": [["x", "y"], None]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    yield "t.arrow", sink.getvalue().to_pybytes()
    pq.write_table(table, folder / "t.parquet")
    yield "t.parquet", (folder / "t.parquet").read_bytes()
    yield "t.xlsx", workbook(["identifier", "name", "tags"], ["88.1/a", "红", "x\ny"], ["88.1/b", "two"])


def workbook(*rows: list[str]) -> bytes:
    import io
    import zipfile
    from xml.sax.saxutils import escape

    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    texts = sorted({cell for row in rows for cell in row})
    sheet = "".join(
        f'<row r="{line}">'
        + "".join(f'<c r="{chr(65 + at)}{line}" t="s"><v>{texts.index(cell)}</v></c>' for at, cell in enumerate(row))
        + "</row>"
        for line, row in enumerate(rows, 1)
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        sheets = '<sheets><sheet r:id="r1"/></sheets>'
        book.writestr("xl/workbook.xml", f'<workbook {main} xmlns:r="{office}">{sheets}</workbook>')
        relation = '<Relationship Id="r1" Target="worksheets/s.xml"/>'
        book.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relation}</Relationships>")
        strings = "".join(f"<si><t>{escape(each)}</t></si>" for each in texts)
        book.writestr("xl/sharedStrings.xml", f"<sst {main}>{strings}</sst>")
        book.writestr("xl/worksheets/s.xml", f"<worksheet {main}><sheetData>{sheet}</sheetData></worksheet>")
    return buffer.getvalue()


async def test_excel_arrow_and_parquet(desk: Desk, tmp_path: Path) -> None:
    for number, (name, data) in enumerate(tables(tmp_path)):
        found = await desk.ended(await desk.send(data, name, existing="skip"))
        assert counts(found) == (("done", 2, 2, 0, 0, 0) if not number else ("done", 2, 0, 0, 2, 0)), name
    assert desk.fields("88.1/a") == {"name": "红", "tags": ["x", "y"]}


async def test_files_that_are_none(desk: Desk) -> None:
    bomb = workbook(["identifier"]).replace(b"PK", b"XX", 1)
    for name, data in (("t.xlsx", bomb), ("t.parquet", b"x" * 99), ("t.csv", b"a\0b\n"), ("t.csv", b"a,a\n1,2\n")):
        with pytest.raises(MillwrightError) as error:
            await desk.send(data, name)
        assert error.value.code == "identifiers.import_unreadable"
    for data in (b"identifier,colour\n", b"name\n", b"identifier,name,name2\n"):
        columns = {"name2": "fields.name"} if b"name2" in data else {}
        with pytest.raises(MillwrightError) as error:
            await desk.send(data, columns=columns)
        assert error.value.code == "identifiers.import_columns"
    found = await desk.ended(await desk.send(b'identifier,name\n88.1/a,one\n88.1/b,"two\n'))
    assert (found.state, found.error is not None and found.error.code) == ("failed", "identifiers.import_unreadable")


@pytest.mark.parametrize(
    "text",
    [
        "88.1/a", "88.1/B-7_x", "88.1/a b", "88.1/(01)09506000134352", "88.1//01/09506000134352/21/8", "88.1/中",
        "(01)09506000134352(21)8", "(01)09506000134352(21)A1", "(01)09506000134352(21)a1",
        "(01)09506000134352(21)123456789012345678901", "https://id.gs1.org/01/09506000134352/21/8",
        "https://id.gs1.org/01/09506000134352/21/9?x=1", "GS1/01/09506000134352/21/8", "1.2.156.3", "did:web:a.example",
        "(01)09506000134353(21)8", "0.NA/88.1", "", "x", "88.1/", "10.1000/182",
    ],
)  # fmt: skip
def test_quick_names_are_the_same(text: str) -> None:
    def told(read: Callable[[], bytes]) -> bytes | str:
        try:
            return read()
        except MillwrightError as error:
            return error.code

    names = Names()
    for known in ("88.1/seen", "(01)09506000134352(21)77", "https://id.gs1.org/01/09506000134352/21/77"):
        names.read(known)
    names.read("GS1/01/09506000134352/21/77")
    assert told(lambda: names.read(text)) == told(lambda: read_identifier(text)[1])


async def test_sealed_values_are_never_in_the_clear(desk: Desk) -> None:
    await desk.ended(await desk.send(b"identifier,name,recipe\n88.1/a,one,verysecret\n"))
    with desk.register.view() as view:
        record = view.find(b"88.1/a")
    assert record is not None
    assert b"verysecret" not in record.data
    template = await desk.template()
    from millwright.identity.registration.values import read_fields

    opened = read_fields(template, record.values, sealing=desk.seals.of(b"88.1/a", "red"))
    assert opened["recipe"] == "verysecret"
    assert encode(template, {"name": "one", "recipe": "x"}, sealing=desk.seals.of(b"88.1/a", "red"))


async def test_rows_of_a_prefix_with_a_signer_are_signed(records: Sql, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signer = Signer(issuer=Reference(b"0.NA/88.1", 300), key=key)
    desk = Desk(records, tmp_path, signers=Signers([signer]))
    await desk.prepare()
    rows = "\n".join(f"88.1/a-{number},Thing {number}" for number in range(30))
    name = FIELDS[0]["name"]
    data = f"identifier,{name}\n{rows}\n".encode()
    other = {each["name"]: "" for each in FIELDS[1:] if each.get("required")}
    assert not other
    assert counts(await desk.ended(await desk.send(data, batch_size=7))) == ("done", 30, 30, 0, 0, 0)
    # The same once more changes nothing, and nothing is signed anew.
    again = await desk.ended(await desk.send(data, existing="update"))
    assert counts(again)[2:] == (0, 0, 30, 0)
    with desk.register.view() as view:
        for number in range(30):
            record = view.find(b"88.1/a-%d" % number)
            assert record is not None
            signature = next(each for each in record.values if each.type == b"HS_SIGNATURE")
            signed = decode_signature(signature.data)
            assert signed.signed_by(key.public_key())
            good, bad = covered(signed.claims, [each for each in record.values if each.public])
            assert (good, bad) == ({each.index for each in record.values if each.public and each != signature}, set())
            assert view.version(b"88.1/a-%d" % number) == 1
