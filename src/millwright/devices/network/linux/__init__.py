"""What the Linux kernel knows of the network and lets be asked: rtnetlink, sock_diag, ICMP and packet sockets.

Own code over the standard library's sockets; see ``docs/decisions/0056-the-network-is-asked-of-the-kernel.md``.
"""
