"""Credentials in the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.devices.credentials.model import CERTIFICATE, Credential, Grant, Origin, mask
from millwright.devices.errors import not_found, too_many
from millwright.devices.store import bump, credentials, devices
from millwright.engines.sql import Records
from millwright.kernel import Conflict, new_id
from millwright.parties import active

_grants = (
    sa.select(
        credentials.c.digest,
        credentials.c.id,
        credentials.c.expires_ms,
        devices.c.id.label("device_id"),
        devices.c.name,
        devices.c.kind,
        devices.c.sparkplug_group,
        devices.c.sparkplug_edge,
        sa.or_(devices.c.disabled, sa.not_(active(devices.c.organisation_id))).label("disabled"),
        devices.c.revision,
        devices.c.organisation_id,
        devices.c.foreign_dialect,
        devices.c.foreign_realm,
        devices.c.foreign_name,
    )
    .join_from(credentials, devices, credentials.c.device_id == devices.c.id)
    .where(credentials.c.digest.in_(sa.bindparam("digests", expanding=True)))
)


class CredentialStore:
    """Reads and writes credentials; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self, device_id: str) -> list[Credential]:
        """The credentials of a device, oldest first. Raises ``NotFound``."""
        with self._records.read() as connection:
            _need_device(connection, device_id)
            rows = connection.execute(
                sa.select(credentials)
                .where(credentials.c.device_id == device_id, credentials.c.origin != CERTIFICATE)
                .order_by(credentials.c.id)
            ).mappings()
            return [_credential(row) for row in rows]

    def insert(self, device_id: str, row: dict[str, Any], limit: int) -> tuple[str, str]:
        """Add a credential; returns the device's name and organisation.

        Raises ``NotFound``, ``LimitExceeded``, ``Conflict``.
        """
        with self._records.begin() as connection:
            name, whose = _need_device(connection, device_id)
            add(connection, device_id, row, limit)
            bump(connection)
            return name, whose

    def organisation_of(self, device_id: str) -> str:
        """Whose a device is. Raises ``NotFound``."""
        with self._records.read() as connection:
            return _need_device(connection, device_id)[1]

    def is_named_elsewhere(self, username: str, organisation_id: str) -> bool:
        """Whether a device of another organisation brought this user name along; of use where all are seen."""
        wanted = (
            sa.select(credentials.c.id)
            .join_from(credentials, devices, credentials.c.device_id == devices.c.id)
            .where(
                credentials.c.hint == username,
                credentials.c.origin == "adopted",
                devices.c.organisation_id != organisation_id,
            )
        )
        with self._records.read() as connection:
            return connection.scalar(wanted.limit(1)) is not None

    def delete(self, device_id: str, credential_id: str) -> tuple[str, str]:
        """Revoke a credential; returns the device's name and organisation. Raises ``NotFound``."""
        with self._records.begin() as connection:
            gone = connection.execute(
                sa.delete(credentials).where(
                    credentials.c.id == credential_id,
                    credentials.c.device_id == device_id,
                    credentials.c.origin != CERTIFICATE,
                )
            )
            if not gone.rowcount:
                raise not_found("credential", credential_id)
            bump(connection)
            return _need_device(connection, device_id)

    def grants(self, digests: Sequence[bytes]) -> dict[bytes, Grant]:
        """What each of these digests opens; unknown ones are absent."""
        with self._records.read() as connection:
            rows = connection.execute(_grants, {"digests": list(digests)}).all()
        return {
            bytes(row.digest): Grant(
                credential_id=row.id,
                device_id=row.device_id,
                name=row.name,
                kind=row.kind,
                group_id=row.sparkplug_group,
                edge_node_id=row.sparkplug_edge,
                disabled=row.disabled,
                revision=row.revision,
                expires_ms=row.expires_ms,
                organisation_id=row.organisation_id,
                dialect=row.foreign_dialect,
                realm=row.foreign_realm,
                foreign_name=row.foreign_name,
            )
            for row in rows
        }

    def mark_used(self, used: Mapping[str, int]) -> None:
        """Note when credentials (by id) were last used."""
        if not used:
            return
        statement = (
            sa.update(credentials)
            .where(credentials.c.id == sa.bindparam("credential"))
            .values(last_used_ms=sa.bindparam("at_ms"))
        )
        with self._records.begin() as connection:
            connection.execute(statement, [{"credential": key, "at_ms": at_ms} for key, at_ms in used.items()])


def issued_row(
    device_id: str, token: str, digest: bytes, label: str | None, expires_ms: int | None, now_ms: int
) -> dict[str, Any]:
    """The row of a token made here."""
    return _row(device_id, mask(token), digest, label, "issued", expires_ms, now_ms)


def adopted_row(device_id: str, hint: str, digest: bytes, now_ms: int) -> dict[str, Any]:
    """The row of a secret that the device brought along."""
    return _row(device_id, hint, digest, None, "adopted", None, now_ms)


def add(connection: sa.Connection, device_id: str, row: dict[str, Any], limit: int) -> None:
    """Add a credential in the caller's transaction. Raises ``LimitExceeded`` or ``Conflict``."""
    tokens = sa.and_(credentials.c.device_id == device_id, credentials.c.origin != CERTIFICATE)
    held = connection.scalar(sa.select(sa.func.count()).select_from(credentials).where(tokens))
    if (held or 0) >= limit:
        raise too_many("credentials for one device", limit, "credentials_per_device")
    if connection.scalar(sa.select(credentials.c.id).where(credentials.c.digest == row["digest"])) is not None:
        raise _taken()
    try:
        connection.execute(sa.insert(credentials).values(**row))
    except IntegrityError as error:  # a device that this person does not see has it
        raise _taken() from error


def name_taken() -> Conflict:
    """Said of a name alone, whatever the password: nobody learns whether a password was guessed."""
    return Conflict(
        "This user name is not free.",
        code="devices.username_taken",
        hint="Choose another: all organisations of a node share the port, so a user name is one organisation's.",
    )


def _taken() -> Conflict:
    return Conflict(
        "Another device has this credential already.",
        code="devices.credential_taken",
        hint="Give each device a secret of its own.",
    )


def _row(
    device_id: str, hint: str, digest: bytes, label: str | None, origin: Origin, expires_ms: int | None, now_ms: int
) -> dict[str, Any]:
    return {
        "id": new_id("crd"),
        "device_id": device_id,
        "digest": digest,
        "label": label,
        "hint": hint,
        "origin": origin,
        "created_ms": now_ms,
        "expires_ms": expires_ms,
        "last_used_ms": None,
    }


def _need_device(connection: sa.Connection, device_id: str) -> tuple[str, str]:
    wanted = sa.select(devices.c.name, devices.c.organisation_id).where(devices.c.id == device_id)
    found = connection.execute(wanted).one_or_none()
    if found is None:
        raise not_found("device", device_id)
    return str(found.name), str(found.organisation_id)


def _credential(row: sa.RowMapping) -> Credential:
    return Credential(**{key: row[key] for key in Credential.__struct_fields__})
