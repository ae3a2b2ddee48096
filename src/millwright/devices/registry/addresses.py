"""The name a device has on the platform it comes from: checked, and as columns.

Names count within a *realm*: a product (Alibaba's product key, JetLinks' product id), or the gateway that speaks for
the device. So two gateways may each have a "meter 1".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import IntegrityError

from millwright.devices.errors import address_taken, invalid
from millwright.devices.names import clean_name
from millwright.devices.store import devices

Dialect = Literal["thingsboard", "alibaba", "jetlinks", "gbt32960"]

COLUMNS: Final = ("foreign_dialect", "foreign_realm", "foreign_name")


class ForeignAddress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device's name in the topics and messages of another platform's dialect.

    ``product_key`` is Alibaba's product key or JetLinks' product id; ``name`` the device name, device id, or the name
    that a gateway uses.
    """

    dialect: Dialect
    name: str
    product_key: str | None = None


def check_foreign(address: ForeignAddress, kind: str, pointer: str) -> None:
    """Raise ``Invalid`` unless the address fits a device of this kind and its parts are one level of a topic each."""
    below = kind == "gateway_device"
    if kind not in ("device", "gateway", "gateway_device"):
        raise invalid("A Sparkplug device has no address of another platform.", pointer)
    clean_name(address.name, f"{pointer}/name", most=255)
    if address.product_key is not None:
        clean_name(address.product_key, f"{pointer}/product_key", most=255)
    keyed = address.dialect == "alibaba" or (address.dialect == "jetlinks" and not below)
    if address.dialect == "thingsboard" and not below:
        raise invalid("A device of ThingsBoard is known by its token and needs no address.", pointer)
    if address.dialect == "gbt32960" and not below:
        raise invalid("A vehicle's own terminal is known by its VIN and ICCID and needs no address.", pointer)
    if keyed != (address.product_key is not None):
        what = "needs its product_key" if keyed else "has no product_key: its gateway speaks for it"
        raise invalid(f"This address {what}.", f"{pointer}/product_key")
    if address.dialect != "thingsboard" and set("+/#&") & set(address.name + (address.product_key or "")):
        raise invalid("A name in a topic contains +, /, # or &.", pointer, code="devices.address_name")


def realm_of(address: ForeignAddress, parent_id: str | None) -> str:
    """Within what the name is the device's own."""
    return address.product_key or parent_id or ""


def foreign_columns(address: ForeignAddress | None, parent_id: str | None) -> dict[str, str | None]:
    """The address as columns."""
    if address is None:
        return dict.fromkeys(COLUMNS)
    return dict(zip(COLUMNS, (address.dialect, realm_of(address, parent_id), address.name), strict=True))


def address_of(row: Any) -> ForeignAddress | None:
    """The address in a row (a mapping)."""
    if row["foreign_dialect"] is None:
        return None
    realm = row["foreign_realm"]
    return ForeignAddress(
        dialect=row["foreign_dialect"],
        name=row["foreign_name"],
        product_key=None if realm == row["parent_id"] else realm,
    )


def find_foreign(connection: sa.Connection, organisation_id: str, dialect: str, realm: str, name: str) -> Any:
    """Id and parent of the device with this address in an organisation, or ``None``."""
    return connection.execute(
        sa.select(devices.c.id, devices.c.parent_id).where(
            devices.c.organisation_id == organisation_id,
            devices.c.foreign_dialect == dialect,
            devices.c.foreign_realm == realm,
            devices.c.foreign_name == name,
        )
    ).one_or_none()


def refuse_taken(
    connection: sa.Connection,
    device_id: str,
    organisation_id: str,
    address: ForeignAddress | None,
    parent_id: str | None,
) -> None:
    """Raise ``Conflict`` (``devices.address_taken``) when another device of the organisation has the address."""
    if address is None:
        return
    found = find_foreign(connection, organisation_id, address.dialect, realm_of(address, parent_id), address.name)
    if found is not None and found.id != device_id:
        raise address_taken(address.product_key, address.name)


@contextmanager
def foreign_free(address: ForeignAddress | None) -> Iterator[None]:
    """Says it as :func:`refuse_taken` does when another took the address in the same moment."""
    try:
        yield
    except IntegrityError as error:
        if address is None or "foreign" not in str(error.orig):
            raise
        raise address_taken(address.product_key, address.name) from error
