"""What stands in a node's folder for TLS, by name; nothing here imports anything."""

from __future__ import annotations

from typing import Final

CERTIFICATE: Final = "node.pem"
"""The node's own certificate, its chain behind it."""
KEY: Final = "node.key"
"""Its private key, readable by this user alone."""
TRUST: Final = "ca.pem"
"""The authorities of the node."""
