"""Another version on an edge, ordered by its parent, and back again by itself when that does not work.

Vocabulary: a *release* is the wheels of one version, kept on the parent's *shelf* and signed with the keys of its
ledger. A *roll-out* brings a release to edges, group after group, and stops at the first failure, in
the organisation whose edge it is (everywhere, when it is the node's own). At the edge a release
is put together in a *slot*, an environment of its own beside the one that runs; the *keeper*, the process that
``millwright edge up`` is, switches to it for a *trial*, and back when the trial fails, or was cut short.

Invariants: the environment that runs is never written to. In every moment the keeper's file says which environment is
to run; a power cut during a trial leads back to the one before, with its records. Only what the parent signed is run.
"""
