"""MQTT as a client of a broker that is there already: topics, and places in their JSON, become points.

What holds:

- A message of QoS 1 is acknowledged when what it told was taken, so a full receiver slows the broker down, and with a
  client id and a kept session nothing is lost while we are away.
- A retained message is as old as it likes: without a time in its payload it is uncertain, if not set otherwise.
- Following has a connection of its own, so that testing and browsing never push it out.

Not there: wildcards as points (browse and tick), binary payloads, Sparkplug (its edge nodes connect to the node
itself), QoS 2, requests and responses of MQTT 5.
"""
