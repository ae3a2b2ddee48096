"""HTTP routes of metadata templates; mounted below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Struct

from millwright.identity.rights import TEMPLATES_EDIT, TEMPLATES_READ
from millwright.identity.templates.model import (
    FieldsToCheck,
    TemplateDocument,
    TemplateInfo,
    TemplatePage,
    TemplateVersion,
)
from millwright.identity.templates.ready import ReadyTemplate
from millwright.identity.templates.service import Templates
from millwright.kernel import etag, revision_of
from millwright.parties import IfMatch, Session, permit

Us = NamedDependency[Templates]
Who = NamedDependency[Session]
Id = Annotated[str, PathParameter(description="The template's id.", max_length=64)]
Version = Annotated[int | None, QueryParameter(description="Left out: the newest.", ge=1, le=1_000_000)]
_READ, _EDIT = [permit(TEMPLATES_READ)], [permit(TEMPLATES_EDIT)]


class CheckedFields(Struct, frozen=True):
    """The fields as they would be read back."""

    fields: dict[str, Any]


class TemplatesController(Controller):
    """Metadata templates: fields, types, visibility; in versions."""

    path = "/identifier-templates"
    tags = ("Identifier templates",)

    @get("/", summary="Templates", operation_id="listIdentifierTemplates", guards=_READ)
    async def page(
        self,
        templates: Us,
        text: Annotated[str, QueryParameter(name="q", max_length=128, description="Text in the name, any case.")] = "",
        retired: Annotated[bool | None, QueryParameter(description="Only those retired, or only the others.")] = None,
        published: Annotated[bool | None, QueryParameter(description="Whether a version is published.")] = None,
        cursor: Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=800)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Templates on a page.")] = 100,
    ) -> TemplatePage:
        """One's own and those that organisations above share, by name."""
        return await templates.list(text, retired=retired, published=published, cursor=cursor, limit=limit)

    @post("/", summary="Add a template", operation_id="addIdentifierTemplate", guards=_EDIT)
    async def add(self, data: JSONBody[TemplateDocument], templates: Us) -> Response[TemplateInfo]:
        """A draft, made anew or brought along as exported. It is used once it is published."""
        return _tagged(await templates.create(data), 201)

    @get("/ready", summary="Templates to begin with", operation_id="listReadyTemplates", guards=_READ)
    async def ready(self, templates: Us) -> list[ReadyTemplate]:
        """Documents that come with the package: product, batch, device, document, organisation."""
        return templates.ready()

    @get("/{template_id:str}", summary="A template", operation_id="getIdentifierTemplate", guards=_READ)
    async def one(self, template_id: Id, templates: Us) -> Response[TemplateInfo]:
        """With its newest version and its draft; the header `ETag` carries its revision."""
        return _tagged(await templates.get(template_id))

    @delete("/{template_id:str}", summary="Remove a template", operation_id="deleteIdentifierTemplate", guards=_EDIT)
    async def remove(self, template_id: Id, templates: Us) -> None:
        """Only one that was never published; retire the others."""
        await templates.delete(template_id)

    @get("/{template_id:str}/versions", summary="A template's versions",
         operation_id="listIdentifierTemplateVersions", guards=_READ)  # fmt: skip
    async def versions(self, template_id: Id, templates: Us) -> list[TemplateVersion]:
        """The published ones, newest first."""
        return await templates.versions(template_id)

    @get("/{template_id:str}/document", summary="A template's document",
         operation_id="exportIdentifierTemplate", guards=_READ)  # fmt: skip
    async def document(self, template_id: Id, templates: Us, version: Version = None) -> Response[TemplateDocument]:
        """The document of a version alone, as a file: what `POST /identifier-templates` takes, here or elsewhere."""
        found = await templates.version(template_id, version)
        name = quote(f"{found.document.name}-v{found.version}.json", safe="")
        return Response(found.document, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"})

    @put("/{template_id:str}/draft", summary="Change the draft", operation_id="setIdentifierTemplateDraft",
         guards=_EDIT)  # fmt: skip
    async def draft(
        self, template_id: Id, data: JSONBody[TemplateDocument], templates: Us, if_match: IfMatch = None
    ) -> Response[TemplateInfo]:
        """What will be the next version; published ones stay as they are."""
        return _tagged(await templates.set_draft(template_id, data, revision_of(if_match)))

    @delete("/{template_id:str}/draft", summary="Discard the draft", operation_id="discardIdentifierTemplateDraft",
            status_code=200, guards=_EDIT)  # fmt: skip
    async def discard(self, template_id: Id, templates: Us, if_match: IfMatch = None) -> Response[TemplateInfo]:
        """Of a template that was published."""
        return _tagged(await templates.discard_draft(template_id, revision_of(if_match)))

    @post("/{template_id:str}/publish", summary="Publish the draft", operation_id="publishIdentifierTemplate",
          status_code=200, guards=_EDIT)  # fmt: skip
    async def publish(
        self, template_id: Id, templates: Us, session: Who, if_match: IfMatch = None
    ) -> Response[TemplateInfo]:
        """Make it the next version, for good. A number keeps its type through all versions."""
        return _tagged(await templates.publish(template_id, session.person.name, revision_of(if_match)))

    @post("/{template_id:str}/retire", summary="Retire a template", operation_id="retireIdentifierTemplate",
          status_code=200, guards=_EDIT)  # fmt: skip
    async def retire(self, template_id: Id, templates: Us, if_match: IfMatch = None) -> Response[TemplateInfo]:
        """Nothing new is registered by it; what is registered stays readable."""
        return _tagged(await templates.retire(template_id, revision_of(if_match), retired=True))

    @post("/{template_id:str}/restore", summary="Restore a template", operation_id="restoreIdentifierTemplate",
          status_code=200, guards=_EDIT)  # fmt: skip
    async def restore(self, template_id: Id, templates: Us, if_match: IfMatch = None) -> Response[TemplateInfo]:
        """Offer it again."""
        return _tagged(await templates.retire(template_id, revision_of(if_match), retired=False))

    @post("/{template_id:str}/check", summary="Try fields", operation_id="checkIdentifierFields", status_code=200,
          guards=_READ, opt={"reads": True})  # fmt: skip
    async def check(self, template_id: Id, data: JSONBody[FieldsToCheck], templates: Us) -> CheckedFields:
        """Whether a version takes these fields; `problems` of the error says what is wrong with each. Keeps nothing."""
        return CheckedFields(await templates.check(template_id, data))


def _tagged(info: TemplateInfo, status: int = 200) -> Response[TemplateInfo]:
    return Response(info, status_code=status, headers=etag(info.revision))


ROUTES: list[type[Controller]] = [TemplatesController]
