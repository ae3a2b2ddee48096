"""What stands before the durable intake in the processes that take values in."""

from __future__ import annotations

from millwright.app.disk import DiskWatch
from millwright.app.node import Node
from millwright.devices.edge.joining import find_membership
from millwright.devices.mqtt.ports import Intake
from millwright.kernel import LimitExceeded, Part


class GuardedIntake:
    """The intake, closed while the disk is nearly full: nothing is acknowledged then, and all resumes by itself."""

    def __init__(self, intake: Intake, disk: DiskWatch) -> None:
        self._intake, self._disk = intake, disk

    async def commit(self, frame: bytes, message_id: str) -> None:
        """Pass on. Raises ``LimitExceeded`` (``app.disk_full``) while the disk is nearly full."""
        if self._disk.full:
            raise LimitExceeded(
                "The disk is nearly full, so nothing more is taken in.",
                code="app.disk_full",
                hint="Free space; intake resumes by itself. The limit is [node] disk_stop_mb.",
                retry_after_s=1.0,
            )
        await self._intake.commit(frame, message_id)


def guarded(node: Node, stream: Intake, disk: DiskWatch, listener_id: str) -> tuple[Intake, list[Part]]:
    """What ``listener_id`` appends its frames to, and the parts it stands on, to be started before it.

    At an edge each message without a time is given one here, so that the parent reads the same in whatever order, and
    the parent's time where the edge's clock is wrong.
    """
    intake = GuardedIntake(stream, disk)
    if find_membership(node.folder.root) is None:
        return intake, []
    from millwright.devices.edge.parent_time import ParentTime
    from millwright.devices.edge.stamps import StampedIntake

    stamped = StampedIntake(intake, node.bus, listener_id, ParentTime(node.clock))
    return stamped, [stamped]
