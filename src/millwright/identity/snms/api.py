"""HTTP routes of the interface; mounted below ``/api/v1``, and where the node is set to it at the root too.

Answers are envelopes; :mod:`.door` makes one of every refusal.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from millwright.identity.registration.reading import reader_of
from millwright.identity.registration.values import Reader
from millwright.identity.rights import IDENTIFIERS_READ, IDENTIFIERS_REGISTER, TEMPLATES_EDIT, TEMPLATES_READ
from millwright.identity.snms.door import message_of
from millwright.identity.snms.facts import DONE, REFUSED, SUCCESS
from millwright.identity.snms.model import (
    SnmsCodedResult,
    SnmsCredentials,
    SnmsDetailEnvelope,
    SnmsDoneEnvelope,
    SnmsEntry,
    SnmsManyEnvelope,
    SnmsNamed,
    SnmsNamedMany,
    SnmsNewTemplate,
    SnmsRemovedEnvelope,
    SnmsResult,
    SnmsTemplateEnvelope,
    SnmsTemplateKey,
    SnmsToken,
    SnmsTokenEnvelope,
)
from millwright.identity.snms.service import Operation, Snms
from millwright.kernel import MillwrightError
from millwright.parties import Authority, Session, authority_of, chosen_organisation, permit

Us = NamedDependency[Snms]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Asking = Request[Any, Any, Any]
Prefix = Annotated[str, QueryParameter(min_length=1, max_length=400, description="A prefix of one's own.")]
Version = Annotated[str, QueryParameter(min_length=1, max_length=128, description="The template's name.")]
_TEMPLATES_READ, _TEMPLATES_EDIT = [permit(TEMPLATES_READ)], [permit(TEMPLATES_EDIT)]
_READ, _REGISTER = [permit(IDENTIFIERS_READ)], [permit(IDENTIFIERS_REGISTER)]


class SnmsController(Controller):
    """What secondary nodes of China's system of industrial identifiers offer to enterprises."""

    path = "/snms"
    tags = ("SNMS",)

    @post("/identity/token", summary="Take a token", operation_id="snmsToken", status_code=200, security=[{}])
    async def token(self, data: JSONBody[SnmsCredentials], request: Asking, snms: Us) -> SnmsTokenEnvelope:
        """`username` is the name of an account, `password` one of its API tokens, which is answered as `data.token`."""
        await snms.check_token(data.username, data.password, request.client.host if request.client else "")
        return SnmsTokenEnvelope(data=SnmsToken(token=data.password))

    @get("/template", summary="A template of a prefix", operation_id="snmsTemplate", guards=_TEMPLATES_READ)
    async def template(self, prefix: Prefix, version: Version, snms: Us, authority: Me) -> SnmsTemplateEnvelope:
        """The one of the name `version` that is nearest to the prefix's holder. Where clients look for it:
        `/snms/api/v3/template`, `/snms/api/v5/template`, `/snms/api/template/v1`."""
        return SnmsTemplateEnvelope(data=await snms.template(authority, prefix, version))

    @post("/template", summary="Add a template of a prefix", operation_id="snmsAddTemplate", status_code=200,
          guards=_TEMPLATES_EDIT)  # fmt: skip
    async def add_template(self, data: JSONBody[SnmsNewTemplate], snms: Us, session: Who) -> SnmsDoneEnvelope:
        """It is published at once; its items are public texts."""
        await snms.add_template(session, data)
        return SnmsDoneEnvelope(data=True)

    @put("/template", summary="Change a template of a prefix", operation_id="snmsChangeTemplate",
         guards=_TEMPLATES_EDIT)  # fmt: skip
    async def change_template(
        self, data: JSONBody[SnmsNewTemplate], snms: Us, authority: Me, session: Who
    ) -> SnmsDoneEnvelope:
        """Items whose index and type are known are changed, others are added, those in the state 0 left out of the new
        version. It is published at once."""
        await snms.change_template(authority, session, data)
        return SnmsDoneEnvelope(data=True)

    @delete("/template", summary="Retire a template of a prefix", operation_id="snmsRetireTemplate", status_code=200,
            guards=_TEMPLATES_EDIT)  # fmt: skip
    async def retire_template(self, data: JSONBody[SnmsTemplateKey], snms: Us, authority: Me) -> SnmsDoneEnvelope:
        """Nothing is registered by it any more; what is registered stays, and its name stays taken."""
        await snms.retire_template(authority, data)
        return SnmsDoneEnvelope(data=True)

    @get("/identityv2/data/detail", summary="Look up an identifier", operation_id="snmsDetail", guards=_READ)
    async def detail(
        self,
        request: Asking,
        snms: Us,
        handle: Annotated[str | None, QueryParameter(max_length=2048, description="The identifier.")] = None,
    ) -> SnmsDetailEnvelope:
        """What one may see of it: attributes with their index and type, the template's name at index 1001."""
        return SnmsDetailEnvelope(data=await snms.detail(handle, _reader(request)))

    @post("/identityv2/data", summary="Register an identifier", operation_id="snmsAdd", status_code=200,
          guards=_REGISTER)  # fmt: skip
    async def add(
        self, data: JSONBody[SnmsEntry], request: Asking, snms: Us, authority: Me, session: Who
    ) -> SnmsDoneEnvelope:
        """By the template named in `templateVersion`; index and type of each attribute are those of the template."""
        await snms.add(authority, session, data, _reader(request))
        return SnmsDoneEnvelope(data=True)

    @put("/identityv2/data", summary="Change an identifier", operation_id="snmsChange", guards=_REGISTER)
    async def change(
        self, data: JSONBody[SnmsEntry], request: Asking, snms: Us, authority: Me, session: Who
    ) -> SnmsDoneEnvelope:
        """Attributes that are not named stay; one with an empty value goes."""
        await snms.change(authority, session, data, _reader(request))
        return SnmsDoneEnvelope(data=True)

    @delete("/identityv2/data", summary="Remove an identifier", operation_id="snmsRemove", status_code=200,
            guards=_REGISTER)  # fmt: skip
    async def remove(self, data: JSONBody[SnmsNamed], snms: Us, session: Who) -> SnmsDoneEnvelope:
        """It resolves no more; its versions are kept, and its name is not given again."""
        await snms.remove(session, data.handle)
        return SnmsDoneEnvelope(data=True)

    @post("/identityv2/data/batchCreate", summary="Register many identifiers", operation_id="snmsAddMany",
          status_code=200, guards=_REGISTER)  # fmt: skip
    async def add_many(
        self, data: JSONBody[list[SnmsEntry]], snms: Us, authority: Me, session: Who
    ) -> SnmsManyEnvelope:
        """At most 2,000, each by itself; `msg` says what became of it."""
        return await _many("add", data, snms, authority, session)

    @put("/identityv2/data/batchUpdate", summary="Change many identifiers", operation_id="snmsChangeMany",
         guards=_REGISTER)  # fmt: skip
    async def change_many(
        self, data: JSONBody[list[SnmsEntry]], snms: Us, authority: Me, session: Who
    ) -> SnmsManyEnvelope:
        """At most 2,000, each by itself; `msg` says what became of it."""
        return await _many("change", data, snms, authority, session)

    @delete("/identityv2/data/batchDelete", summary="Remove many identifiers", operation_id="snmsRemoveMany",
            status_code=200, guards=_REGISTER)  # fmt: skip
    async def remove_many(
        self, data: JSONBody[list[str] | SnmsNamedMany], snms: Us, authority: Me, session: Who
    ) -> SnmsRemovedEnvelope:
        """At most 2,000, each by itself; `code` is 1 where it was removed, else -2."""
        handles = data if isinstance(data, list) else data.handles
        refused = await snms.write_many("remove", authority, session, handles)
        results = [
            SnmsCodedResult(handle=handle, code=DONE if error is None else REFUSED, msg=_said(error))
            for handle, error in zip(handles, refused, strict=True)
        ]
        return SnmsRemovedEnvelope(data=results)


async def _many(
    operation: Operation, entries: list[SnmsEntry], snms: Snms, authority: Authority, session: Session
) -> SnmsManyEnvelope:
    refused = await snms.write_many(operation, authority, session, entries)
    results = [SnmsResult(handle=entry.handle, msg=_said(error)) for entry, error in zip(entries, refused, strict=True)]
    return SnmsManyEnvelope(data=results)


def _said(error: MillwrightError | None) -> str:
    if error is None:
        return SUCCESS
    return message_of({"code": error.code, "detail": error.message, "data": error.detail}, many=True)


def _reader(request: Asking) -> Reader:
    return reader_of(authority_of(request), chosen_organisation(request))


ROUTES: list[type[Controller]] = [SnmsController]
