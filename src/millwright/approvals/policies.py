"""Use cases of the policy: what takes a second person, where."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from millwright.approvals import errors
from millwright.approvals.catalogue import Catalogue
from millwright.approvals.demand import in_force
from millwright.approvals.model import ApprovalPolicy
from millwright.approvals.rights import APPROVALS_DECIDE, APPROVALS_POLICY, APPROVALS_READ
from millwright.approvals.store import PolicyStore
from millwright.kernel import Clock
from millwright.ledger import note
from millwright.parties import Authority, Parties, Session
from millwright.parties.store.organisations import no_such_organisation

_ENOUGH = 2


class Policies:
    """Keeps what organisations state. Every method acts for an :class:`Authority`."""

    def __init__(self, store: PolicyStore, catalogue: Catalogue, parties: Parties, clock: Clock) -> None:
        self._store, self._catalogue, self._parties, self._clock = store, catalogue, parties, clock

    async def get(self, authority: Authority, organisation_id: str) -> ApprovalPolicy:
        """What holds on an organisation. Raises ``NotFound`` (``parties.organisation_unknown``)."""
        if not authority.may(APPROVALS_READ.name, organisation_id):
            raise no_such_organisation(organisation_id)
        return await self._policy(authority, organisation_id)

    async def put(
        self, authority: Authority, session: Session, organisation_id: str, actions: Sequence[str]
    ) -> ApprovalPolicy:
        """State the names of one organisation; those above still hold.

        Raises ``NotFound`` (``parties.organisation_unknown``), ``Invalid`` (``approvals.action_unknown``), ``Conflict``
        (``approvals.too_few_deciders``).
        """
        if not authority.may(APPROVALS_POLICY.name, organisation_id):
            raise no_such_organisation(organisation_id)
        wanted = self._catalogue.check(actions)
        before = await self._policy(authority, organisation_id)
        if before.deciders < _ENOUGH and not set(wanted) <= set(before.actions):
            raise errors.too_few_deciders(before.deciders)
        await asyncio.to_thread(self._store.put, organisation_id, wanted, self._clock.now_ms(), session.person.name)
        was, now = {"actions": before.actions}, {"actions": wanted}
        note("approval_policy", organisation_id, before=was, after=now)
        return await self._policy(authority, organisation_id)

    async def _policy(self, authority: Authority, organisation_id: str) -> ApprovalPolicy:
        row = await asyncio.to_thread(self._store.find, organisation_id)
        stated = await asyncio.to_thread(self._store.all)
        above = authority.tree.path(organisation_id)[:-1]
        inherited = in_force(stated, authority.tree, above[-1]) if above else frozenset()
        deciders = await self._parties.holders(APPROVALS_DECIDE.name, organisation_id)
        return ApprovalPolicy(
            organisation_id,
            sorted(row.actions) if row else [],
            sorted(inherited),
            len(deciders),
            row.changed_ms if row else None,
            row.changed_by if row else None,
        )
