"""Credentials: what a device proves itself with. A device may hold several; each can be revoked alone."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.credentials.model import Credential, Grant, Issued, NewCredential
    from millwright.devices.credentials.service import CredentialService
    from millwright.devices.credentials.store import CredentialStore

__getattr__ = exports(__name__)

__all__ = ["Credential", "CredentialService", "CredentialStore", "Grant", "Issued", "NewCredential"]
