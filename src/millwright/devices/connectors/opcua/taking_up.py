"""Opening a session: the one that was left behind, if the server still has it, or a new one (IEC 62541-4, 6.7)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from millwright.devices.connectors.opcua import keeping, refusals
from millwright.devices.connectors.opcua.link import Link
from millwright.devices.connectors.opcua.opening import check, enter, open_link
from millwright.devices.connectors.opcua.session import OpcUaSession
from millwright.devices.connectors.opcua.settings import OpcUaSettings
from millwright.kernel import MillwrightError, Unavailable


async def open_session(settings: OpcUaSettings, folder: Path) -> OpcUaSession:
    """See :meth:`.connector.OpcUaConnector.open`."""
    check(settings)
    if (kept := keeping.take(settings)) is not None:
        old = kept.follower.link
        try:
            link = await enter(Link(settings, old.client, old.who), again=True)
        except Unavailable as error:
            if not refusals.name_of(error.__cause__ or error):
                keeping.keep(settings, kept.follower, kept.until)  # nobody is there yet
                raise
        except MillwrightError:
            pass  # it does not know the session, or us: begin anew, and let that say why
        else:
            return OpcUaSession(link, kept.follower)
        with suppress(Exception):
            old.client.disconnect_socket()
    return OpcUaSession(await open_link(settings, folder))
