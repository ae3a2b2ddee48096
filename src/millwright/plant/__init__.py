"""The demo plant: recordings of a real process and a real works, played into a node by real MQTT.

A separate program (``python -m millwright.plant tep|steel``) that knows nothing of the node but its MQTT address and
the credentials of its devices; nothing here imports the rest of Millwright. ``tep`` speaks plain JSON with QoS 1, one
connection for each controller of the Tennessee Eastman process; ``steel`` is a Sparkplug B 3.0 edge node with the meter
of a steel works.
"""
