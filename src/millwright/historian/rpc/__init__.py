"""The historian across process borders: requests on ``rpc.historian.*``, replies of a few megabytes at most."""

from millwright.historian.rpc.client import HistorianClient
from millwright.historian.rpc.server import HistorianServer

__all__ = ["HistorianClient", "HistorianServer"]
