"""One append-only log in a folder: a journal that is durable at once, tiles that any file host can serve.

Files below the folder::

    journal                entries since the tiles were last forced to the disk
    public/log.json        origin, algorithm, when it was made
    public/checkpoint      the newest signed tree head
    public/log.vkey        the keys that sign it, or signed it
    public/tile/<L>/<N>    hashes and entries: C2SP tlog-tiles
    public/witnessed       the newest tree head with cosignatures of witnesses
"""

from millwright.ledger.log.keys import KeyFile
from millwright.ledger.log.log import Log, LogInfo, read_info
from millwright.ledger.log.reader import LogReader

__all__ = ["KeyFile", "Log", "LogInfo", "LogReader", "read_info"]
