"""SQL: values out of the rows of a query that is asked again and again.

With a *watermark*, a column that only grows, each query asks for the rows behind the last that were delivered; it moves
on after they were taken, and can be kept in a file, so that nothing is lost and little is repeated over a restart.

The query runs in a transaction that may only read, where the database has such a thing (PostgreSQL, SQLite), and is
never committed.
"""
