"""The REST API of Handle.Net, ``/api/handles`` and ``/api/sessions`` (Handle.Net 9 Technical Manual, 14)."""

from millwright.identity.handle.rest.api import HandleRest

__all__ = ["HandleRest"]
