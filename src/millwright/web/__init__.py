"""The web host: HTTP API, live streams, the console. Mounts each domain's routes and knows no domain's rules.

Rooms: ``edge`` (what holds for every request), ``problems`` (errors → RFC 9457), ``live`` (Server-Sent Events),
``stats`` (what the roles report), ``health``, ``overview``, ``system``, ``console_files``, ``openapi``, ``server``.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.web.app import create_app
    from millwright.web.server import WebServer
    from millwright.web.services import Connection, Services, SettingView
    from millwright.web.settings import WebSettings

__getattr__ = exports(__name__)

__all__ = ["Connection", "Services", "SettingView", "WebServer", "WebSettings", "create_app"]
