"""How identifiers are resolved here, watched: how often, how fast, what fails and why, and what looks like abuse.

Every process that resolves holds a :class:`.Watch`, which counts on the way of an answer and keeps no more than fits
into memory of a fixed size. Every two seconds it tells what came together to the one process that keeps the history
(:class:`.Board`, in the role ``web``); what was not acknowledged is told again, and nothing is counted twice.

An *interface* is one way to ask (``udp``, ``tcp``, ``rest``, ``link``, ``did``, ``page``); ``recursion`` are questions
for names of elsewhere behind those. An *outcome* is a response code of the Handle protocol by its name, or what that
protocol has no code for. A *finding* is something abnormal with what shows it. Addresses are kept as networks (/24 of
IPv4, /64 of IPv6) and for so long as the settings say.
"""
