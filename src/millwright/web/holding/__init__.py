"""Holding requests that take a second person: the permission is proven, and the handler has not run yet.

One hook before every handler (``gate``) asks the policy. Which operations there are is read from the routes
(``routes``); whose the things are that a request names, from the records (``owners``). An approved request is sent
through the same routes again, as who asked (``execution``).
"""

from millwright.web.holding.execution import Execution
from millwright.web.holding.gate import Gate
from millwright.web.holding.routes import nameable_routes

__all__ = ["Execution", "Gate", "nameable_routes"]
