"""The historian across process borders: requests on ``rpc.historian.*``, replies of a few megabytes at most."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.historian.rpc.client import HistorianClient
    from millwright.historian.rpc.server import HistorianServer

__getattr__ = exports(__name__)

__all__ = ["HistorianClient", "HistorianServer"]
