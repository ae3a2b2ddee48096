"""The Handle System: its values, its protocol, a server and a client of it (RFC 3650 to 3652; Handle.Net 9).

Vocabulary: a *handle* is a prefix, a slash and a suffix; its *values* have an index, a type and data. A *site* is a set
of servers; the *prefix handle* (``0.NA/prefix``) names the sites that keep a prefix's handles. An *administrator* is
itself a value of a handle, a key, to which an HS_ADMIN refers.

Invariants: what is malformed is refused and never raises beyond this room; an answer over UDP is never larger than an
unproven address may be sent; a change is checked in the transaction that makes it.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.handle.client import HandleClient, KeyCredentials, SecretCredentials
    from millwright.identity.handle.errors import MessageError
    from millwright.identity.handle.json_form import value_from_json, value_to_json
    from millwright.identity.handle.model import HandleValue, Permission, Reference
    from millwright.identity.handle.records import HandleRecords, RecordsView, StoredRecord
    from millwright.identity.handle.server import HandleServer
    from millwright.identity.handle.service import HandleService
    from millwright.identity.handle.settings import HandleSettings
    from millwright.identity.handle.site import Interface, Server, Site

__getattr__ = exports(__name__)

__all__ = [
    "HandleClient",
    "HandleRecords",
    "HandleServer",
    "HandleService",
    "HandleSettings",
    "HandleValue",
    "Interface",
    "KeyCredentials",
    "MessageError",
    "Permission",
    "RecordsView",
    "Reference",
    "SecretCredentials",
    "Server",
    "Site",
    "StoredRecord",
    "value_from_json",
    "value_to_json",
]
