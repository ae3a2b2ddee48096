"""The resolution index: LMDB, a B+ tree in a memory map; readers never wait and copy nothing they do not keep."""

from millwright.engines.lmdb.environment import LmdbEnvironment, Read, Write

__all__ = ["LmdbEnvironment", "Read", "Write"]
