"""Siemens S7: values of S7-300, 400, 1200 and 1500 over ISO-on-TCP (PUT/GET).

Standards: RFC 1006 for the transport; the S7 protocol itself is unpublished. python-snap7 opens the connection and asks
for the identity; jobs that read and write many items at once are our own (:mod:`.jobs`), since it sends one a request.

Vocabulary: an *area* is inputs, outputs, flags or one data block (DB); a *span* is the bytes of one value; a *block* is
spans that are read together; a *job* is one request of up to 20 blocks.

Not done: symbolic access to optimised data blocks and the encrypted S7CommPlus of new projects, timers and counters.
"""
