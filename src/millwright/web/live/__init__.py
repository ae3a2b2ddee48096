"""Live data for browsers: one hub a process hears the bus, and each Server-Sent Events stream takes its part."""

from millwright.web.live.hub import Hub
from millwright.web.live.stream import Sight, Stream

__all__ = ["Hub", "Sight", "Stream"]
