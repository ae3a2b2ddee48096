"""A simulated machine, for trying things out without one: signals over a settable number of tags, and set-points.

It speaks no protocol and follows no standard; all of it happens in the process of the connectors. What a real machine
does to its clients it does too: it can be switched off (write ``false`` to ``power``) and given another program (write
to ``program``).

Vocabulary: a *signal* is a kind of curve; a *tag* is one of a signal's numbered values, ``sine/3``.
"""
