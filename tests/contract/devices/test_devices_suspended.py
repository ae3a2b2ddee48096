"""Devices of a suspended organisation are shut out, and those of others are not."""

from __future__ import annotations

import sqlalchemy as sa

from millwright import devices, parties
from millwright.devices import CredentialStore, DeviceStore, NewDevice
from millwright.devices.credentials.store import issued_row
from millwright.engines.sql import Records
from millwright.kernel import ROOT
from millwright.kernel.scope import EVERYTHING, Scope, within
from millwright.parties.store.organisations_tables import organisations

MIGRATIONS = [parties.MIGRATIONS, devices.MIGRATIONS]
PATHS = {
    "org_works": f"/{ROOT}/org_works/",
    "org_site": f"/{ROOT}/org_works/org_site/",
    "org_other": f"/{ROOT}/org_other/",
}


def test_suspending_shuts_out_what_is_below_too(records: Records) -> None:
    with records.begin() as connection:
        for key, path in PATHS.items():
            row = {"id": key, "parent_id": ROOT, "kind": "site", "name": key, "name_key": key, "path": path}
            connection.execute(sa.insert(organisations).values(**row, suspended=False, created_ms=0, revision=1))
    store, credentials = DeviceStore(records.scoped(EVERYTHING)), CredentialStore(records)
    digests = {}
    for number, key in enumerate(PATHS):
        with within(Scope(frozenset({key}), key)):
            confined = DeviceStore(_following(records)).insert(f"dev_{key}", NewDevice(name="pump"), 0)
        assert confined.organisation_id == key
        digests[key] = bytes([number]) * 32
        credentials.insert(f"dev_{key}", issued_row(f"dev_{key}", "token", digests[key], None, None, 0), 5)

    def shut_out() -> set[str]:
        return {grant.device_id for grant in credentials.grants(list(digests.values())).values() if grant.disabled}

    assert shut_out() == set()
    assert store.find_by_name("pump") is None  # three have that name
    with records.begin() as connection:
        connection.execute(sa.update(organisations).where(organisations.c.id == "org_works").values(suspended=True))
    assert shut_out() == {"dev_org_works", "dev_org_site"}


def _following(records: Records) -> Records:
    """The same database in the scope of the work at hand."""
    other = object.__new__(Records)
    other.__dict__.update(records.__dict__ | {"_scope": None})
    return other
