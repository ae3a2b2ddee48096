"""BACnet/IP: building automation, as a client of one device for each connection.

Standards: ASHRAE 135-2020 (ISO 16484-5), annex J. bacpypes3 speaks the protocol.

Vocabulary: a *device* holds *objects* (``analog-input:1``), an object has *properties* (``present-value``); *COV* is a
subscription to changes; a commandable object keeps a value for each of 16 *priorities*, the lowest number wins.

Invariants: a subscription is renewed before it ends and what it should have told is read besides, so that a device that
forgot it, as it does when it restarts, is noticed. Of changes that come faster than they are taken the newest counts.

Not done: devices behind routers and BBMDs, BACnet/SC, alarms and events, schedules, trend logs.
"""
