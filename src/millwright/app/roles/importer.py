"""The role ``importer``: registers the files of identifiers that wait, and ends."""

from __future__ import annotations

import os

from millwright.app.identifiers import register_of, registration_of
from millwright.app.node import Composition, Node, secrets_of
from millwright.identity.registration.bulk import ImportWorker
from millwright.identity.registration.bulk.store import ImportFiles
from millwright.kernel.scope import EVERYTHING

_NICENESS = 10
"""Pages and devices go first."""


def compose(node: Node) -> Composition:
    """The register and the worker."""
    os.nice(_NICENESS)
    register, everything = register_of(node), node.records.scoped(EVERYTHING)
    registration = registration_of(node, register, secrets_of(node))
    files = ImportFiles(node.folder.identifier_imports)
    worker = ImportWorker(everything, register, registration, registration.seals, files, node.clock)
    return Composition([register, worker])
