"""DL/T 645-2007: electricity meters on RS-485 lines, and behind plain serial-to-TCP converters.

A *meter* is known by its address of 12 digits; a *data identifier* of 8 hexadecimal digits (DI3 to DI0) names what is
read. Values are decimal digits, low byte first, each byte sent with 33H added.

What holds:

- An answer counts only if meter, function, identifier, length and check sum are those of the question.
- An answer in several frames is put together in their order, or it is none.
- Meters on one line are asked in turn; one that does not answer rests.

Not there: DL/T 645-1997, writing, freezing, clearing, relays, load profiles, DL/T 698.45.
"""
