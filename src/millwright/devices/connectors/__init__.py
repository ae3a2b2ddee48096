"""Connectors: field protocols in, by one small contract that others can implement too.

Vocabulary: see :mod:`.contract`. A *mapping* says which property of which device a point feeds.

Invariants: a connector never touches the store, the bus or another connector; what it delivers takes the same durable
way as what devices send by MQTT; a connector that hangs, leaks or dies does no harm to any other.
"""
