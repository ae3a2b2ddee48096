"""Modbus as a client: over TCP, over serial lines (RTU), and RTU frames over TCP as simple gateways carry them.

Follows the MODBUS Application Protocol V1.1b3, MODBUS over serial line V1.02 and the MODBUS/TCP implementation guide
V1.0b. A *unit* is a device by its number (slave address); a *block* is a run of registers or bits read by one request.

What holds:

- One request reads as many neighbours as the limits allow; a block that a device refuses for its addresses is split
  until what can be read is read, and what cannot is a bad sample by itself.
- A unit that does not answer holds up others once; it rests then, and is tried by one request after the rest.
- An answer counts only if transaction, unit, function and sizes are those of the question.
- Browsing asks gently which units answer and which of their registers can be read: one question at a time, by pages.
- The number in an address begins at 0 as on the wire; references as 40001 begin at 1.

Not there: ASCII framing, files and FIFO queues, being a server, broadcasts.
"""
