"""Files: values out of CSV files that appear in a folder.

What holds:

- A file is read when its size and time have stood still for a while, so never half of it; names that begin with a dot
  or end in ``.tmp`` or ``.part`` are still being written.
- It is moved to ``done`` when the last of its rows was taken; what cannot be read goes to ``failed``, with the reason.
- How many rows were taken is kept beside it, so a restart goes on there; at most one batch is repeated.
- One connection reads a folder at a time.

Not there: Excel and Parquet, compressed files, subfolders, FTP and SFTP (mount them).
"""
