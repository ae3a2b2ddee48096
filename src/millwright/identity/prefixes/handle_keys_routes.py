"""HTTP routes of a prefix's Handle administrators; the prefix's holder's alone."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from millwright.identity.prefixes.handle_keys import HandleKeys, MadeHandleKey, NewHandleKey, PrefixHandleKeys
from millwright.identity.prefixes.wire import Id, Who
from millwright.identity.rights import PREFIXES_APPLY, PREFIXES_READ
from millwright.parties import permit, require_proof

Keys = NamedDependency[HandleKeys]
_READ, _APPLY = [permit(PREFIXES_READ)], [permit(PREFIXES_APPLY)]


class HandleKeysController(Controller):
    """Who may administer handles below a prefix over the Handle protocol and its REST form."""

    path = "/prefixes"
    tags = ("Prefixes",)

    @get("/{prefix_id:str}/handle-keys", summary="Keys of a prefix's administrators",
         operation_id="listPrefixHandleKeys", guards=_READ)  # fmt: skip
    async def list_keys(self, prefix_id: Id, handle_keys: Keys) -> PrefixHandleKeys:
        """The keys in the prefix's own handle, also those that a Handle client put there. For its holder."""
        return await handle_keys.list(prefix_id)

    @post("/{prefix_id:str}/handle-keys", summary="Add an administrator's key", operation_id="addPrefixHandleKey",
          guards=[*_APPLY, require_proof])  # fmt: skip
    async def add(
        self, prefix_id: Id, data: JSONBody[NewHandleKey], handle_keys: Keys, session: Who
    ) -> Response[MadeHandleKey]:
        """Give a public key, or have the node make a secret `mwh_…`, which is shown this once."""
        made = await handle_keys.add(session, prefix_id, data)
        return Response(made, status_code=201, headers={"Cache-Control": "no-store"})

    @delete("/{prefix_id:str}/handle-keys", summary="Remove an administrator's key",
            operation_id="removePrefixHandleKey", guards=_APPLY)  # fmt: skip
    async def remove(
        self,
        prefix_id: Id,
        handle_keys: Keys,
        session: Who,
        index: Annotated[int, QueryParameter(ge=1, le=0x7FFFFFFF, description="The key's index.")],
    ) -> None:
        """Who holds it administers nothing any more. What was registered with it stays."""
        await handle_keys.remove(session, prefix_id, index)


ROUTES: list[type[Controller]] = [HandleKeysController]
