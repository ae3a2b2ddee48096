"""Commands: writing a property of a device or calling one of its services, with the effect confirmed.

Vocabulary: a *command* is one write or one call, asked by a person or service for a reason; an *attempt* is one time it
is sent; a *route* carries it (MQTT in our dialect or ThingsBoard's, Sparkplug, a connector's point); an *interlock* is
a rule that must hold when it is sent; a *lock* is a person's tag on a device (lock-out/tag-out); an *answer* is what
the device says, *coming back* is the property's value seen again.

Invariants: a state is written before the world is touched; one attempt at a time for each property or service of a
device, in the order of asking; a call is never sent twice; what cannot be judged stands against a command; how a
command ended is in the ledger once.

Standards: Sparkplug 3.0 (NCMD, DCMD), ThingsBoard's MQTT device API (RPC, shared attributes), IEC 61511 and OSHA
1910.147 for the words interlock and lock-out/tag-out. No safety function is claimed: that is the machine's own.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.commands.answers import AnswerDecoder
    from millwright.devices.commands.composition import commands_service
    from millwright.devices.commands.guard_store import GuardStore
    from millwright.devices.commands.guards import Guards
    from millwright.devices.commands.interlocks import Interlock, NewInterlock
    from millwright.devices.commands.judging import Judge
    from millwright.devices.commands.model import Call, Command, Write
    from millwright.devices.commands.routes import ConnectorPoint, ConnectorRoute, Written
    from millwright.devices.commands.service import Commands
    from millwright.devices.commands.settings import CommandsSettings
    from millwright.devices.commands.store import CommandStore
    from millwright.devices.commands.subjects import EVENTS
    from millwright.devices.commands.worker import CommandWorker
    from millwright.devices.commands.working import command_worker

__getattr__ = exports(__name__)

__all__ = [
    "EVENTS",
    "AnswerDecoder",
    "Call",
    "Command",
    "CommandStore",
    "CommandWorker",
    "Commands",
    "CommandsSettings",
    "ConnectorPoint",
    "ConnectorRoute",
    "GuardStore",
    "Guards",
    "Interlock",
    "Judge",
    "NewInterlock",
    "Write",
    "Written",
    "command_worker",
    "commands_service",
]
