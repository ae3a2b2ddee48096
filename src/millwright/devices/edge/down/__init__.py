"""What goes down to an edge besides devices, and what comes back of it: connections and questions to their peers,
commands, interlocks and locks.

Each *section* of the desired state that is kept here is brought about by itself: what of it the edge cannot or will not
do is told with the reason (:class:`SectionReport`), and keeps nothing else from being in force.
"""
