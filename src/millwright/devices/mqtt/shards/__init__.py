"""One listener in several processes on one port (decision 57).

Every device belongs to one of the *slots* 1 … N, by a hash of its id, and each slot to one process, which holds a lock
of the kernel's on it: whatever concerns one device alone (its client ids, sessions, shared subscriptions, QoS 2) is
therefore in one process, as it is when there is but one. The system spreads connections over all; one that signs in
where its device does not belong is *handed over* with its socket. What goes from device to device goes over *links*
between the processes: messages to who subscribed, and what is retained.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.mqtt.shards.handover import Origin
    from millwright.devices.mqtt.shards.shards import Shards
    from millwright.devices.mqtt.shards.slots import SlotFolder, slot_of

__getattr__ = exports(__name__)

__all__ = ["Origin", "Shards", "SlotFolder", "slot_of"]
