"""IEC 60870-5-104: telecontrol of substations and grids, as the controlling station.

Standards: IEC 60870-5-104:2006 with amendment 1, IEC 60870-5-101 for the information elements, IEC 62351-3 for TLS.

Vocabulary: an *APDU* is a frame of the link (:mod:`.apci`); an *ASDU* is what it carries (:mod:`.asdu`): objects of
one type with one *cause of transmission*; a *common address* names a station, an *information object address* a value
in it.

Invariants: what was not delivered is not acknowledged, so a station keeps it and sends it again after a break; an ASDU
that cannot be read is counted and skipped, a frame or a sequence number that is wrong ends the connection.

Not done: file transfer, parameters of measured values, several connections of one redundancy group open at once.
"""
