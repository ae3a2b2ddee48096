"""Routes of commands, interlocks and locks below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, HeaderParameter, JSONBody, Parameter, PathParameter, QueryParameter

from millwright.devices.commands.guards import Guards
from millwright.devices.commands.interlocks import Interlock, NewInterlock
from millwright.devices.commands.model import (
    Batch,
    BulkCall,
    BulkWrite,
    Call,
    Command,
    CommandDetail,
    CommandPage,
    Lock,
    NewLock,
    State,
    Write,
)
from millwright.devices.commands.rights import (
    COMMANDS_CALL,
    COMMANDS_CANCEL,
    COMMANDS_READ,
    COMMANDS_WRITE,
    INTERLOCKS_WRITE,
    LOCKS_WRITE,
)
from millwright.devices.commands.service import Commands
from millwright.kernel import etag, revision_of
from millwright.ledger import Actor
from millwright.parties import Authority, IfMatch, Session, permit

DeviceId = Annotated[str, Parameter(description="The device.", max_length=64)]
CommandId = Annotated[str, PathParameter(description="The command.", max_length=64)]
InterlockId = Annotated[str, PathParameter(description="The interlock.", max_length=64)]
Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        max_length=128,
        description="The same key by the same person for the same device is the same command, also after a crash.",
    ),
]
States = Annotated[
    list[State] | None, QueryParameter(name="state", description="Only these states; repeat it.", max_items=12)
]
Cursor = Annotated[str | None, Parameter(description="`next` of the page before.", max_length=40)]
Limit = Annotated[int, Parameter(ge=1, le=500)]


def _by(session: Session) -> Actor:
    return Actor("person", session.person.id, session.person.name)


class DeviceCommandsController(Controller):
    """Commands to one device."""

    path = "/devices/{device_id:str}"
    tags = ["Commands"]  # noqa: RUF012

    @get(
        "/commands",
        summary="Commands to a device",
        operation_id="listDeviceCommands",
        guards=[permit(COMMANDS_READ)],
    )
    async def commands_of(
        self,
        device_id: DeviceId,
        commands: NamedDependency[Commands],
        states: States = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> CommandPage:
        """Newest first, each with how it ended."""
        return await commands.page(device_id=device_id, states=states or (), cursor=cursor, limit=limit)

    @post(
        "/commands/write",
        summary="Write a property of a device",
        operation_id="writeProperty",
        guards=[permit(COMMANDS_WRITE)],
    )
    async def write(
        self,
        device_id: DeviceId,
        data: JSONBody[Write],
        commands: NamedDependency[Commands],
        session: NamedDependency[Session],
        key: Key = None,
    ) -> Command:
        """Ask to set a writable property of its model. The answer says that it is asked; `GET /commands/{id}?wait_s=`
        tells how it ended. Locks and interlocks are judged now and when it is sent."""
        return await commands.write(device_id, data, _by(session), key=key)

    @post(
        "/commands/call",
        summary="Call a service of a device",
        operation_id="callService",
        guards=[permit(COMMANDS_CALL)],
    )
    async def call(
        self,
        device_id: DeviceId,
        data: JSONBody[Call],
        commands: NamedDependency[Commands],
        session: NamedDependency[Session],
        key: Key = None,
    ) -> Command:
        """Ask to call a service of its model. A call is never sent a second time."""
        return await commands.call(device_id, data, _by(session), key=key)

    @get("/locks", summary="Locks of a device", operation_id="listLocks", guards=[permit(COMMANDS_READ)])
    async def locks(self, device_id: DeviceId, guards: NamedDependency[Guards]) -> list[Lock]:
        """Those in force first, then the last released ones."""
        return await guards.locks(device_id)

    @post("/locks", summary="Lock a device", operation_id="addLock", guards=[permit(LOCKS_WRITE)])
    async def lock(
        self,
        device_id: DeviceId,
        data: JSONBody[NewLock],
        guards: NamedDependency[Guards],
        session: NamedDependency[Session],
    ) -> Lock:
        """Lock-out: while there is a lock, no command is sent to the device."""
        return await guards.place(device_id, data.reason, _by(session))

    @delete(
        "/locks/{lock_id:str}",
        summary="Release a lock",
        operation_id="deleteLock",
        guards=[permit(LOCKS_WRITE)],
        status_code=200,
    )
    async def unlock(
        self,
        device_id: DeviceId,
        lock_id: Annotated[str, PathParameter(description="The lock.", max_length=64)],
        guards: NamedDependency[Guards],
        session: NamedDependency[Session],
        authority: NamedDependency[Authority],
    ) -> Lock:
        """Whoever placed it releases it; another's takes the right `locks:override`."""
        return await guards.release(device_id, lock_id, _by(session), authority)


class CommandsController(Controller):
    """Commands to all devices that are seen."""

    path = "/commands"
    tags = ["Commands"]  # noqa: RUF012

    @get("/", summary="Commands", operation_id="listCommands", guards=[permit(COMMANDS_READ)])
    async def list_commands(
        self,
        commands: NamedDependency[Commands],
        device_id: Annotated[str | None, Parameter(description="To one device.", max_length=64)] = None,
        states: States = None,
        batch_id: Annotated[str | None, Parameter(description="Of one batch.", max_length=64)] = None,
        edge_id: Annotated[str | None, Parameter(description="To devices at this edge.", max_length=64)] = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> CommandPage:
        """Newest first."""
        return await commands.page(
            device_id=device_id,
            states=states or (),
            batch_id=batch_id,
            edge_id=edge_id,
            cursor=cursor,
            limit=limit,
        )

    @post(
        "/write",
        summary="Write a property of many devices",
        operation_id="writeProperties",
        guards=[permit(COMMANDS_WRITE)],
    )
    async def write_many(
        self, data: JSONBody[BulkWrite], commands: NamedDependency[Commands], session: NamedDependency[Session]
    ) -> Batch:
        """One command for each device; those that cannot be asked are listed with the reason."""
        return await commands.write_many(data, _by(session))

    @post(
        "/call",
        summary="Call a service of many devices",
        operation_id="callServices",
        guards=[permit(COMMANDS_CALL)],
    )
    async def call_many(
        self, data: JSONBody[BulkCall], commands: NamedDependency[Commands], session: NamedDependency[Session]
    ) -> Batch:
        """One command for each device; those that cannot be asked are listed with the reason."""
        return await commands.call_many(data, _by(session))

    @get(
        "/batches/{batch_id:str}",
        summary="How far a batch is",
        operation_id="getCommandBatch",
        guards=[permit(COMMANDS_READ)],
    )
    async def batch(
        self,
        batch_id: Annotated[str, PathParameter(description="The batch.", max_length=64)],
        commands: NamedDependency[Commands],
    ) -> Batch:
        """Its commands, counted by state."""
        return await commands.batch(batch_id)

    @get("/{command_id:str}", summary="A command", operation_id="getCommand", guards=[permit(COMMANDS_READ)])
    async def command(
        self,
        command_id: CommandId,
        commands: NamedDependency[Commands],
        wait_s: Annotated[
            float, QueryParameter(ge=0, le=30, description="Answer when it has ended, or after this time.")
        ] = 0.0,
    ) -> CommandDetail:
        """A command with its history: who, why, when, state by state."""
        return await commands.get(command_id, wait_s)

    @post(
        "/{command_id:str}/cancel",
        summary="Cancel a command",
        operation_id="cancelCommand",
        guards=[permit(COMMANDS_CANCEL)],
        status_code=200,
    )
    async def cancel(
        self, command_id: CommandId, commands: NamedDependency[Commands], session: NamedDependency[Session]
    ) -> Command:
        """Take back what waits; what was sent cannot be called back (409). An edge that has the command is asked. While
        it is cut off the command is returned with its `withdrawal`: it is asked when it is there, and the command
        then ends as `cancelled`, or goes on where it was too late."""
        return await commands.cancel(command_id, _by(session))


class InterlocksController(Controller):
    """Rules that must hold before a command is sent."""

    path = "/interlocks"
    tags = ["Commands"]  # noqa: RUF012

    @get("/", summary="Interlocks", operation_id="listInterlocks", guards=[permit(COMMANDS_READ)])
    async def list_interlocks(
        self,
        guards: NamedDependency[Guards],
        device_id: FromQuery[str | None] = None,
        model_id: FromQuery[str | None] = None,
    ) -> list[Interlock]:
        """By name; with `device_id` those of the device and of its model."""
        return await guards.list(device_id, model_id)

    @post("/", summary="Add an interlock", operation_id="addInterlock", guards=[permit(INTERLOCKS_WRITE)])
    async def add(self, data: JSONBody[NewInterlock], guards: NamedDependency[Guards]) -> Response[Interlock]:
        """It holds from now on, also for commands that wait."""
        made = await guards.add(data)
        return Response(made, status_code=201, headers=etag(made.revision))

    @get("/{interlock_id:str}", summary="An interlock", operation_id="getInterlock", guards=[permit(COMMANDS_READ)])
    async def interlock(self, interlock_id: InterlockId, guards: NamedDependency[Guards]) -> Response[Interlock]:
        """One interlock; the header `ETag` carries its revision."""
        found = await guards.get(interlock_id)
        return Response(found, headers=etag(found.revision))

    @put(
        "/{interlock_id:str}",
        summary="Change an interlock",
        operation_id="replaceInterlock",
        guards=[permit(INTERLOCKS_WRITE)],
    )
    async def replace(
        self,
        interlock_id: InterlockId,
        data: JSONBody[NewInterlock],
        guards: NamedDependency[Guards],
        if_match: IfMatch = None,
    ) -> Response[Interlock]:
        """Put another rule in its place; with `If-Match` only if nobody changed it since."""
        found = await guards.replace(interlock_id, data, revision_of(if_match))
        return Response(found, headers=etag(found.revision))

    @delete(
        "/{interlock_id:str}",
        summary="Remove an interlock",
        operation_id="deleteInterlock",
        guards=[permit(INTERLOCKS_WRITE)],
    )
    async def remove(self, interlock_id: InterlockId, guards: NamedDependency[Guards]) -> None:
        """Remove a rule; commands need not pass it any more."""
        await guards.remove(interlock_id)


ROUTES = [DeviceCommandsController, CommandsController, InterlocksController]
"""What the web host mounts."""
