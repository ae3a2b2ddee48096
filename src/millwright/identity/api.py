"""HTTP routes of identifiers; mounted below ``/api/v1``.

Those of codes and carriers are here: they keep nothing and read nothing that is kept. The others are in their rooms.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from millwright.identity.carriers import Found as Carrier
from millwright.identity.carriers import Label, Level, SheetLayout, Symbology
from millwright.identity.carriers.errors import labels_refused
from millwright.identity.codes import SYSTEMS, Code, Refusal, convert, forms_of, parse_as
from millwright.identity.codes.errors import too_busy
from millwright.identity.drills import api as drills_api
from millwright.identity.filing import api as filing_api
from millwright.identity.measures import api as measures_api
from millwright.identity.operation import api as operation_api
from millwright.identity.prefixes import api as prefixes_api
from millwright.identity.registration import api as registration_api
from millwright.identity.rights import CODES_USE
from millwright.identity.search import api as search_api
from millwright.identity.snms import api as snms_api
from millwright.identity.templates import api as templates_api
from millwright.kernel import MillwrightError
from millwright.parties import permit

MOST_TEXTS = 1000
_USE = [permit(CODES_USE)]
_READS = {"reads": True}
"""Sent by POST for the size of what is asked, and changes nothing."""


class Turns:
    """Work that keeps a core busy: ``most`` at a time, ``waiting`` more wait for their turn, others are refused.

    As a context it lasts for one turn. Raises ``Unavailable`` (``identity.busy``).
    """

    def __init__(self, most: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(most)
        self._most = most + waiting
        self._inside = 0

    async def __aenter__(self) -> None:
        if self._inside >= self._most:
            raise too_busy()
        self._inside += 1
        try:
            await self._places.acquire()
        except BaseException:
            self._inside -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._inside -= 1
        self._places.release()


_TEXTS = Turns(2, 32)
"""A thousand texts of the longest and worst kind take 45 s."""
_LARGE = Turns(1, 8)
"""One picture or sheet at a time: a large one keeps a core busy for seconds, and pages must not wait for it."""


class SystemView(Struct, frozen=True, kw_only=True):
    """A code system: its standard, an example, and the forms its codes can be written in."""

    name: str
    label: str
    label_zh: str
    standard: str
    example: str
    forms: list[str]


class Texts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to parse; ``system``: by which system alone."""

    texts: Annotated[list[str], Meta(min_length=1, max_length=MOST_TEXTS, examples=[["88.118.8/pump-7"]])]
    system: str | None = None


class Conversion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to write in another form, such as ``https`` or ``urn``; ``GET /codes/systems`` lists them."""

    texts: Annotated[list[str], Meta(min_length=1, max_length=MOST_TEXTS, examples=[["1.2.156.10197"]])]
    form: Annotated[str, Meta(max_length=40, examples=["urn"])]
    system: str | None = None


class CodeProblem(Struct, frozen=True, kw_only=True):
    """Why a text was refused; ``tried``: by each system, where it could be any."""

    code: str
    message: str
    hint: str
    system: str | None = None
    at: int | None = None
    why: str = ""
    why_zh: str = ""
    tried: list[Refusal] = []


class ParsedText(Struct, frozen=True, kw_only=True):
    """A code with its other forms, or the problem with it. ``also``: other systems that would take the text."""

    text: str
    code: Code | None = None
    forms: dict[str, str] = {}
    also: tuple[str, ...] = ()
    problem: CodeProblem | None = None


class ConvertedText(Struct, frozen=True, kw_only=True):
    """A text in the form asked for, or the problem with it."""

    text: str
    result: str | None = None
    problem: CodeProblem | None = None


class Sheet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sheet of labels: either ``labels`` or ``csv`` (columns text, caption, symbology, copies)."""

    labels: Annotated[list[Label], Meta(max_length=5000)] = []
    csv: Annotated[str, Meta(max_length=4_000_000)] = ""
    symbology: Symbology = "qr"
    layout: SheetLayout | None = None
    format: Literal["pdf", "svg"] = "pdf"


class ReadCode(Struct, frozen=True, kw_only=True):
    """A carrier in a picture, and what its text is."""

    carrier: Carrier
    parsed: ParsedText


class TakesPicture(Operation):
    """Documents the body that is read by hand."""

    def __post_init__(self) -> None:
        """Put the kinds of pictures into the document."""
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        kinds = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp")
        self.request_body = RequestBody({kind: OpenAPIMediaType(schema=schema) for kind in kinds}, required=True)


class CodesController(Controller):
    """Codes of every identifier system in use."""

    path = "/codes"
    tags = ("Codes",)

    @get("/systems", summary="Code systems", guards=_USE)
    async def systems(self) -> list[SystemView]:
        """The systems in the order in which an unknown text is tried."""
        return [
            SystemView(
                name=each.name, label=each.label, label_zh=each.label_zh, standard=each.standard, example=each.example,
                forms=list(each.conversions),
            )
            for each in SYSTEMS
        ]  # fmt: skip

    @post("/parse", summary="Parse codes", guards=_USE, opt=_READS, status_code=200)
    async def parse(self, data: JSONBody[Texts]) -> list[ParsedText]:
        """Each text as a code with its parts, or with the character at which it breaks a rule. Keeps nothing."""
        async with _TEXTS:
            return await asyncio.to_thread(lambda: [parsed_text(text, data.system) for text in data.texts])

    @post("/convert", summary="Write codes in another form", guards=_USE, opt=_READS, status_code=200)
    async def convert(self, data: JSONBody[Conversion]) -> list[ConvertedText]:
        """Each text in the form asked for, or why it has none. Keeps nothing."""

        def converted(text: str) -> ConvertedText:
            try:
                return ConvertedText(text=text, result=convert(parse_as(text, data.system).code, data.form))
            except MillwrightError as error:
                return ConvertedText(text=text, problem=_problem(error))

        async with _TEXTS:
            return await asyncio.to_thread(lambda: [converted(text) for text in data.texts])


class CarriersController(Controller):
    """Carriers: QR Code, Data Matrix and Code 128, drawn and read."""

    path = "/carriers"
    tags = ("Carriers",)

    @get("/{symbology:str}", summary="Draw a carrier", guards=_USE, media_type="image/svg+xml")
    async def draw(
        self,
        symbology: Annotated[Symbology, PathParameter(description="Kind of symbol; the `gs1_` ones begin with FNC1.")],
        text: Annotated[str, QueryParameter(min_length=1, max_length=4000, description="What it says.")],
        form: Annotated[
            Literal["svg", "png", "zpl"], QueryParameter(name="format", description="Picture, or label commands.")
        ] = "svg",
        level: Annotated[Level, QueryParameter(description="Error correction of QR Code.")] = "M",
        scale: Annotated[int, QueryParameter(ge=1, le=20, description="Pixels or dots a module.")] = 6,
        hri: Annotated[bool, QueryParameter(description="With the text for people, in SVG and ZPL.")] = False,
    ) -> Response[bytes]:
        """The symbol as SVG, PNG, or a label in ZPL II. Element strings are given as `(01)09506000134352(10)A`."""
        # The libraries of pictures are imported when one is drawn: a node starts without them.
        from millwright.identity.carriers import encode, png_of, svg_of, zpl_of

        def drawn() -> tuple[bytes, str]:
            symbol = encode(text, symbology, level=level)
            if form == "png":
                return png_of(symbol, scale=scale), "image/png"
            if form == "zpl":
                return zpl_of(symbol, dots=scale, level=level, hri=hri), "text/plain; charset=utf-8"
            return svg_of(symbol, hri=hri), "image/svg+xml"

        content, media_type = await asyncio.to_thread(drawn)
        return _file(content, media_type, f"{symbology}.{form}")

    @post("/sheet", summary="Draw a sheet of labels", guards=_USE, opt=_READS, status_code=200,
          media_type="application/pdf")  # fmt: skip
    async def sheet(self, data: JSONBody[Sheet]) -> Response[bytes]:
        """Labels on A4 as PDF, or as SVG with the pages one below the other. Keeps nothing."""
        from millwright.identity.carriers import pdf_sheet, read_labels, svg_sheet

        def drawn() -> bytes:
            if bool(data.labels) == bool(data.csv):
                raise labels_refused("Give either labels or csv.")
            labels = data.labels or read_labels(data.csv.encode())
            make = pdf_sheet if data.format == "pdf" else svg_sheet
            return make(labels, data.layout or SheetLayout(), symbology=data.symbology)

        async with _LARGE:
            content = await asyncio.to_thread(drawn)
        return _file(content, "application/pdf" if data.format == "pdf" else "image/svg+xml", f"labels.{data.format}")

    @post("/read", summary="Read a picture", guards=_USE, opt=_READS, status_code=200, operation_class=TakesPicture)
    async def read(self, request: Request[Any, Any, Any]) -> list[ReadCode]:
        """Every carrier in a PNG, JPEG, WebP, GIF or BMP picture of at most 10 MB and 25 megapixels. Keeps nothing."""
        from millwright.identity.carriers import read_picture

        picture = await request.body()

        def found() -> list[ReadCode]:
            return [ReadCode(carrier=each, parsed=parsed_text(each.text)) for each in read_picture(picture)]

        async with _LARGE:
            return await asyncio.to_thread(found)


def parsed_text(text: str, system: str | None = None) -> ParsedText:
    """A text with everything that is known of it."""
    try:
        found = parse_as(text, system)
    except MillwrightError as error:
        return ParsedText(text=text, problem=_problem(error))
    return ParsedText(text=text, code=found.code, forms=forms_of(found.code), also=found.also)


def _problem(error: MillwrightError) -> CodeProblem:
    detail = error.detail
    return CodeProblem(
        code=error.code, message=error.message, hint=error.hint, system=detail.get("system"), at=detail.get("at"),
        why=detail.get("why", ""), why_zh=detail.get("why_zh", ""),
        tried=[Refusal(**each) for each in detail.get("tried", [])],
    )  # fmt: skip


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'inline; filename="{name}"'})


ROUTES: list[type[Controller]] = [
    CodesController,
    CarriersController,
    *prefixes_api.ROUTES,
    *filing_api.ROUTES,
    *templates_api.ROUTES,
    *drills_api.ROUTES,
    *registration_api.ROUTES,
    *measures_api.ROUTES,
    *search_api.ROUTES,
    *snms_api.ROUTES,
    *operation_api.ROUTES,
]
