"""HTTP routes of finding identifiers; mounted below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from millwright.identity.registration.bulk.api import in_thread
from millwright.identity.registration.reading import reader_of
from millwright.identity.rights import IDENTIFIERS_READ
from millwright.identity.search.export import MEDIA, Export, ExportFormat, written
from millwright.identity.search.model import Among, IdentifierPage
from millwright.identity.search.service import Search
from millwright.identity.templates import Templates
from millwright.kernel import Invalid
from millwright.parties import authority_of, chosen_organisation, permit

Us = NamedDependency[Search]
Out = NamedDependency[Export]
Forms = NamedDependency[Templates]
Asking = Request[Any, Any, Any]
OfPrefix = Annotated[
    str | None,
    QueryParameter(name="prefix", max_length=400, description="Only below this prefix: `88.118.8`, `GS1:950600`."),
]
OfTemplate = Annotated[str | None, QueryParameter(name="template", max_length=64, description="Only of this template.")]
Since = Annotated[int | None, QueryParameter(ge=0, description="Only those changed since, UTC milliseconds.")]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=64)]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Identifiers on a page.")]
_READ = [permit(IDENTIFIERS_READ)]
_FIELD = "field."
_MOST_FIELDS = 20


class IdentifierListController(Controller):
    """Identifiers in lists."""

    path = "/identifiers"
    tags = ("Identifiers",)

    @get("/", summary="Identifiers", operation_id="listIdentifiers", guards=_READ)
    async def page(
        self,
        request: Asking,
        search: Us,
        of_prefix: OfPrefix = None,
        of_template: OfTemplate = None,
        since_ms: Since = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> IdentifierPage:
        """One's own, those changed last first. `lag` says how far the list is behind what is registered."""
        reader = reader_of(authority_of(request), chosen_organisation(request))
        return await search.find(
            reader, among="own", prefix=of_prefix, template_id=of_template, since_ms=since_ms, cursor=cursor,
            limit=limit,
        )  # fmt: skip

    @get("/search", summary="Search identifiers", operation_id="searchIdentifiers", guards=_READ)
    async def search(
        self,
        request: Asking,
        search: Us,
        text: Annotated[
            str, QueryParameter(name="q", max_length=400, description="Words, all of which occur, in any language.")
        ] = "",
        among: Annotated[
            Among, QueryParameter(description="`own`: one's own; `public`: what others show to everybody.")
        ] = "all",
        of_prefix: OfPrefix = None,
        of_template: OfTemplate = None,
        since_ms: Since = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> IdentifierPage:
        """Over all values one may see: every value of one's own but sealed ones, public ones of others. With
        `field.<name>=` only where that field has all of the words; it may be repeated with other names."""
        fields = {
            name[len(_FIELD) :]: value
            for name, value in request.query_params.items()
            if name.startswith(_FIELD) and value.strip()
        }
        if len(fields) > _MOST_FIELDS or any(len(each) > 400 for each in fields.values()):
            raise Invalid("Too much is asked for.", code="search.too_many_words", hint="Ask for fewer fields.")
        reader = reader_of(authority_of(request), chosen_organisation(request))
        return await search.find(
            reader, text, fields, among=among, prefix=of_prefix, template_id=of_template, since_ms=since_ms,
            cursor=cursor, limit=limit,
        )  # fmt: skip

    @get("/export", summary="Export identifiers", operation_id="exportIdentifiers", media_type=MEDIA["csv"],
         guards=_READ)  # fmt: skip
    async def export(
        self,
        request: Asking,
        export: Out,
        templates: Forms,
        form: Annotated[ExportFormat, QueryParameter(name="format", description="The kind of file.")] = "csv",
        text: Annotated[str, QueryParameter(name="q", max_length=400, description="Words, all of which occur.")] = "",
        among: Annotated[
            Among, QueryParameter(description="`own`: one's own; `public`: what others show to everybody.")
        ] = "own",
        of_prefix: OfPrefix = None,
        of_template: OfTemplate = None,
    ) -> Stream:
        """What one may see, as it is sent: CSV, JSON lines, or an Arrow stream, in a form that an import takes. With a
        template its fields are columns. Sealed fields are in no export."""
        template = None if of_template is None else await templates.version(of_template)
        reader = reader_of(authority_of(request), chosen_organisation(request))
        rows = export.rows(reader, text, among, of_prefix, of_template)
        headers = {"Content-Disposition": f'attachment; filename="identifiers.{form}"'}
        return Stream(in_thread(written(rows, form, template)), media_type=MEDIA[form], headers=headers)


ROUTES: list[type[Controller]] = [IdentifierListController]
