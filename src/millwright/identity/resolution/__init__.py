"""Resolution over HTTP for everybody: Handle's REST API, GS1 Digital Links, DIDs and pages for people, over one record.

It is plain ASGI beside the routes of the node's own API: what is asked a thousand times a second takes no detour. Only
public values are ever looked at here, except for an administrator of the handle itself.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.resolution.app import Resolution, resolution_app
    from millwright.identity.resolution.settings import ResolutionSettings

__getattr__ = exports(__name__)

__all__ = ["Resolution", "ResolutionSettings", "resolution_app"]
