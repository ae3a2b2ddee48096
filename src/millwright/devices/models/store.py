"""Models in the records."""

from __future__ import annotations

import builtins
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.devices.errors import in_use, name_taken, not_found
from millwright.devices.models.model import Model, ModelDocument
from millwright.devices.names import key_of
from millwright.devices.store import bump, devices, home, model_versions, models
from millwright.engines.sql import Records

_joined = sa.select(
    model_versions.c.model_id,
    model_versions.c.version,
    model_versions.c.document,
    model_versions.c.created_ms,
    models.c.organisation_id,
).join_from(model_versions, models, models.c.id == model_versions.c.model_id)
_latest = _joined.where(models.c.version == model_versions.c.version)


class ModelStore:
    """Reads and writes models; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self) -> list[Model]:
        """The latest version of every model, by name."""
        with self._records.read() as connection:
            counted = connection.execute(
                sa.select(devices.c.model_id, sa.func.count())
                .where(devices.c.model_id.is_not(None))
                .group_by(devices.c.model_id)
            )
            counts: dict[str, int] = {row[0]: row[1] for row in counted}
            rows = connection.execute(_latest.order_by(models.c.name_key)).all()
        return [_model(row, counts.get(row.model_id, 0)) for row in rows]

    def find(self, model_id: str, version: int | None = None) -> Model | None:
        """A version (``None``: the latest), or ``None``."""
        with self._records.read() as connection:
            return _find(connection, model_id, version)

    def versions(self, model_id: str) -> builtins.list[Model]:
        """Every version, newest first; none when there is no such model."""
        with self._records.read() as connection:
            rows = connection.execute(
                _joined.where(model_versions.c.model_id == model_id).order_by(model_versions.c.version.desc())
            ).all()
        return [_model(row, 0) for row in rows]

    def insert(self, model_id: str, document: ModelDocument, now_ms: int) -> Model:
        """Version 1 of a new model. Raises ``Conflict`` (``devices.model_name_taken``)."""
        with self._records.begin() as connection:
            _refuse_name(connection, model_id, document.name, home())
            values = {"name": document.name, "name_key": key_of(document.name), "version": 1, "created_ms": now_ms}
            connection.execute(sa.insert(models).values(id=model_id, organisation_id=home(), **values))
            return _insert_version(connection, model_id, 1, document, now_ms)

    def append(self, model_id: str, document: ModelDocument, now_ms: int, *, upgrade: bool) -> Model:
        """The next version, or the latest when it is the same document; ``upgrade`` moves every device to it.

        Raises ``NotFound``, ``Conflict``.
        """
        with self._records.begin() as connection:
            row = connection.execute(
                sa.select(models.c.version, models.c.organisation_id).where(models.c.id == model_id).with_for_update()
            ).one_or_none()
            if row is None:
                raise not_found("model", model_id)
            version = row.version
            latest = _find(connection, model_id, None)
            changed = latest is None or latest.document != document
            if changed:
                version += 1
                _refuse_name(connection, model_id, document.name, row.organisation_id)
                values = {"name": document.name, "name_key": key_of(document.name), "version": version}
                written = connection.execute(sa.update(models).where(models.c.id == model_id).values(**values))
                if not written.rowcount:  # shared from an organisation above: to be read only
                    raise not_found("model", model_id)
                latest = _insert_version(connection, model_id, version, document, now_ms)
            if upgrade:
                connection.execute(
                    sa.update(devices)
                    .where(devices.c.model_id == model_id, devices.c.model_version != version)
                    .values(model_version=version, revision=devices.c.revision + 1)
                )
            if changed or upgrade:
                bump(connection)
            assert latest is not None
            return latest

    def delete(self, model_id: str) -> None:
        """Remove a model with its versions. Raises ``NotFound``, or ``Conflict`` while devices use it."""
        with self._records.begin() as connection:
            users = connection.scalar(sa.select(sa.func.count()).where(devices.c.model_id == model_id))
            if users:
                raise in_use("model", model_id, {"devices": int(users)})
            try:
                gone = connection.execute(sa.delete(models).where(models.c.id == model_id)).rowcount
            except IntegrityError as error:  # a device that this person does not see uses it
                raise in_use("model", model_id, {"devices": 1}) from error
            if not gone:
                raise not_found("model", model_id)
            bump(connection)


def _find(connection: sa.Connection, model_id: str, version: int | None) -> Model | None:
    query = _latest.where(models.c.id == model_id)
    if version is not None:
        query = _joined.where(model_versions.c.model_id == model_id, model_versions.c.version == version)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    count = connection.scalar(sa.select(sa.func.count()).where(devices.c.model_id == model_id))
    return _model(row, int(count or 0))


def _insert_version(
    connection: sa.Connection, model_id: str, version: int, document: ModelDocument, now_ms: int
) -> Model:
    connection.execute(
        sa.insert(model_versions).values(
            model_id=model_id, version=version, document=msgspec.to_builtins(document), created_ms=now_ms
        )
    )
    found = _find(connection, model_id, version)
    assert found is not None
    return found


def _model(row: Any, device_count: int) -> Model:
    return msgspec.convert(
        {
            **row.document,
            "id": row.model_id,
            "version": row.version,
            "created_ms": row.created_ms,
            "device_count": device_count,
            "organisation_id": row.organisation_id,
        },
        Model,
    )


def _refuse_name(connection: sa.Connection, model_id: str, name: str, organisation_id: str) -> None:
    same = sa.select(models.c.id).where(
        models.c.name_key == key_of(name), models.c.id != model_id, models.c.organisation_id == organisation_id
    )
    if connection.scalar(same) is not None:
        raise name_taken("model", name)
