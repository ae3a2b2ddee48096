"""What somebody may do at a time at which they do not ask themselves: for work that was put off."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.kernel import Clock, Denied
from millwright.parties.authority import Authority, Held
from millwright.parties.authority import masked as narrowed
from millwright.parties.model import Method, Person, Session
from millwright.parties.permissions import bundles
from millwright.parties.store.authority import AuthorityStore, held, roles_of
from millwright.parties.store.organisations_tables import grants, group_members
from millwright.parties.store.people import PERSON
from millwright.parties.store.tables import people
from millwright.parties.store.tokens import NEVER_MS, TokenStore


class Standing:
    """Reads people and grants anew each time; blocks."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self._authorities, self._tokens = AuthorityStore(records), TokenStore(records)

    def stand_in(self, person_id: str, session_id: str, method: Method) -> tuple[Session, Authority]:
        """A session as the one that asked, and its authority now. Raises ``Denied`` (``parties.requester_gone``)."""
        now = self._clock.now_ms()
        if method == "token":
            session = self._tokens.find_by_id(session_id, now)
        else:
            session = self._person(person_id, session_id, now)
        if session is None or session.person.id != person_id:
            raise Denied(
                "Who asked for this can do nothing any more.",
                code="parties.requester_gone",
                hint="The account was disabled or its token ended; somebody else must ask anew.",
            )
        mask = narrowed(session.person.roles, bundles()) if method == "token" else None
        return session, Authority(person_id, self._authorities.held(person_id), self._authorities.tree(), now, mask)

    def _person(self, person_id: str, session_id: str, now_ms: int) -> Session | None:
        with self._records.read() as connection:
            row = connection.execute(sa.select(people).where(people.c.id == person_id)).one_or_none()
            if row is None or row.disabled:
                return None
            person = Person(row.id, row.name, roles_of(connection, row.id, now_ms), row.language)
        return Session(session_id, person, NEVER_MS)

    def kind_of(self, person_id: str) -> str | None:
        """Whether an account is a ``person``, a ``service`` or a ``program``."""
        with self._records.read() as connection:
            found: str | None = connection.scalar(sa.select(people.c.kind).where(people.c.id == person_id))
        return found

    def holders(self, permission: str, organisation_id: str) -> set[str]:
        """The enabled people who hold ``permission`` on an organisation."""
        tree, now = self._authorities.tree(), self._clock.now_ms()
        path = tree.path(organisation_id)
        here = grants.c.organisation_id.in_(path)
        through = sa.select(group_members.c.person_id).join(grants, grants.c.group_id == group_members.c.group_id)
        named = sa.or_(
            people.c.id.in_(sa.select(grants.c.person_id).where(here, grants.c.person_id.is_not(None))),
            people.c.id.in_(through.where(here)),
        )
        query = sa.select(people.c.id).where(people.c.kind == PERSON, sa.not_(people.c.disabled), named)
        with self._records.read() as connection:
            theirs: dict[str, list[Held]] = {
                person_id: held(connection, person_id) for person_id in connection.execute(query).scalars()
            }
        return {
            person_id
            for person_id, grants_held in theirs.items()
            if Authority(person_id, grants_held, tree, now).may(permission, organisation_id)
        }
