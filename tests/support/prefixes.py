"""A small tree of organisations, people with every role in each, and the prefixes' service over real records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from millwright import cases, identity, ledger, parties
from millwright.engines.sql import Records
from millwright.identity import prefixes as room
from millwright.identity.prefixes.desk import PrefixChanges
from millwright.identity.prefixes.model import NewPrefix, PrefixContact, PrefixDetail
from millwright.identity.prefixes.settings import PrefixesSettings
from millwright.identity.records import Prefix
from millwright.kernel import ManualClock, Unavailable
from millwright.kernel.scope import Scope, within
from millwright.parties import Authority, Node, Parties, Person, Session, Tree
from millwright.parties.authority import Held
from millwright.parties.permissions import of_role
from millwright.parties.store.organisations_tables import organisations

MIGRATIONS = [ledger.MIGRATIONS, parties.MIGRATIONS, cases.MIGRATIONS, identity.MIGRATIONS]
CODE = "91350100M000100Y43"
NODES = [
    ("park", "org_root", "park"),
    ("red", "park", "enterprise"),
    ("shop", "red", "site"),
    ("blue", "park", "enterprise"),
]
TREE = Tree([Node("org_root", None, "province", "Province"), *(Node(i, p, k, f"{i} works") for i, p, k in NODES)])


class Index:
    """An index in memory that can be away, or die after it was told."""

    def __init__(self) -> None:
        self.known: dict[str, Prefix] = {}
        self.puts = 0
        self.away = False

    def names_left(self, prefix: str, organisation_id: str) -> int:
        return 0

    def put_prefix(self, prefix: Prefix, *, who: str) -> None:
        assert who
        if self.away:
            raise Unavailable("away", code="records.away")
        self.puts += 1
        self.known[prefix.prefix] = prefix


def session(name: str) -> Session:
    person = Person(id=f"per_{name}", name=name, roles=["administrator"])
    return Session(id=f"ses_{name}", person=person, method="cookie", expires_ms=2**60)


def authority(on: str, *roles: str) -> Authority:
    """Holds these roles on an organisation."""
    return Authority(f"per_{on}", [Held(f"g{r}", on, r, of_role(r)) for r in roles or ("administrator",)], TREE, 0)


class Town:
    """The service, and what people of each organisation do in it."""

    def __init__(self, records: Records, *, clock: ManualClock | None = None, told: PrefixChanges | None = None,
                 **settings: object) -> None:  # fmt: skip
        self.records, self.clock, self.index = records, clock or ManualClock(), Index()
        with records.begin() as connection:
            for number, (key, parent, kind) in enumerate(NODES):
                row = {"id": key, "parent_id": parent, "kind": kind, "name": f"{key} works", "name_key": key}
                row |= {"path": "/" + "/".join(TREE.path(key)) + "/", "created_ms": number, "revision": 1}
                row |= {"suspended": False}
                connection.execute(organisations.insert(), [row])
        self.parties = Parties(records, self.clock)
        chosen = PrefixesSettings(**settings)  # type: ignore[arg-type]  # as the test says
        self.prefixes = room.Prefixes(records, self.parties, self.clock, chosen, self.index, told=told)

    @contextmanager
    def as_(self, on: str, permission: str) -> Iterator[tuple[Authority, Session]]:
        """Somebody who holds everything on an organisation, in the scope of one permission."""
        who = authority(on)
        scope = who.scope(permission)
        assert isinstance(scope, Scope)
        with within(scope):
            yield who, session(on)

    def form(self, prefix: str, system: str = "handle", **more: object) -> NewPrefix:
        contact = PrefixContact(name="Li", telephone="0591 1", email="li@example.cn")
        whole = {"credit_code": CODE, "contact": contact, "industry": "C34", "use": "pumps"} | more
        return NewPrefix(system=system, prefix=prefix, **whole)  # type: ignore[arg-type]  # as the test says

    async def apply(self, on: str, prefix: str, system: str = "handle", **more: object) -> str:
        with self.as_(on, "prefixes:apply") as (who, by):
            return (await self.prefixes.apply(who, by, self.form(prefix, system, **more))).id

    async def submit(self, on: str, prefix_id: str) -> PrefixDetail:
        with self.as_(on, "prefixes:apply") as (who, by):
            return await self.prefixes.submit(who, by, prefix_id, "please")

    async def withdraw(self, on: str, prefix_id: str) -> PrefixDetail:
        with self.as_(on, "prefixes:apply") as (who, by):
            return await self.prefixes.withdraw(who, by, prefix_id, "")

    async def decide(self, on: str, prefix_id: str, *steps: str, comment: str = "why") -> PrefixDetail:
        with self.as_(on, "prefixes:review") as (who, by):
            for step in steps:
                found = await self.prefixes.decide(who, by, prefix_id, step, comment)
            return found

    async def administer(self, on: str, prefix_id: str, step: str, until_ms: int | None = None) -> PrefixDetail:
        with self.as_(on, "prefixes:administer") as (who, by):
            return await self.prefixes.administer(who, by, prefix_id, step, "why", until_ms=until_ms)

    async def certify(self, on: str, prefix_id: str, until_ms: int | None = None) -> None:
        from millwright.identity.prefixes.model import NewCertification

        with self.as_(on, "prefixes:review") as (_, by):
            new = NewCertification(certified_by="CAICT", until_ms=until_ms)
            await self.prefixes.dossier.certify(by, prefix_id, new)

    async def activate(
        self, holder: str, prefix: str, registrar: str, system: str = "handle", until_ms: int | None = None
    ) -> str:
        """From nothing to a prefix in force."""
        prefix_id = await self.apply(holder, prefix, system)
        await self.submit(holder, prefix_id)
        await self.decide(registrar, prefix_id, "review", "approve")
        await self.certify(registrar, prefix_id)
        await self.administer(registrar, prefix_id, "activate", until_ms)
        return prefix_id
