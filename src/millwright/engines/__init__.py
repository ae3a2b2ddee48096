"""Connections to the engines Millwright stands on, and nothing of any domain.

``nats`` (messages, durable streams), ``clickhouse`` (series, by chDB in process or a ClickHouse cluster),
``sql`` (records, by SQLite or PostgreSQL), ``lmdb`` (the resolution index), ``secrets`` (what of the records must be
read back, sealed). Each has one port; the code above never sees a driver.
"""
