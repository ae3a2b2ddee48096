"""LLRP, the Low Level Reader Protocol of RFID readers (EPCglobal 1.0.1, GS1 1.1), as a client.

Vocabulary: a *ROSpec* tells a reader what to inventory; a *report* (RO_ACCESS_REPORT) says which tags it saw; a
*keepalive* is the reader's sign of life; an *event* says that an antenna came or went, or that something failed.

The octets are read and written in ``wire``, without I/O; what a report means for places is said in the form that
:mod:`millwright.devices.location.sightings` reads, so that a connection's property is all that is between them.
"""
